//! What a running proxy cannot change: its sockets, its threads, its memory, its name and its feed.

use toml::Spanned;
use vitrine_shared::config::{ConfigError, Source};

use super::loader::Loaded;
use crate::config::raw::{RawCache, RawConfig, RawFeed};
use crate::config::{CacheLimits, Config, Feed, Listen};

/// A file's configuration as far as a running proxy can take it.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The file's, but what needs a restart is as it was.
    pub config: Config,
    /// What the file says otherwise than what is in force, each with its place.
    pub pending: Vec<ConfigError>,
}

/// Takes of a file what can change while `running` runs.
///
/// # Errors
///
/// Where the file turns to another feed, or to one or none: upstreams that speak epochs belong with their feed, so with the old
/// one nothing of the file may come into force.
pub fn in_force(running: &Config, loaded: &Loaded) -> Result<InForce, Vec<ConfigError>> {
    let Loaded { config: new, source, .. } = loaded;
    let raw: RawConfig = source.parse().map_err(|error| vec![error])?;
    let feed_at = raw.feed.as_ref().map(|feed| feed.url.span().start);
    if running.feed.as_ref().map(|feed| &feed.url) != new.feed.as_ref().map(|feed| &feed.url) {
        let message = "the feed cannot change while the proxy runs, and the upstreams belong with it";
        return Err(vec![ConfigError {
            help: Some("restart the proxy with this file".to_owned()),
            ..placed(source, feed_at, "feed.url", message)
        }]);
    }
    let mut changes = listener_changes(running, new, &raw);
    changes.extend(cache_changes(running, new, &raw.cache));
    if let (Some(old), Some(new), Some(raw)) = (&running.feed, &new.feed, &raw.feed) {
        changes.extend(feed_changes(old, new, raw));
    }
    let sequencer_at = raw.sequencer.as_ref().map(|raw| raw.listen.span().start);
    changes.push((running.sequencer != new.sequencer, sequencer_at, "sequencer"));
    let pending = changes.into_iter().filter(|(changed, ..)| *changed).map(|(_, at, key)| ConfigError {
        help: Some("what was there at the start is in force until then".to_owned()),
        ..placed(source, at, key, format!("a change of `{key}` needs a restart"))
    });
    let pending = pending.collect();
    let old = running.clone();
    let config = Config {
        edge: old.edge,
        listen: Listen {
            http: old.listen.http,
            https: old.listen.https,
            ops: old.listen.ops,
            ops_token: old.listen.ops_token,
            threads: old.listen.threads,
            ..new.listen.clone()
        },
        cache: CacheLimits { memory: old.cache.memory, max_variants: old.cache.max_variants, ..new.cache },
        disk: old.disk,
        feed: old.feed,
        sequencer: old.sequencer,
        ..new.clone()
    };
    Ok(InForce { config, pending })
}

