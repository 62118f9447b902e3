//! The PURGE method, as users of Varnish know it, where the rule of the URL's GET has `purge_from`. It never goes upstream.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use ipnet::IpNet;
use serde_json::json;
use vitrine_shared::feed::Mode;

use super::forward::CACHE_STATUS;
use crate::cache_status::CacheStatus;
use crate::disk::Unsettled;
use crate::engine::{Answer, Content};
use crate::key::Target as Address;
use crate::ops::OpsToken;
use crate::purge::log::Source;
use crate::purge::target::Target;
use crate::purge::{Purger, magento};
use crate::reason::Outcome;
use crate::refusal::Refusal;
use crate::rules::{RequestFacts, Rule, RuleSet};

/// The method's name; it is registered nowhere.
const PURGE: &str = "PURGE";
/// How it acts: `hard`, as without it, or `soft`.
const MODE: HeaderName = HeaderName::from_static("vitrine-purge");
/// The tags to purge in place of the URL, as Magento's own Varnish purger writes them.
const MAGENTO: HeaderName = HeaderName::from_static("x-magento-tags-pattern");
/// What a URL can be asked by where it cannot be purged.
const ALLOW: HeaderValue = HeaderValue::from_static("GET, HEAD");

/// What decides about a PURGE.
#[derive(Clone, Copy)]
pub(super) struct Purging<'r> {
    /// Applies it.
    pub(super) purger: &'r Purger,
    /// The rules in force.
    pub(super) rules: &'r RuleSet,
    /// Opens where the address does not.
    pub(super) token: Option<&'r OpsToken>,
    /// The client's address.
    pub(super) client: Option<IpAddr>,
    /// The request's name in logs.
    pub(super) request_id: &'r HeaderValue,
}

/// Who may purge a URL by this method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Nobody: its rule has no `purge_from`.
    Nobody,
    /// The client at this address.
    ThisAddress,
    /// Clients at other addresses, and whoever has the operations token.
    Others,
}

/// The rule of a GET of the URL, and who may purge it; `None` where the method is another than PURGE.
pub(crate) fn find<'r>(
    rules: &'r RuleSet,
    facts: &RequestFacts<'_>,
    client: Option<IpAddr>,
) -> Option<(Option<&'r Rule>, Right)> {
    if facts.method.as_str() != PURGE {
        return None;
    }
    let rule = rules.find(&RequestFacts { method: &Method::GET, has_body: false, ..*facts });
    Some((rule, right(rule.map(|rule| &*rule.purge_from).unwrap_or_default(), client)))
}

/// Who may purge under a rule with this `purge_from`.
fn right(from: &[IpNet], client: Option<IpAddr>) -> Right {
    let known = client.map(|client| client.to_canonical());
    match () {
        () if from.is_empty() => Right::Nobody,
        () if known.is_some_and(|client| from.iter().any(|network| network.contains(&client))) => Right::ThisAddress,
        () => Right::Others,
    }
}

/// The purge is in force, and yet must not be answered as made: it could be forgotten.
fn not_written_down(error: Unsettled) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "not_written_down", error.way_out())
}

// === impl Purging ===

impl Purging<'_> {
    /// The answer to a PURGE and the name of its rule; `None` where the method is another.
    pub(super) async fn answer(
        &self,
        method: &Method,
        headers: &HeaderMap,
        target: &Address<'_>,
    ) -> Option<(Option<Arc<str>>, Answer)> {
        let facts = RequestFacts { method, target, headers: headers.into(), has_body: false };
        let (rule, right) = find(self.rules, &facts, self.client)?;
        let name = rule.map(|rule| Arc::clone(&rule.name));
        let purged = match self.purged(right, headers, target) {
            Ok(body) => self.purger.settled().await.map(|()| body).map_err(not_written_down),
            refused => refused,
        };
        let (status, mut fields, body) = match purged {
            Ok(body) => {
                let mut fields = HeaderMap::new();
                fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                fields.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
                fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                (StatusCode::OK, fields, body)
            }
            Err(refusal) => {
                let (fields, body) = refusal.response();
                (refusal.status, fields, body)
            }
        };
        if status == StatusCode::METHOD_NOT_ALLOWED {
            fields.insert(header::ALLOW, ALLOW);
        }
        fields.append(CACHE_STATUS, CacheStatus::new(Outcome::Purge, name.as_deref().unwrap_or_default()).value());
        let content = Content::Whole(Arc::from([body]));
        Some((name, Answer { status, fields, content, outcome: Outcome::Purge }))
    }

    fn purged(&self, right: Right, headers: &HeaderMap, target: &Address) -> Result<Bytes, Refusal> {
        self.admit(right, headers)?;
        let bad = |message: String| Refusal::new(StatusCode::BAD_REQUEST, "invalid_purge", message);
        let mode = match headers.get(&MODE).map(HeaderValue::as_bytes) {
            None | Some(b"hard") => Mode::Hard,
            Some(b"soft") => Mode::Soft,
            Some(_) => return Err(bad(format!("`{MODE}` is `hard` or `soft`"))),
        };
        let targets = match headers.get(&MAGENTO) {
            None => vec![Target::address(target, self.rules)],
            Some(pattern) => {
                let targets = pattern.to_str().map_err(|_| magento::BadPattern).and_then(magento::targets);
                targets.map_err(|error| bad(format!("`{MAGENTO}`: {error}")))?
            }
        };
        let who = self.client.map_or_else(|| "unknown".to_owned(), |client| client.to_string());
        let id = self.request_id.to_str().unwrap_or("-");
        let source = Source::Method { who: who.into(), id: id.into() };
        let position = self.purger.purge(&targets, mode, source);
        let told = json!({ "id": id, "purges": targets.len(), "applied": true, "mode": mode, "position": position });
        Ok(Bytes::from(told.to_string()))
    }

    /// The addresses that the rule names may, and whoever has the operations token.
    fn admit(&self, right: Right, headers: &HeaderMap) -> Result<(), Refusal> {
        if right == Right::Nobody {
            let message = "nothing is purged by this method here: the rule of this URL has no `purge_from`";
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message));
        }
        if right == Right::ThisAddress || self.token.is_some_and(|token| token.admits(headers)) {
            return Ok(());
        }
        let message = "this address may not purge, and the operations token was not given";
        Err(Refusal::new(StatusCode::FORBIDDEN, "forbidden", message))
    }
}
