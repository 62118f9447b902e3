//! `vitrine-proxy objects`

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::ops::{Answer, Ops};

/// Which objects are listed: what a purge of the one thing named would reach, or all.
#[derive(Debug, Args)]
pub(super) struct Objects {
    /// Those with this tag.
    #[arg(long, group = "selector", value_name = "TAG")]
    tag: Option<String>,
    /// Those below this path of a host, such as "shop.example/store/products".
    #[arg(long, group = "selector", value_name = "PREFIX")]
    prefix: Option<String>,
    /// Those of this host.
    #[arg(long, group = "selector", value_name = "HOST")]
    host: Option<String>,
    /// All variants of this URL.
    #[arg(long, group = "selector", value_name = "URL")]
    url: Option<String>,
    /// How many.
    #[arg(long, default_value = "100")]
    limit: usize,
    /// Where the page before ended.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// The operations port of the running proxy; without it that of the configuration.
    #[arg(long, env = "OPS_URL", value_name = "URL")]
    ops: Option<String>,
}

pub(super) fn run(file: &Path, asked: &Objects) -> ExitCode {
    let ops = match Ops::reach(file, asked.ops.as_deref()) {
        Ok((ops, _)) => ops,
        Err(code) => return code,
    };
    let limit = asked.limit.to_string();
    let named = [
        ("tag", &asked.tag),
        ("prefix", &asked.prefix),
        ("host", &asked.host),
        ("url", &asked.url),
        ("cursor", &asked.cursor),
    ];
    let mut query: Vec<(&str, &str)> = vec![("limit", &limit)];
    query.extend(named.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    match ops.get("/objects", &query, asked.json) {
        Answer::Text(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Answer::Nobody(why) | Answer::Refused(why) => {
            eprintln!("the proxy at {} lists nothing: {why}", ops.url());
            ExitCode::FAILURE
        }
    }
}
