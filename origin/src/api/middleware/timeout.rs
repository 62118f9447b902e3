//! No request runs for ever.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};

use crate::error::ApiError;
use crate::state::AppState;

/// `router`, whose requests are given up after `limit` and answered with 503.
pub fn timed(router: Router<AppState>, limit: Duration) -> Router<AppState> {
    router.layer(from_fn(move |request: Request, next: Next| bounded(limit, request, next)))
}

async fn bounded(limit: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::unavailable("The request took too long and was given up; try again.").into_response(),
    }
}
