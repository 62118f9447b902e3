//! Whether the process lives, whether it can work, and its metrics.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;

use crate::database;
use crate::error::ApiError;
use crate::feed;
use crate::state::AppState;

/// `/health/live`, `/health/ready`, and Medusa's `/health`.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/health", get(|| async { "OK" }))
        .route("/health/live", get(|| async { "live" }))
        .route("/health/ready", get(ready))
}

/// Ready when Postgres answers: without Redis or S3 the shop goes on, without Postgres it cannot.
async fn ready(State(state): State<AppState>) -> Response {
    if state.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping").into_response();
    }
    if database::is_reachable(&state.pool).await {
        return "ready".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached").into_response()
}

/// Prometheus's text form.
pub(super) async fn metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
    // Without Postgres the gauges keep their last values; the rest must be seen all the more.
    if let Err(error) = feed::note_metrics(&state).await {
        tracing::warn!(%error, "metrics: the database cannot be asked");
    }
    let text = state.metrics.render(&state.pool).map_err(|error| ApiError::unknown(&error))?;
    Ok(([(http::header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}
