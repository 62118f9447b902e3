//! `[upstreams.NAME]`: who can be asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderValue;
use toml::Spanned;

use super::balance;
use super::problems::Problems;
use super::raw::{RawUpstream, Text};
use crate::key::normal_path;
use crate::rules::{Rule, valid_name};
use crate::upstream::{Address, CONNECT_TIMEOUT, TRANSFER_TIMEOUT, TagHeader, Upstream};

/// The upstreams of a file, with the places of their names.
#[derive(Debug)]
pub(super) struct Upstreams {
    names: Vec<Text>,
    compiled: Vec<Arc<Upstream>>,
}

impl Upstreams {
    /// Those that could be compiled.
    pub(super) fn list(&self) -> Vec<Arc<Upstream>> {
        self.compiled.clone()
    }

    /// How many are named, whether right or wrong.
    pub(super) fn count(&self) -> usize {
        self.names.len()
    }

    /// The name of one, where there is any.
    pub(super) fn a_name(&self) -> Option<&str> {
        self.names.iter().map(|name| name.get_ref().as_str()).min()
    }

    /// The upstream of a name, or a note that there is none. One that is named but wrong has its own notes.
    pub(super) fn find(&self, name: &Text, problems: &mut Problems<'_>) -> Option<Arc<Upstream>> {
        if !self.names.contains(name) {
            problems.unknown(name, "upstream", self.names.iter().map(|name| name.get_ref().as_str()));
        }
        self.compiled.iter().find(|upstream| *upstream.name == **name.get_ref()).cloned()
    }

    pub(super) fn warn_of_unused(&self, default: Option<&Arc<Upstream>>, rules: &[Rule], problems: &mut Problems<'_>) {
        let used = |name: &str| {
            default.is_some_and(|upstream| *upstream.name == *name)
                || rules.iter().any(|rule| *rule.upstream.name == *name)
        };
        for name in self.names.iter().filter(|name| !used(name.get_ref())) {
            problems.warn(name, format!("upstream `{}` is named by no rule", name.get_ref()), None);
        }
    }
}

pub(super) fn compile(
    raw: BTreeMap<Text, Spanned<RawUpstream>>,
    with_feed: bool,
    problems: &mut Problems<'_>,
) -> Upstreams {
    let mut upstreams = Upstreams { names: Vec::new(), compiled: Vec::new() };
    for (name, entry) in raw {
        if !valid_name(name.get_ref()) {
            problems.error(&name, format!("`{}` is not a name", name.get_ref()), Some(crate::rules::NAME_HELP.into()));
        }
        let compiled = one(name.get_ref(), entry.get_ref(), with_feed, problems);
        upstreams.compiled.extend(compiled.map(Arc::new));
        upstreams.names.push(name);
    }
    upstreams
}

fn one(name: &str, raw: &RawUpstream, with_feed: bool, problems: &mut Problems<'_>) -> Option<Upstream> {
    let addresses = addresses(name, &raw.addresses, problems);
    let connect = problems.duration_or(raw.connect_timeout.as_ref(), CONNECT_TIMEOUT);
    let read = problems.duration_or(raw.read_timeout.as_ref(), TRANSFER_TIMEOUT);
    let write = problems.duration_or(raw.write_timeout.as_ref(), TRANSFER_TIMEOUT);
    for timeout in [&raw.connect_timeout, &raw.read_timeout, &raw.write_timeout].into_iter().flatten() {
        if timeout.get_ref() == "0s" {
            problems.error(timeout, "a timeout of zero would fail every request", None);
        }
    }
    let host = raw.host.as_ref().and_then(|host| host_value(host, problems));
    let strip_prefix = raw.strip_prefix.as_ref().and_then(|prefix| path_prefix(prefix, problems));
    let path_prefix = raw.path_prefix.as_ref().and_then(|prefix| path_prefix(prefix, problems));
    let speaks_epochs = raw.speaks_epochs.as_ref().is_some_and(|speaks| *speaks.get_ref());
    if let Some(at) = raw.speaks_epochs.as_ref().filter(|_| speaks_epochs && !with_feed) {
        problems.error(
            at,
            format!("upstream `{name}` speaks epochs, but there is no [feed] that tells of purges"),
            Some("add [feed], or take `speaks_epochs` away".into()),
        );
    }
    let tag_headers = tag_headers(raw.tag_headers.as_deref(), problems);
    let balance = balance::balance(raw.balance.as_ref(), problems);
    let health = raw.health.as_ref().map(|raw| balance::health(raw, problems));
    let ejection = balance::ejection(raw.ejection.as_ref(), problems);
    let retries = raw.retries.as_ref().map(|raw| balance::retries(raw, addresses.as_deref(), problems));
    Some(Upstream {
        name: name.into(),
        addresses: addresses?,
        tls: raw.tls,
        host,
        strip_prefix,
        path_prefix,
        connect_timeout: connect?,
        read_timeout: read?,
        write_timeout: write?,
        reads_through: raw.reads_through,
        speaks_epochs,
        tag_headers: tag_headers?,
        balance,
        health,
        ejection,
        retries,
    })
}

fn tag_headers(raw: Option<&[Text]>, problems: &mut Problems<'_>) -> Option<Vec<TagHeader>> {
    let Some(raw) = raw else {
        return Some(TagHeader::defaults());
    };
    let parsed: Vec<Option<TagHeader>> =
        raw.iter().map(|text| problems.parse(text, "a header", str::parse::<TagHeader>)).collect();
    parsed.into_iter().collect()
}

fn addresses(name: &str, raw: &Spanned<Vec<Text>>, problems: &mut Problems<'_>) -> Option<Vec<Address>> {
    if raw.get_ref().is_empty() {
        problems.error(raw, format!("upstream `{name}` has no address"), Some("such as [\"127.0.0.1:9000\"]".into()));
        return None;
    }
    let parsed: Vec<Option<Address>> = raw
        .get_ref()
        .iter()
        .map(|text| {
            problems.parse(text, "an address", |text| {
                text.parse().map_err(|error| format!("{error}, such as \"127.0.0.1:9000\""))
            })
        })
        .collect();
    parsed.into_iter().collect()
}

fn host_value(host: &Text, problems: &mut Problems<'_>) -> Option<Arc<str>> {
    let text = host.get_ref().as_str();
    let valid = !text.is_empty() && HeaderValue::from_str(text).is_ok() && !text.contains(['/', ' ', '@', '?', '#']);
    if !valid {
        problems.error(host, format!("`{text}` is not a host"), Some("such as \"shop.example\"".into()));
    }
    valid.then(|| text.into())
}

/// A path that begins with a slash, in normal form, without a slash at its end; `/` alone says nothing and is none.
fn path_prefix(prefix: &Text, problems: &mut Problems<'_>) -> Option<Arc<str>> {
    let text = prefix.get_ref().as_str();
    let normal = text.strip_prefix('/').and_then(|_| normal_path(text)).filter(|_| !text.contains('?'));
    let Some(normal) = normal else {
        problems.error(
            prefix,
            format!("`{text}` is not a path"),
            Some("it begins with `/`, such as \"/static\"".into()),
        );
        return None;
    };
    let trimmed = normal.trim_end_matches('/');
    (!trimmed.is_empty()).then(|| trimmed.into())
}
