//! How a rule caches: the keys that stand by themselves, and the tables put together.

use std::sync::Arc;

use http::{HeaderName, header};
use toml::Spanned;

use super::{key, responses, tags, ttl, vary};
use crate::config::compression;
use crate::config::names::{header_name, word};
use crate::config::problems::Problems;
use crate::config::raw::{RawKey, RawRule, RawStale, Text};
use crate::rules::{
    BrowserTtl, CDN_CACHE_CONTROL, CacheSettings, DEFAULT_NEGATIVE_TTL, EdgeTtl, Forward, OnDisconnect, PathPattern,
    RequestDirectives, SetCookie, StaleTtl,
};

/// The settings, whose scope is not known yet: see [`scope`](crate::rules::scope).
pub(super) fn compile(
    raw: &RawRule,
    paths: Arc<[PathPattern]>,
    max_object: u64,
    problems: &mut Problems<'_>,
) -> Option<CacheSettings> {
    let edge_ttl = raw.edge_ttl.as_ref().map_or(Some(EdgeTtl::Respect), |raw| ttl::edge(raw, problems));
    let negative_ttl = problems.duration_or(raw.negative_ttl.as_ref(), DEFAULT_NEGATIVE_TTL);
    let browser_ttl = raw.browser_ttl.as_ref().map_or(Some(BrowserTtl::Respect), |raw| ttl::browser(raw, problems));
    let mut stale =
        |raw: Option<&Spanned<RawStale>>| raw.map_or(Some(StaleTtl::Respect), |raw| ttl::stale(raw, problems));
    let stale_while_revalidate = stale(raw.stale_while_revalidate.as_ref());
    let stale_if_error = stale(raw.stale_if_error.as_ref());
    let disconnect = [("revalidate", OnDisconnect::Revalidate), ("serve", OnDisconnect::Serve)];
    let on_disconnect = word(raw.on_disconnect.as_ref(), "on_disconnect", &disconnect, problems);
    let serve_for = raw.serve_for.as_ref().map_or(Some(None), |ttl| problems.duration(ttl).map(Some));
    let max_object_bytes = problems.size_or(raw.max_object.as_ref(), max_object);
    let default_key = RawKey::default();
    let key = key::spec(raw.key.as_ref().map_or(&default_key, Spanned::get_ref), problems);
    let tags = tags::templates(raw, paths, problems);
    let forwards = [("keyed", Forward::Keyed), ("headers", Forward::Headers), ("all", Forward::All)];
    let forward = word(raw.forward.as_ref(), "forward", &forwards, problems);
    let vary = vary::rules(raw, problems);
    let heuristic = raw.heuristic.as_ref().map_or(Some(None), |raw| ttl::heuristic(raw.get_ref(), problems).map(Some));
    let targeted = raw.targeted.as_ref().map(|names| targeted(names.get_ref(), problems));
    let directives = [("ignore", RequestDirectives::Ignore), ("obey", RequestDirectives::Obey)];
    let request_directives = word(raw.request_directives.as_ref(), "request_directives", &directives, problems);
    let set_cookie = set_cookie(raw.set_cookie.as_ref(), problems);
    let compression =
        raw.compression.as_ref().map_or(Some(None), |raw| compression::compile(raw, problems).map(Arc::new).map(Some));
    let responses = responses::compile(&raw.responses, problems);
    Some(CacheSettings {
        key: key?,
        edge_ttl: edge_ttl?,
        negative_ttl: negative_ttl?,
        browser_ttl: browser_ttl?,
        on_disconnect: on_disconnect?,
        serve_for: serve_for?,
        stale_while_revalidate: stale_while_revalidate?,
        stale_if_error: stale_if_error?,
        max_object_bytes: max_object_bytes?,
        tags,
        forward: forward?,
        request_edits: Arc::default(),
        vary,
        heuristic: heuristic?,
        targeted: targeted.unwrap_or_else(|| vec![CDN_CACHE_CONTROL]).into(),
        request_directives: request_directives?,
        set_cookie: set_cookie?,
        compression: compression?,
        responses: responses.into(),
    })
}

pub(super) fn set_cookie(raw: Option<&Text>, problems: &mut Problems<'_>) -> Option<SetCookie> {
    word(raw, "set_cookie", &[("refuse", SetCookie::Refuse), ("strip", SetCookie::Strip)], problems)
}

/// What is wrong is noted, so that nothing is compiled in the end; what is right may be collected.
fn targeted(names: &[Text], problems: &mut Problems<'_>) -> Vec<HeaderName> {
    let mut found = Vec::new();
    for text in names {
        let Some(name) = problems.parse(text, "a header's name", header_name) else { continue };
        if name == header::CACHE_CONTROL || name == header::EXPIRES {
            let help = "it counts where none of these is there";
            problems.error(text, format!("`{name}` is no targeted field"), Some(help.into()));
        }
        found.push(name);
    }
    found
}
