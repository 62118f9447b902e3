//! `vitrine-proxy trail`

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::ops::{Answer, Ops};

/// Of what the trail is told.
#[derive(Debug, Args)]
pub(super) struct Trail {
    /// A product's id, an order's, any tag or its last part, or an event's name such as product.updated.
    #[arg(required_unless_present = "epoch", conflicts_with = "epoch")]
    about: Option<String>,
    /// One epoch, such as 1.43.
    #[arg(long, value_name = "EPOCH")]
    epoch: Option<String>,
    /// How many events.
    #[arg(long, default_value = "10")]
    limit: usize,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// The operations port of the running proxy; without it that of the configuration.
    #[arg(long, env = "OPS_URL", value_name = "URL")]
    ops: Option<String>,
}

pub(super) fn run(file: &Path, asked: &Trail) -> ExitCode {
    let ops = match Ops::reach(file, asked.ops.as_deref()) {
        Ok((ops, _)) => ops,
        Err(code) => return code,
    };
    let limit = asked.limit.to_string();
    let named = [("about", &asked.about), ("epoch", &asked.epoch)];
    let mut query: Vec<(&str, &str)> = vec![("limit", &limit)];
    query.extend(named.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    match ops.get("/trail", &query, asked.json) {
        Answer::Text(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Answer::Nobody(why) | Answer::Refused(why) => {
            eprintln!("the proxy at {} tells no trail: {why}", ops.url());
            ExitCode::FAILURE
        }
    }
}
