//! `GET /v1/members`, `PUT` and `DELETE /v1/members/ID`: members' word on where they stand.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use vitrine_shared::feed::{Renewal, Report, VERSION};
use vitrine_shared::ledger::MemberView;

use super::came;
use crate::error::ApiError;
use crate::feed;
use crate::state::AppState;

/// Longest id and name of a member.
const MAX_NAME: usize = 128;

/// Notes where the member stands and renews its lease.
pub(super) async fn report(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Report>, JsonRejection>,
) -> Result<Json<Renewal>, ApiError> {
    let Json(report) = body.map_err(|error| ApiError::invalid_data(error.body_text()))?;
    if report.v != VERSION {
        return Err(ApiError::invalid_data(format!("Feed version {} is not understood here.", report.v)));
    }
    if id.is_empty() || id.len() > MAX_NAME || report.name.len() > MAX_NAME {
        return Err(ApiError::invalid_data(format!("A member's id and name hold at most {MAX_NAME} bytes.")));
    }
    Ok(Json(feed::report(&state, came(&headers), &id, &report).await?))
}

/// Forgets a member that stops; it must serve nothing from its cache any more.
pub(super) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    feed::leave(&state, came(&headers), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All members: where each stands, and for how long it may serve.
pub(super) async fn list(State(state): State<AppState>, headers: HeaderMap) -> Result<Json<Vec<MemberView>>, ApiError> {
    Ok(Json(feed::members(&state, came(&headers)).await?))
}
