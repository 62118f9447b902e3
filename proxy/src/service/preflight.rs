//! Preflights that the edge answers: those whose request, were it sent, is under a rule with `cors`.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use pingora::http::RequestHeader;

use super::forward::CACHE_STATUS;
use crate::cache_status::CacheStatus;
use crate::engine::{Answer, Content};
use crate::key::Target;
use crate::reason::Outcome;
use crate::rules::{RequestFacts, RuleSet, asked_method};

/// The answer and the rule that it is by; `None` where the request is no preflight, or the upstream is to answer it.
///
/// The rule is that of the request which is asked for: of its method, without the fields and cookies that a preflight lacks.
pub(crate) fn answer(rules: &RuleSet, head: &RequestHeader, target: &Target) -> Option<(Arc<str>, Answer)> {
    let method = asked_method(&head.method, &head.headers)?;
    let rule = rules.find(&RequestFacts { method: &method, target, headers: &head.headers, has_body: false })?;
    let mut fields: HeaderMap = rule.transform.preflight(&head.headers)?;
    fields.append(CACHE_STATUS, CacheStatus::new(Outcome::Preflight, &rule.name).value());
    let status = StatusCode::NO_CONTENT;
    let answer = Answer { status, fields, content: Content::None, outcome: Outcome::Preflight };
    Some((Arc::clone(&rule.name), answer))
}
