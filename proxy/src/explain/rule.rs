//! The rule of a request, and how it came to it.

use super::report::{Dropped, PassedOver, Rule};
use super::words;
use crate::key::Target;
use crate::rules::{CacheSettings, DEFAULT_RULE, RequestFacts, RuleAction, RuleSet};

/// Most rules that are told with what does not fit.
const MAX_TOLD: usize = 100;

/// The rule of a request.
pub(super) fn rule(rules: &RuleSet, facts: &RequestFacts<'_>) -> Rule {
    let trace = rules.trace(facts);
    let passed_over = trace.passed_over.iter().take(MAX_TOLD);
    let passed_over = passed_over
        .map(|(rule, mismatch)| PassedOver { rule: rule.name.to_string(), because: mismatch.to_string() })
        .collect();
    let name = trace.rule.map_or(DEFAULT_RULE, |rule| &rule.name).to_owned();
    match trace.rule.map(|rule| &rule.action) {
        None | Some(RuleAction::Pass) => Rule { name, action: "pass", passed_for: None, passed_over, settings: None },
        Some(RuleAction::Cache { settings, bypass }) => {
            let named = bypass.cause(facts).and_then(|cause| Some((cause.reason, cause.name?)));
            let passed_for = named.map(|(reason, name)| format!("{} `{}`", reason.label(), words::text(name)));
            Rule { name, action: "cache", passed_for, passed_over, settings: Some(words::settings(settings)) }
        }
    }
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
