//! Purges of all edges: handed on to the sequencer, which gives them an epoch, and waited for until they are acknowledged.

use std::time::{Duration, Instant};

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use vitrine_shared::ack::{Acknowledgement, Waits, is_wait};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Order, OrderError, VERSION};
use vitrine_shared::headers::VITRINE_ACK;

use crate::feed::client::{FeedClient, OrderFailed};
use crate::purge::request::Batch;

/// How long who asks for it waits for the acknowledgement: as Vitrine's origin lets its callers.
const WAITS: Waits = Waits { usual: Duration::from_secs(10), longest: Duration::from_secs(30) };
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Whom a purge reaches, and whether it is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The cache of this edge.
    Edge,
    /// The caches of all edges that follow the feed.
    All {
        /// For how long the acknowledgement is waited for; not at all where nobody asked to.
        wait: Option<Duration>,
    },
}

/// The parameters of a purge cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadScope {
    /// `scope` is another word.
    #[error("`scope` is `all` or `edge`, not `{0}`")]
    Word(String),
    /// There is nobody who numbers purges.
    #[error("no [feed] is configured, so a purge is of this edge alone: leave `{0}` out")]
    NoFeed(&'static str),
    /// A purge of this edge is in force when it is answered.
    #[error("`wait` is for purges of all edges: leave it or `scope=edge` out")]
    WaitAtEdge,
    /// `wait` is another word.
    #[error("`wait` is `acked`: {0}")]
    Wait(#[from] vitrine_shared::ack::BadWait),
    /// An unknown parameter.
    #[error("`{0}` is no parameter of a purge: there are `scope` and `wait`")]
    Unknown(String),
}

// === impl Scope ===

impl Scope {
    /// By a request's query and its `Prefer`.
    pub(super) fn of(query: Option<&str>, headers: &HeaderMap, has_feed: bool) -> Result<Self, BadScope> {
        let mut scope = None;
        let mut asks_to_wait = false;
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("scope", "all") => scope = Some(true),
                ("scope", "edge") => scope = Some(false),
                ("scope", other) => return Err(BadScope::Word(other.to_owned())),
                _ if is_wait(pair) => asks_to_wait = true,
                (other, _) => return Err(BadScope::Unknown(other.to_owned())),
            }
        }
        let wait = WAITS.asked(query, headers)?;
        match (scope, has_feed) {
            (Some(true), false) => Err(BadScope::NoFeed("scope=all")),
            (_, false) if asks_to_wait => Err(BadScope::NoFeed("wait")),
            (Some(false), _) if asks_to_wait => Err(BadScope::WaitAtEdge),
            (Some(false), _) | (None, false) => Ok(Self::Edge),
            (Some(true) | None, true) => Ok(Self::All { wait }),
        }
    }
}

/// A batch as it is handed on; all of it gets one epoch.
pub(super) fn order(batch: &Batch, who: &str, key: String) -> Result<Order, OrderError> {
    let everything = batch.targets.iter().any(|target| target.everything);
    let mut tags: Vec<_> = batch.targets.iter().flat_map(|target| target.tags.iter().cloned()).collect();
    tags.sort_unstable();
    tags.dedup();
    let order = Order { v: VERSION, mode: batch.mode, tags, everything, who: who.to_owned(), key };
    order.check().map(|()| order)
}

/// Hands an order on that is in force at this edge already, and answers with what was said of it `here` and what comes of it elsewhere.
pub(super) async fn hand_on(sequencer: &FeedClient, order: &Order, wait: Option<Duration>, here: Value) -> Response {
    let started = Instant::now();
    let epoch = match sequencer.order(order).await {
        Ok(epoch) => epoch,
        Err(error) => return of_this_edge_only(&error, order, here),
    };
    let told = with(here, json!({ "scope": "all", "epoch": epoch, "idempotency_key": order.key }));
    match wait {
        None => Json(told).into_response(),
        Some(limit) => waited(sequencer, epoch, limit, started, told).await,
    }
}

async fn waited(sequencer: &FeedClient, epoch: Epoch, limit: Duration, started: Instant, told: Value) -> Response {
    let answer = sequencer.acknowledged(epoch, limit.saturating_sub(started.elapsed())).await;
    let acknowledgement = Acknowledgement::of(epoch, answer);
    let waited = started.elapsed();
    // It is for people: without it the answer says all that is promised.
    let trail = sequencer.trail(epoch).await.ok();
    let told = with(told, json!({ "acknowledged": acknowledgement.is_acked(), "trail": trail }));
    let status = if acknowledgement.is_acked() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = (status, Json(told)).into_response();
    response.headers_mut().insert(VITRINE_ACK, acknowledgement.header_value(waited));
    if let Ok(applied) = HeaderValue::from_str(&format!("wait={}", limit.as_secs())) {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    response
}

/// The purge is in force here, and nobody may believe that it is everywhere.
fn of_this_edge_only(error: &OrderFailed, order: &Order, here: Value) -> Response {
    let (status, kind, way_out) = match error {
        OrderFailed::KeyReused => {
            (StatusCode::UNPROCESSABLE_ENTITY, "key_reused", "repeat it with a new Idempotency-Key")
        }
        OrderFailed::NotTaken(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "this_edge_only",
            "repeat it with this Idempotency-Key, under which it is done once",
        ),
    };
    tracing::warn!(target: "purge", %error, key = order.key, "a purge is of this edge only");
    let message = format!(
        "the purge is in force at this edge only, since it could not be handed on to the others ({error}): {way_out}"
    );
    let told = json!({ "type": kind, "message": message, "scope": "edge", "idempotency_key": order.key });
    (status, Json(with(here, told))).into_response()
}

/// An object with the keys of another one besides.
fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

#[cfg(test)]
mod tests {
    use vitrine_shared::ack::BadWait;

    use super::*;

    #[test]
    fn the_scope_is_all_edges_where_there_is_a_feed() {
        let none = HeaderMap::new();
        let mut prefers = HeaderMap::new();
        prefers.insert("prefer", HeaderValue::from_static("wait=3"));
        let all = |seconds: Option<u64>| Ok(Scope::All { wait: seconds.map(Duration::from_secs) });
        for (query, headers, has_feed, expected) in [
            (None, &none, true, all(None)),
            (None, &none, false, Ok(Scope::Edge)),
            (Some("scope=all&wait=acked"), &none, true, all(Some(10))),
            (Some("wait=acked"), &prefers, true, all(Some(3))),
            (Some(""), &prefers, true, all(Some(3))),
            (Some("scope=edge"), &none, true, Ok(Scope::Edge)),
            // A preference may be passed over (RFC 7240).
            (Some("scope=edge"), &prefers, true, Ok(Scope::Edge)),
            (None, &prefers, false, Ok(Scope::Edge)),
            (Some("scope=all"), &none, false, Err(BadScope::NoFeed("scope=all"))),
            (Some("wait=acked"), &none, false, Err(BadScope::NoFeed("wait"))),
            (Some("scope=edge&wait=acked"), &none, true, Err(BadScope::WaitAtEdge)),
            (Some("scope=edges"), &none, true, Err(BadScope::Word("edges".into()))),
            (Some("scpoe=edge"), &none, true, Err(BadScope::Unknown("scpoe".into()))),
        ] {
            assert_eq!(Scope::of(query, headers, has_feed), expected, "{query:?}");
        }
        assert!(matches!(Scope::of(Some("wait=yes"), &none, true), Err(BadScope::Wait(BadWait { .. }))));
    }
}
