//! That the reference page and the code name the same keys, and that secrets stay secret.

use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;

use super::raw::{
    RawBypass, RawCache, RawCap, RawCertificate, RawCompression, RawConfig, RawCors, RawDisk, RawEdits, RawEjection,
    RawFeed, RawHealth, RawHeuristic, RawKey, RawKeyHeaderTable, RawLimits, RawListen, RawQueryNames, RawRateLimit,
    RawResponse, RawRetries, RawRule, RawSequencer, RawStaleDefault, RawUpstream, RawVaryChoices,
};
use super::*;
use crate::cases::raw::{RawAnswer, RawCase, RawExpect, RawRequest};

/// The keys of a table, out of serde's own words on one that it does not know.
fn keys<T: DeserializeOwned>() -> BTreeSet<String> {
    let error = toml::from_str::<T>("zz_none = 1").err().unwrap();
    error.message().split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

/// The keys in the table below a heading of the reference page.
fn documented(page: &str, heading: &str) -> BTreeSet<String> {
    let section = page.split_once(&format!("\n{heading}\n")).unwrap().1;
    let section = section.split("\n#").next().unwrap();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(key, _)| key.to_owned())
        .collect()
}

#[test]
fn the_reference_page_names_every_key_and_no_other() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md")).unwrap();
    for (heading, keys) in [
        ("## Top level", keys::<RawConfig>()),
        ("## `[listen]`", keys::<RawListen>()),
        ("### `[listen.limits]`", keys::<RawLimits>()),
        ("### `[[listen.certificates]]`", keys::<RawCertificate>()),
        ("## `[cache]`", keys::<RawCache>()),
        ("## `[cache.disk]`", keys::<RawDisk>()),
        ("## `[feed]`", keys::<RawFeed>()),
        ("## `[sequencer]`", keys::<RawSequencer>()),
        ("## `[upstreams.NAME]`", keys::<RawUpstream>()),
        ("### `health`", keys::<RawHealth>()),
        ("### `ejection`", keys::<RawEjection>()),
        ("### `retries`", keys::<RawRetries>()),
        ("## `[rate_limits.NAME]`", keys::<RawRateLimit>()),
        ("## `[[rules]]`", keys::<RawRule>()),
        ("### `edge_ttl`", keys::<RawCap>()),
        ("### `stale_while_revalidate` and `stale_if_error`", keys::<RawStaleDefault>()),
        ("### `bypass`", keys::<RawBypass>()),
        ("### `key`", keys::<RawKey>()),
        ("### `key.query`", keys::<RawQueryNames>()),
        ("### `key.headers`", keys::<RawKeyHeaderTable>()),
        ("### `[[cases]]`", keys::<RawCase>()),
        ("### `cases.request`", keys::<RawRequest>()),
        ("### `cases.response`", keys::<RawAnswer>()),
        ("### `cases.expect`", keys::<RawExpect>()),
        ("### `vary`", keys::<RawVaryChoices>()),
        ("### `heuristic`", keys::<RawHeuristic>()),
        ("### `[[rules.responses]]`", keys::<RawResponse>()),
        ("### `compression`", keys::<RawCompression>()),
        ("### `request_headers`", keys::<RawEdits>()),
        ("### `cors`", keys::<RawCors>()),
    ] {
        assert!(!keys.is_empty(), "{heading}");
        assert_eq!(documented(&page, heading), keys, "{heading}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let text = "[listen]\nhttp = \"127.0.0.1:1\"\nops = \"127.0.0.1:2\"\nops_token = \"${ONE}\"\n\
                [feed]\nredis = \"redis://:${TWO}@h\"\nurl = \"http://h:1\"\ntoken = \"${ONE}\"\n\
                [upstreams.o]\naddresses = [\"h:1\"]\n";
    let env = |name: &str| Some(format!("secret-{name}"));
    let source = Source::of(Path::new("p.toml"), text, env).unwrap();
    let config = Config::of_source(&source).unwrap();
    let feed = config.feed.as_ref().unwrap();
    assert_eq!(feed.token.expose(), "secret-ONE");
    assert!(feed.redis.is_some());
    assert!(!format!("{config:?}").contains("secret-"));

    // A mistake elsewhere does not print them either.
    for (from, to) in [("http://h:1", "h"), ("redis://", "redis+sentinel://"), ("redis://", "http://")] {
        let wrong = text.replace(from, to);
        let errors = Config::of_source(&Source::of(Path::new("p.toml"), &wrong, env).unwrap()).unwrap_err();
        assert!(errors.len() == 1 && !format!("{errors:?}").contains("secret-"), "{errors:?}");
        let key = if from == "redis://" { (Some("feed.redis"), Some(6)) } else { (Some("feed.url"), Some(7)) };
        assert_eq!((errors[0].key.as_deref(), errors[0].line), key);
    }
}

#[test]
fn an_empty_token_or_redis_is_none() {
    let text = "[listen]\nhttp = \"127.0.0.1:1\"\nops = \"127.0.0.1:2\"\nops_token = \"\"\n\
                [feed]\nredis = \"\"\nurl = \"http://h:1/, http://i:2\"\ntoken = \"t\"\n[upstreams.o]\naddresses = [\"h:1\"]\n";
    let config = Config::of_source(&Source::of(Path::new("p.toml"), text, |_| None).unwrap()).unwrap();
    let feed = config.feed.unwrap();
    assert!(config.listen.ops_token.is_none() && feed.redis.is_none());
    assert_eq!(feed.urls().collect::<Vec<_>>(), ["http://h:1", "http://i:2"]);
    assert_eq!(config.cache, CacheLimits { memory: 256 << 20, max_object: 8 << 20, max_variants: 64 });
}
