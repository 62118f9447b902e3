//! `?wait=acked` and `Prefer: wait=N` on writes: the answer comes when no member serves what the write replaced.
//!
//! How it is asked for and told: [`vitrine_shared::ack`]. A write that did not ask carries no such header: it is committed, and its
//! purges are on their way.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use serde::Serialize;
use vitrine_shared::ack::is_wait;
use vitrine_shared::headers::VITRINE_ACK;

use crate::config::Feed;
use crate::error::ApiError;
use crate::feed::ack;
use crate::outbox::Receipt;
use crate::state::AppState;

/// The answer to a write: its receipt makes it possible to wait for it.
#[derive(Debug)]
pub struct Written<T> {
    /// What to wait for.
    pub receipt: Receipt,
    /// The body, sent as JSON.
    pub body: T,
}

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

impl<T: Serialize> IntoResponse for Written<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        response.extensions_mut().insert(self.receipt);
        response
    }
}

/// Takes `wait` off the query, lets the route answer, and then waits where that was asked for and there is a receipt.
///
/// Only routes that have let the caller in leave a receipt, so strangers cannot hold requests open.
pub async fn layer(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let limit = match limit(request.uri(), request.headers(), &state.config.feed) {
        Ok(limit) => limit,
        Err(error) => return error.into_response(),
    };
    if let Some(uri) = without_wait(request.uri()) {
        *request.uri_mut() = uri;
    }
    let mut response = next.run(request).await;
    let (Some(limit), Some(receipt)) = (limit, response.extensions_mut().remove::<Receipt>()) else {
        return response;
    };
    let since = receipt.committed().unwrap_or_else(Instant::now);
    let acknowledgement = ack::wait(&state, &receipt, limit).await;
    if !acknowledgement.is_acked() {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    let headers = response.headers_mut();
    headers.insert(VITRINE_ACK, acknowledgement.header_value(since.elapsed()));
    if let Ok(applied) = HeaderValue::from_str(&format!("wait={}", limit.as_secs())) {
        headers.insert(PREFERENCE_APPLIED, applied);
    }
    response
}

/// How long to wait; `None` where nobody asked to.
fn limit(uri: &Uri, headers: &HeaderMap, config: &Feed) -> Result<Option<Duration>, ApiError> {
    let waits = config.waits().asked(uri.query(), headers);
    waits.map_err(|error| ApiError::invalid_data(format!("Invalid request: {error}")))
}

/// The URI without its `wait` parameters, so that routes may refuse parameters that they do not know.
fn without_wait(uri: &Uri) -> Option<Uri> {
    let query = uri.query()?;
    if !query.split('&').any(is_wait) {
        return None;
    }
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_wait(pair)).collect();
    let path_and_query =
        if kept.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), kept.join("&")) };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_wait_parameter_is_taken_off() {
        let of = |uri: &str| without_wait(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(of("/admin/products?wait=acked").as_deref(), Some("/admin/products"));
        assert_eq!(of("/p?a=1&wait=acked&b=%26").as_deref(), Some("/p?a=1&b=%26"));
        assert_eq!(of("/p?waiting=1"), None);
        assert_eq!(of("/p"), None);
    }
}
