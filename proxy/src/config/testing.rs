//! Small configurations for unit tests.

use std::path::Path;

use vitrine_shared::config::{ConfigError, Source};

use super::Config;

/// A file with one upstream, `o`, and then `[listen]` with these lines below its addresses, from line 6 on.
pub(crate) fn load(rest: &str) -> Result<Config, Vec<ConfigError>> {
    load_with(|_| None, rest)
}

/// As [`load`], where `${NAME}` has a value.
pub(crate) fn load_with(env: impl Fn(&str) -> Option<String>, rest: &str) -> Result<Config, Vec<ConfigError>> {
    let text = format!(
        "[upstreams.o]\naddresses = [\"h:1\"]\n[listen]\nhttp = \"127.0.0.1:1\"\nops = \"127.0.0.1:2\"\n{rest}\n"
    );
    Config::of_source(&Source::of(Path::new("p.toml"), &text, env).unwrap())
}

/// A rule that caches all paths, with these keys, which stand from line 10 on.
pub(crate) fn caching(keys: &str) -> String {
    format!("[[rules]]\nname = \"r\"\npaths = [\"/**\"]\naction = \"cache\"\n{keys}")
}

/// `line: message: way out` of each error.
pub(crate) fn told(errors: Vec<ConfigError>) -> Vec<String> {
    let told = |error: ConfigError| {
        format!("{}: {}: {}", error.line.unwrap_or(0), error.message, error.help.unwrap_or_default())
    };
    errors.into_iter().map(told).collect()
}
