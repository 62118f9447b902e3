//! The rule of a request, and how it came to it.

use serde_json::{Value, json};

use super::report::{Dropped, PassedOver, Rule};
use super::words;
use crate::config::Config;
use crate::key::Target;
use crate::rate::Caller;
use crate::rules::{CacheSettings, DEFAULT_RULE, HeaderEdits, RuleAction, Transform};

/// Most rules that are told with what does not fit.
const MAX_TOLD: usize = 100;

/// The rule of a request.
pub(super) fn rule(config: &Config, caller: &Caller<'_>) -> Rule {
    let facts = caller.request;
    let trace = config.rules.trace(facts);
    let passed_over = trace.passed_over.iter().take(MAX_TOLD);
    let passed_over = passed_over
        .map(|(rule, mismatch)| PassedOver { rule: rule.name.to_string(), because: mismatch.to_string() })
        .collect();
    let name = trace.rule.map_or(DEFAULT_RULE, |rule| &rule.name).to_owned();
    let changes = trace.rule.and_then(|rule| changes(&rule.transform));
    let named = trace.rule.map(|rule| &*rule.rate_limits).unwrap_or_default();
    let limits = named.iter().filter_map(|index| config.rate_limits.get(index.get()));
    let rate_limits = limits.map(|limit| words::rate_limit(limit, limit.counts(caller))).collect();
    match trace.rule.map(|rule| &rule.action) {
        None | Some(RuleAction::Pass) => {
            Rule { name, action: "pass", passed_for: None, passed_over, settings: None, changes, rate_limits }
        }
        Some(RuleAction::Cache { settings, bypass }) => {
            let named = bypass.cause(facts).and_then(|cause| Some((cause.reason, cause.name?)));
            let passed_for = named.map(|(reason, name)| format!("{} `{}`", reason.label(), words::text(name)));
            let settings = Some(words::settings(settings));
            Rule { name, action: "cache", passed_for, passed_over, settings, changes, rate_limits }
        }
    }
}

/// What a rule changes of messages, by the names of the fields; absent where it changes nothing.
fn changes(transform: &Transform) -> Option<Value> {
    let names = |edits: &HeaderEdits| -> Vec<String> {
        let written = edits.set.iter().chain(&edits.add).map(|(name, _)| name);
        edits.remove.iter().chain(written).map(|name| words::field_name(name.as_str())).collect()
    };
    let (request, response) = (names(&transform.request), names(&transform.response));
    if request.is_empty() && response.is_empty() && transform.cors.is_none() {
        return None;
    }
    Some(json!({ "request_headers": request, "response_headers": response, "cors": transform.cors.is_some() }))
}

/// The query parameters of a request that do not count.
pub(super) fn dropped(target: &Target, settings: &CacheSettings) -> Vec<Dropped> {
    let query = &settings.key.query;
    let mut dropped: Vec<Dropped> = Vec::new();
    for pair in target.query().pairs() {
        if let Some(why) = query.dropped(pair.name)
            && !dropped.iter().any(|known| known.name == pair.name)
        {
            dropped.push(Dropped { name: pair.name.to_owned(), because: words::dropped(why) });
        }
    }
    dropped
}
