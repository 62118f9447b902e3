//! `GET /vitrine/probe/canary`: what the production probe reads through every edge.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, StatusCode};

use super::reply::{Moment, Reply};
use crate::error::ApiError;
use crate::probe::canary::{self, Canary};
use crate::state::AppState;

/// The canary, where edges are probed; else nothing is there.
pub(super) fn router(state: &AppState) -> Router<AppState> {
    if state.config.probe.edges().next().is_none() {
        return Router::new();
    }
    Router::new().route(canary::PATH, get(canary))
}

async fn canary(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    let moment = Moment::begin(&state, &headers)?;
    let version = canary::read(&state.pool).await?;
    let body = serde_json::to_vec(&Canary { version }).map_err(|error| ApiError::unknown(&error))?;
    Ok(Reply::new(moment, StatusCode::OK, body).tagged([canary::tag()]).respond(&headers))
}
