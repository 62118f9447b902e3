//! `PUT` and `DELETE /v1/members/ID`: a member's word on where it stands.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use http::StatusCode;
use vitrine_shared::feed::{Renewal, Report, VERSION};

use crate::error::ApiError;
use crate::feed;
use crate::state::AppState;

/// Longest id and name of a member.
const MAX_NAME: usize = 128;

/// Notes where the member stands and renews its lease.
pub(super) async fn report(
    State(state): State<AppState>,
    Path(id): Path<String>,
    body: Result<Json<Report>, JsonRejection>,
) -> Result<Json<Renewal>, ApiError> {
    let Json(report) = body.map_err(|error| ApiError::invalid_data(error.body_text()))?;
    if report.v != VERSION {
        return Err(ApiError::invalid_data(format!("Feed version {} is not understood here.", report.v)));
    }
    if id.is_empty() || id.len() > MAX_NAME || report.name.len() > MAX_NAME {
        return Err(ApiError::invalid_data(format!("A member's id and name hold at most {MAX_NAME} bytes.")));
    }
    let renewal = feed::report(&state.pool, &id, &report, state.config.feed.lease()).await?;
    state.note_position(renewal.position);
    state.member_reports.send_modify(|count| *count = count.wrapping_add(1));
    Ok(Json(renewal))
}

/// Forgets a member that stops; it must serve nothing from its cache any more.
pub(super) async fn remove(State(state): State<AppState>, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    feed::remove(&state.pool, &id).await?;
    state.member_reports.send_modify(|count| *count = count.wrapping_add(1));
    Ok(StatusCode::NO_CONTENT)
}
