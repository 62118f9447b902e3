//! `vitrine-proxy explain URL`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use vitrine_proxy::config::Config;
use vitrine_proxy::explain::{Compared, Question, explain};
use vitrine_shared::config::{ConfigError, Source};
use vitrine_shared::tag::Tag;

use super::ops::{self, Answer, Ops};

/// A request that is to be explained.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// All of the URL, as clients ask for it.
    url: String,
    /// The method.
    #[arg(short = 'X', long, default_value = "GET")]
    method: String,
    /// A header, such as "Accept-Language: de"; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The address that the request comes from.
    #[arg(long, value_name = "ADDRESS")]
    client: Option<String>,
    /// Also says whether the object has this tag; may be repeated.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Also explains it under this configuration, and says what that changes.
    #[arg(long, value_name = "FILE")]
    draft: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    /// The operations port of the running proxy; without it that of the configuration.
    #[arg(long, env = "OPS_URL", value_name = "URL")]
    ops: Option<String>,
}

pub(super) fn run(file: &Path, asked: &Explain) -> ExitCode {
    let Some(headers) = asked.headers.iter().map(|line| line.split_once(':')).collect::<Option<Vec<_>>>() else {
        eprintln!("a header is written \"Name: value\"");
        return ExitCode::FAILURE;
    };
    let headers: Vec<(String, String)> =
        headers.into_iter().map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
    let draft = match asked.draft.as_deref().map(draft).transpose() {
        Ok(draft) => draft,
        Err(errors) => return ops::said(&errors),
    };
    let (ops, config) = match Ops::reach(file, asked.ops.as_deref()) {
        Ok(reached) => reached,
        Err(code) => return code,
    };
    let question = json!({
        "url": asked.url,
        "method": asked.method,
        "headers": headers,
        "client": asked.client,
        "tags": asked.tags,
        "draft": draft.as_ref().map(|(source, _)| source.text()),
    });
    match (ops.post("/explain", &question, asked.json), &config) {
        (Answer::Text(text), _) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        (Answer::Nobody(why), Some(config)) => {
            eprintln!(
                "No proxy answers at {} ({why}): this is what {} says alone, without what is stored.\n",
                ops.url(),
                file.display()
            );
            of_file(asked, &headers, config, draft.map(|(_, config)| config).as_ref())
        }
        (Answer::Nobody(why), None) => {
            eprintln!("no proxy answers at {}: {why}", ops.url());
            ExitCode::FAILURE
        }
        (Answer::Refused(why), _) => {
            eprintln!("the proxy at {} does not explain it: {why}", ops.url());
            ExitCode::FAILURE
        }
    }
}

/// A draft with its variables put in, which are those of who sends it.
fn draft(file: &Path) -> Result<(Source, Config), Vec<ConfigError>> {
    let source = Source::read(file, super::variable).map_err(|error| vec![error])?;
    Config::of_source(&source).map(|config| (source, config))
}

fn of_file(asked: &Explain, headers: &[(String, String)], config: &Config, draft: Option<&Config>) -> ExitCode {
    let question = match Question::new(&asked.url, Some(&asked.method), headers, asked.client.as_deref()) {
        Ok(question) => question,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let tags: Vec<Tag> = asked.tags.iter().filter_map(|tag| Tag::from_foreign(tag)).collect();
    let now = explain(config, &question, &tags, None);
    match draft {
        None => print(&now, asked.json),
        Some(draft) => print(&Compared::new(now, explain(draft, &question, &tags, None)), asked.json),
    }
}

fn print(told: &(impl Serialize + std::fmt::Display), json: bool) -> ExitCode {
    match json.then(|| serde_json::to_string(told)) {
        Some(Ok(text)) => println!("{text}"),
        Some(Err(error)) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
        None => print!("{told}"),
    }
    ExitCode::SUCCESS
}
