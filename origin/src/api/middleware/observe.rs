//! One line in the access log and one count a request; a panic becomes 500 and not a closed connection.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use tracing::Instrument as _;
use vitrine_shared::headers::X_REQUEST_ID;

use crate::error::ApiError;
use crate::state::AppState;

/// The id under which a request is found in every log.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Longest request id that is taken from the proxy.
const MAX_REQUEST_ID: usize = 64;

/// Requests by route template and status.
#[derive(Debug)]
pub struct HttpMetrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
}

/// Upper bounds of the latency buckets, in seconds.
const SECONDS: [f64; 11] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

// === impl HttpMetrics ===

impl HttpMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let requests = IntCounterVec::new(
            Opts::new("requests_total", "Requests, by method, route template and status."),
            &["method", "route", "status"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new("request_seconds", "Time to the response's head, by method and route template.")
                .buckets(SECONDS.to_vec()),
            &["method", "route"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        Ok(Self { requests, seconds })
    }
}

/// Gives the request its id, counts it, logs it, and catches a panic of its handler.
pub async fn observe(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    request.extensions_mut().insert(RequestId(id.clone()));
    // Whatever is logged below says where it was, warnings of slow statements too.
    let span = tracing::warn_span!("request", request_id = %id, %method, %route);
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span).await;
    let mut response = handled.unwrap_or_else(|_| ApiError::unknown(&"a handler panicked").into_response());
    let status = response.status();
    let elapsed = started.elapsed();
    let method_label = if method.as_str().len() <= 7 { method.as_str() } else { "other" };
    state.metrics.http.requests.with_label_values(&[method_label, &route, status.as_str()]).inc();
    state.metrics.http.seconds.with_label_values(&[method_label, &route]).observe(elapsed.as_secs_f64());
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    let status = status.as_u16();
    if is_housekeeping(&path) {
        tracing::debug!(target: "access", request_id = %id, %method, %path, %route, status, micros);
    } else {
        tracing::info!(target: "access", request_id = %id, %method, %path, %route, status, micros);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// What members, probes and Prometheus ask every second would bury what visitors ask.
fn is_housekeeping(path: &str) -> bool {
    path.starts_with("/v1/") || path.starts_with("/health/") || path == "/metrics"
}

/// The proxy's id where it sent a plausible one, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(X_REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= MAX_REQUEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic()))
        .map_or_else(|| vitrine_shared::id::new("req"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_implausible_request_id_is_replaced() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(value).unwrap());
            request_id(&headers)
        };
        assert_eq!(of("edge-1"), "edge-1");
        assert!(of("a b").starts_with("req_"));
        assert!(of(&"x".repeat(65)).starts_with("req_"));
        assert!(request_id(&HeaderMap::new()).starts_with("req_"));
    }
}