/// Whether a key changed, where it stands, and its name.
type Change = (bool, Option<usize>, &'static str);

fn listener_changes(old: &Config, new: &Config, raw: &RawConfig) -> Vec<Change> {
    let listen = &raw.listen;
    vec![
        (old.edge != new.edge, start(raw.edge.as_ref()), "edge"),
        (old.listen.http != new.listen.http, start(Some(&listen.http)), "listen.http"),
        (old.listen.https != new.listen.https, start(listen.https.as_ref()), "listen.https"),
        (old.listen.ops != new.listen.ops, start(Some(&listen.ops)), "listen.ops"),
        (old.listen.ops_token != new.listen.ops_token, start(listen.ops_token.as_ref()), "listen.ops_token"),
        (old.listen.threads != new.listen.threads, start(listen.threads.as_ref()), "listen.threads"),
    ]
}

fn cache_changes(old: &Config, new: &Config, raw: &RawCache) -> Vec<Change> {
    let mut changes = vec![
        (old.cache.memory != new.cache.memory, start(raw.memory.as_ref()), "cache.memory"),
        (old.cache.max_variants != new.cache.max_variants, start(raw.max_variants.as_ref()), "cache.max_variants"),
    ];
    let at = raw.disk.as_ref();
    match (&old.disk, &new.disk) {
        (Some(old), Some(new)) => changes.extend([
            (old.path != new.path, at.map(|raw| raw.path.span().start), "cache.disk.path"),
            (old.size != new.size, at.map(|raw| raw.size.span().start), "cache.disk.size"),
            (old.admission != new.admission, at.and_then(|raw| start(raw.admission.as_ref())), "cache.disk.admission"),
            (old.queue != new.queue, at.and_then(|raw| start(raw.queue.as_ref())), "cache.disk.queue"),
        ]),
        (old, new) => {
            changes.push((old.is_some() != new.is_some(), at.map(|raw| raw.path.span().start), "cache.disk.path"));
        }
    }
    changes
}

fn feed_changes(old: &Feed, new: &Feed, raw: &RawFeed) -> [Change; 5] {
    [
        (old.redis != new.redis, start(raw.redis.as_ref()), "feed.redis"),
        (old.token != new.token, start(Some(&raw.token)), "feed.token"),
        (old.renew_every != new.renew_every, start(raw.renew_every.as_ref()), "feed.renew_every"),
        (old.max_lease != new.max_lease, start(raw.max_lease.as_ref()), "feed.max_lease"),
        (old.tag_capacity != new.tag_capacity, start(raw.tag_capacity.as_ref()), "feed.tag_capacity"),
    ]
}

fn start<T>(value: Option<&Spanned<T>>) -> Option<usize> {
    value.map(|value| value.span().start)
}

/// An error at a key's value, or, where the key was taken out, of the file as a whole.
fn placed(source: &Source, at: Option<usize>, key: &str, message: impl Into<String>) -> ConfigError {
    let error = match at {
        Some(at) => source.error_at(at, message, None),
        None => ConfigError::whole(source.file(), message),
    };
    ConfigError { key: Some(key.to_owned()), ..error }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::reload::Digest;

    const FILE: &str = "\
edge = \"a\"
[listen]
http = \"127.0.0.1:1\"
ops = \"127.0.0.1:2\"
ops_token = \"t\"
[cache]
memory = \"64MiB\"
max_object = \"1MiB\"
[feed]
redis = \"redis://r\"
url = \"http://f\"
token = \"t\"
[upstreams.origin]
addresses = [\"o:1\"]
";

    fn loaded(text: &str) -> Loaded {
        let source = Source::of(Path::new("p.toml"), text, |_| None).unwrap();
        let config = Config::of_source(&source).unwrap_or_else(|errors| panic!("{errors:?}"));
        Loaded { config, source, digest: Digest::of(text) }
    }

    fn take(text: &str) -> Result<InForce, Vec<ConfigError>> {
        in_force(&loaded(FILE).config, &loaded(text))
    }

    #[test]
    fn sockets_threads_memory_names_and_the_feeds_keys_wait_for_a_restart() {
        for (from, to, key, line) in [
            ("\"a\"", "\"b\"", "edge", Some(1)),
            ("edge = \"a\"", "", "edge", None),
            ("127.0.0.1:1", "127.0.0.1:3", "listen.http", Some(3)),
            ("127.0.0.1:2", "127.0.0.1:3", "listen.ops", Some(4)),
            ("ops_token = \"t\"", "ops_token = \"u\"", "listen.ops_token", Some(5)),
            ("ops_token = \"t\"", "threads = 3\nops_token = \"t\"", "listen.threads", Some(5)),
            ("64MiB", "65MiB", "cache.memory", Some(7)),
            ("[feed]", "max_variants = 7\n[feed]", "cache.max_variants", Some(9)),
            ("[feed]", "[cache.disk]\npath = \"d\"\nsize = \"1GiB\"\n[feed]", "cache.disk.path", Some(10)),
            ("redis://r", "redis://q", "feed.redis", Some(10)),
            ("[up", "renew_every = \"2s\"\n[up", "feed.renew_every", Some(13)),
            ("[up", "max_lease = \"20s\"\n[up", "feed.max_lease", Some(13)),
            ("[up", "tag_capacity = 7\n[up", "feed.tag_capacity", Some(13)),
            ("url = \"http://f\"\ntoken = \"t\"", "url = \"http://f\"\ntoken = \"u\"", "feed.token", Some(12)),
        ] {
            let text = FILE.replace(from, to) + "[[rules]]\nname = \"new\"\naction = \"pass\"\npaths = [\"/**\"]\n";
            let InForce { config, pending } = take(&text).unwrap();
            let told: Vec<_> = pending.iter().map(|error| (error.key.as_deref(), error.line)).collect();
            assert_eq!(told, [(Some(key), line)]);
            assert_eq!(config.rules.rules().len(), 1, "{key}: the rest is taken");
            let mut kept = take(FILE).unwrap().config;
            kept.rules = config.rules.clone();
            kept.upstreams.clone_from(&config.upstreams);
            assert_eq!(format!("{kept:?}"), format!("{config:?}"), "{key} is as it was");
            assert_eq!(kept.listen.ops_token, config.listen.ops_token);
        }
    }

    #[test]
    fn the_disk_waits_for_a_restart() {
        let with = |lines: &str| FILE.replace("[feed]", &format!("[cache.disk]\n{lines}\n[feed]"));
        let was = with("path = \"d\"\nsize = \"1GiB\"");
        for (lines, key, line) in [
            ("path = \"e\"\nsize = \"1GiB\"", "cache.disk.path", 10),
            ("path = \"d\"\nsize = \"2GiB\"", "cache.disk.size", 11),
            ("path = \"d\"\nsize = \"1GiB\"\nadmission = \"all\"", "cache.disk.admission", 12),
            ("path = \"d\"\nsize = \"1GiB\"\nqueue = \"32MiB\"", "cache.disk.queue", 12),
        ] {
            let running = loaded(&was).config;
            let InForce { config, pending } = in_force(&running, &loaded(&with(lines))).unwrap();
            let told: Vec<_> = pending.iter().map(|error| (error.key.as_deref(), error.line)).collect();
            assert_eq!(told, [(Some(key), Some(line))]);
            assert_eq!(config.disk, running.disk);
        }
    }

    #[test]
    fn what_stands_in_no_socket_is_taken_at_once() {
        let InForce { config, pending } = take(&FILE.replace("1MiB", "2MiB").replace("o:1", "p:1")).unwrap();
        assert_eq!(pending, []);
        assert_eq!(config.cache.max_object, 2 << 20);
        assert_eq!(config.upstreams[0].addresses[0].to_string(), "p:1");
    }

    #[test]
    fn another_feed_or_none_is_refused() {
        let without = FILE.replace("[feed]\nredis = \"redis://r\"\nurl = \"http://f\"\ntoken = \"t\"\n", "");
        for (text, line) in [(FILE.replace("http://f", "http://g"), Some(11)), (without.clone(), None)] {
            let errors = take(&text).unwrap_err();
            assert_eq!((errors[0].key.as_deref(), errors[0].line), (Some("feed.url"), line));
        }
        assert!(in_force(&loaded(&without).config, &loaded(FILE)).is_err());
        assert_eq!(in_force(&loaded(&without).config, &loaded(&without)).unwrap().pending, []);
    }
}
