//! `POST /purge` and `GET /purges`: purges by operators, and what was purged lately.

use std::hash::Hasher as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::{Bytes, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use siphasher::sip128::{Hasher128 as _, SipHasher13};
use ulid::Ulid;
use vitrine_shared::clock::BootTime;
use vitrine_shared::feed::{MAX_KEY, MAX_WHO, is_key};

use super::everywhere::{self, Scope};
use super::serve::{OpsServer, unauthorized};
use crate::purge::log::Source;
use crate::purge::request::Batch;

/// Largest body of a purge, in bytes.
const MAX_BODY: usize = 1 << 20;
/// Purges on a page, where nothing is said, and at most.
const PAGE: (usize, usize) = (100, 1_000);

/// Who purges, for the log.
const PURGED_BY: HeaderName = HeaderName::from_static("x-purged-by");
/// Names one attempt at something, so that it may be repeated.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Which of the purges are shown.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// Only those with lower numbers.
    before: Option<u64>,
    /// How many.
    limit: Option<usize>,
}

/// A purge that was read whole and may be applied.
struct Asked {
    scope: Scope,
    key: Option<String>,
    who: Box<str>,
    body: Bytes,
    batch: Batch,
}

/// Applies a batch, all of it or nothing; here, and where a feed is configured everywhere.
pub(super) async fn purge(State(server): State<Arc<OpsServer>>, request: Request) -> Response {
    let Asked { scope, key, who, body, batch } = match read(&server, request).await {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    // Who gave no key is told one, so that what could not be handed on can be repeated.
    let order = match scope {
        Scope::Edge => None,
        Scope::All { wait } => {
            let key = key.clone().unwrap_or_else(|| Ulid::new().to_string());
            match everywhere::order(&batch, &who, key) {
                Ok(order) => Some((order, wait)),
                Err(error) => return refuse(StatusCode::BAD_REQUEST, "invalid_purge", &error.to_string()),
            }
        }
    };
    let act = || apply(&server, &batch, who);
    let answer = match order.as_ref().map(|(order, _)| &order.key).or(key.as_ref()) {
        None => Ok(act()),
        Some(key) => server.idempotency.once(key, digest(&body), BootTime::now(), act),
    };
    match (answer, order, &server.sequencer) {
        (Err(reused), ..) => refuse(StatusCode::UNPROCESSABLE_ENTITY, "key_reused", &reused.to_string()),
        // Once it is numbered no restart forgets it, whatever this edge's disk does: it is read again from the feed.
        (Ok(here), Some((order, wait)), Some(sequencer)) => everywhere::hand_on(sequencer, &order, wait, here).await,
        // A repetition too: what it was answered with the first time may not have been safe then.
        (Ok(here), ..) => match server.purger.settled().await {
            Ok(()) => Json(here).into_response(),
            Err(unsettled) => refuse(StatusCode::SERVICE_UNAVAILABLE, "not_written_down", &unsettled.way_out()),
        },
    }
}

async fn read(server: &OpsServer, request: Request) -> Result<Asked, Box<Response>> {
    let (head, body) = request.into_parts();
    if let Some(refused) = refused(server, &head.headers) {
        return Err(Box::new(refused));
    }
    let bad = |kind, message: &str| Box::new(refuse(StatusCode::BAD_REQUEST, kind, message));
    let scope = Scope::of(head.uri.query(), &head.headers, server.sequencer.is_some())
        .map_err(|error| bad("invalid_query", &error.to_string()))?;
    let key = idempotency_key(&head.headers)
        .map_err(|()| bad("invalid_key", &format!("an Idempotency-Key is 1 to {MAX_KEY} bytes of visible ASCII")))?;
    let client = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let who = who(&head.headers, client);
    let body = to_bytes(body, MAX_BODY).await.map_err(|_| {
        let message = format!("the body is cut short, or larger than {MAX_BODY} bytes: send several requests");
        Box::new(refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &message))
    })?;
    let batch = Batch::parse(&body, &server.current.load().config.rules).map_err(|error| {
        let told = json!({ "type": "invalid_purge", "message": error.to_string(), "index": error.index() });
        Box::new((StatusCode::BAD_REQUEST, Json(told)).into_response())
    })?;
    Ok(Asked { scope, key: key.map(str::to_owned), who, body, batch })
}

/// The newest purges, the newest first; `next` is the `before` of the page that follows.
pub(super) async fn purges(
    State(server): State<Arc<OpsServer>>,
    headers: HeaderMap,
    page: Result<Query<Page>, QueryRejection>,
) -> Response {
    if let Some(refused) = refused(&server, &headers) {
        return refused;
    }
    let page = match page {
        Ok(Query(page)) => page,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, "invalid_query", &error.body_text()),
    };
    let limit = page.limit.unwrap_or(PAGE.0).clamp(1, PAGE.1);
    let records = server.purger.log().newest(page.before, limit);
    let next = records.last().filter(|_| records.len() == limit).map(|last| last.number);
    let records: Vec<&crate::purge::log::Record> = records.iter().map(AsRef::as_ref).collect();
    Json(json!({ "purges": records, "next": next })).into_response()
}

fn apply(server: &OpsServer, batch: &Batch, who: Box<str>) -> Value {
    let id = Ulid::new().to_string();
    let source = Source::Api { who, id: id.as_str().into() };
    let position = server.purger.purge(&batch.targets, batch.mode, source);
    json!({ "id": id, "purges": batch.targets.len(), "applied": true, "mode": batch.mode, "position": position })
}

/// What those are told who may not: only the token opens, and without one the endpoint is shut.
pub(super) fn refused(server: &OpsServer, headers: &HeaderMap) -> Option<Response> {
    let Some(token) = &server.token else {
        let message = "no token is configured: set `ops_token` in [listen], such as \"${OPS_TOKEN}\", and restart";
        return Some(refuse(StatusCode::FORBIDDEN, "no_token", message));
    };
    (!token.admits(headers)).then(unauthorized)
}

/// The key, where there is one; an error where it cannot be one.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ()> {
    let Some(key) = headers.get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| is_key(key));
    key.map(Some).ok_or(())
}

/// Who says that they purge, else the address that they come from.
fn who(headers: &HeaderMap, client: Option<SocketAddr>) -> Box<str> {
    let named = headers.get(&PURGED_BY).and_then(|value| value.to_str().ok()).map(str::trim);
    match (named.filter(|name| (1..=MAX_WHO).contains(&name.len())), client) {
        (Some(name), _) => name.into(),
        (None, Some(client)) => client.ip().to_canonical().to_string().into(),
        (None, None) => "unknown".into(),
    }
}

fn digest(body: &[u8]) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(body);
    hasher.finish128().as_u128()
}

/// An error of the operations port, for programs and people.
pub(crate) fn refuse(status: StatusCode, kind: &str, message: &str) -> Response {
    (status, Json(json!({ "type": kind, "message": message }))).into_response()
}
