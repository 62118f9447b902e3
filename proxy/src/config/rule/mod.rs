//! `[[rules]]`: one rule, checked and compiled.

mod key;
mod matching;
mod responses;
mod settings;
mod tags;
mod ttl;
mod vary;

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::problems::Problems;
use super::rate_limits::RateLimits;
use super::raw::{RawRule, Text};
use super::transform;
use super::upstreams::Upstreams;
use crate::rules::{Bypass, DEFAULT_RULE, NAME_HELP, Rule, RuleAction, scope, valid_name};
use crate::upstream::Upstream;

/// What the rest of the file says that rules refer to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'k> {
    pub(super) upstreams: &'k Upstreams,
    /// Who is asked where a rule does not say.
    pub(super) default: Option<&'k Arc<Upstream>>,
    pub(super) rate_limits: &'k RateLimits,
    /// Largest body that is stored where a rule does not say.
    pub(super) max_object: u64,
}

pub(super) fn compile(raw: &RawRule, known: Known<'_>, problems: &mut Problems<'_>) -> Option<Rule> {
    check_name(&raw.name, problems);
    let hosts = matching::hosts(&raw.hosts, problems);
    let paths = matching::paths(&raw.paths, problems);
    let methods = raw.methods.as_ref().map(|methods| matching::methods(methods, problems));
    let conditions = matching::conditions(raw, problems);
    let upstream = match &raw.upstream {
        Some(name) => known.upstreams.find(name, problems),
        None => known.default.cloned(),
    };
    let transform = transform::compile(raw, problems);
    let purge_from = raw
        .purge_from
        .as_ref()
        .map(|networks| super::names::networks(networks.get_ref(), problems))
        .unwrap_or_default();
    let rate_limits = known.rate_limits.find(&raw.rate_limits, problems);
    let action = match raw.action.get_ref().as_str() {
        "pass" => {
            refuse_cache_keys(raw, problems);
            Some(RuleAction::Pass)
        }
        "cache" => {
            let settings = settings::compile(raw, paths.clone().unwrap_or_default(), known.max_object, problems);
            let bypass = raw.bypass.as_ref().map_or_else(Bypass::default, |raw| key::bypass(raw.get_ref(), problems));
            settings.zip(upstream.as_ref()).map(|(mut settings, upstream)| {
                transform::settle(&transform, &mut settings);
                settings.key.scope = scope(upstream, &conditions, &settings);
                RuleAction::Cache { settings: Arc::new(settings), bypass }
            })
        }
        _ => {
            problems.unknown(&raw.action, "action", ["cache", "pass"]);
            None
        }
    };
    Some(Rule {
        name: raw.name.get_ref().as_str().into(),
        hosts: hosts?,
        paths: paths?,
        methods: methods.map_or(Some(None), |methods| methods.map(Some))?,
        conditions,
        upstream: upstream?,
        transform: Arc::new(transform),
        purge_from: purge_from.into(),
        rate_limits,
        action: action?,
    })
}

fn check_name(text: &Text, problems: &mut Problems<'_>) {
    let name = text.get_ref();
    if !valid_name(name) {
        problems.error(text, format!("`{name}` is not a name"), Some(NAME_HELP.into()));
    } else if name == DEFAULT_RULE {
        problems.error(text, format!("`{name}` is the name of what no rule matches"), Some("choose another".into()));
    }
}

/// Keys that say how to cache have no meaning where nothing is cached; whoever wrote them meant something else.
fn refuse_cache_keys(raw: &RawRule, problems: &mut Problems<'_>) {
    fn span<T>(given: Option<&Spanned<T>>) -> Option<Range<usize>> {
        given.map(Spanned::span)
    }
    let given = [
        ("edge_ttl", span(raw.edge_ttl.as_ref())),
        ("negative_ttl", span(raw.negative_ttl.as_ref())),
        ("browser_ttl", span(raw.browser_ttl.as_ref())),
        ("stale_while_revalidate", span(raw.stale_while_revalidate.as_ref())),
        ("stale_if_error", span(raw.stale_if_error.as_ref())),
        ("on_disconnect", span(raw.on_disconnect.as_ref())),
        ("serve_for", span(raw.serve_for.as_ref())),
        ("max_object", span(raw.max_object.as_ref())),
        ("bypass", span(raw.bypass.as_ref())),
        ("key", span(raw.key.as_ref())),
        ("tags", span(raw.tags.as_ref())),
        ("forward", span(raw.forward.as_ref())),
        ("vary", span(raw.vary.keys().next())),
        ("heuristic", span(raw.heuristic.as_ref())),
        ("targeted", span(raw.targeted.as_ref())),
        ("request_directives", span(raw.request_directives.as_ref())),
        ("set_cookie", span(raw.set_cookie.as_ref())),
        ("compression", span(raw.compression.as_ref())),
        ("responses", span(raw.responses.first())),
    ];
    for (key, span) in given {
        if let Some(span) = span {
            let place = Spanned::new(span, ());
            problems.error(&place, format!("`{key}` means nothing where the action is `pass`"), None);
        }
    }
}

#[cfg(test)]
mod tests;
