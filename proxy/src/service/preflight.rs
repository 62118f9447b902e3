//! Preflights that the edge answers: those whose request, were it sent, is under a rule with `cors`.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use pingora::http::RequestHeader;

use super::forward::CACHE_STATUS;
use crate::cache_status::CacheStatus;
use crate::engine::{Answer, Content};
use crate::key::Target;
use crate::reason::Outcome;
use crate::rules::{RequestFacts, Rule, RuleSet, asked_method};

/// The rule and the fields of the answer; `None` where the request is no preflight, or the upstream is to answer it.
///
/// The rule is that of the request which is asked for: of its method, without the fields and cookies that a preflight lacks.
pub(crate) fn find<'r>(rules: &'r RuleSet, head: &RequestHeader, target: &Target) -> Option<(&'r Rule, HeaderMap)> {
    let method = asked_method(&head.method, &head.headers)?;
    let headers = (&head.headers).into();
    let rule = rules.find(&RequestFacts { method: &method, target, headers, has_body: false })?;
    Some((rule, rule.transform.preflight(&head.headers)?))
}

/// The answer and the rule that it is by; `None` as in [`find`].
pub(super) fn answer(rules: &RuleSet, head: &RequestHeader, target: &Target) -> Option<(Arc<str>, Answer)> {
    let (rule, mut fields) = find(rules, head, target)?;
    fields.append(CACHE_STATUS, CacheStatus::new(Outcome::Preflight, &rule.name).value());
    let status = StatusCode::NO_CONTENT;
    let answer = Answer { status, fields, content: Content::None, outcome: Outcome::Preflight };
    Some((Arc::clone(&rule.name), answer))
}
