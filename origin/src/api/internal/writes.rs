//! `POST /v1/writes`: another process of the shop tells of what it committed, and may wait for its acknowledgement.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;

use crate::error::ApiError;
use crate::feed::{self, Write, WrittenAnswer};
use crate::outbox::Receipt;
use crate::state::AppState;

/// Wakes the relay of this very process, and answers when the rows are acknowledged or the time is over; at once where none are named.
pub(super) async fn written(
    State(state): State<AppState>,
    write: Result<Json<Write>, JsonRejection>,
) -> Result<Json<WrittenAnswer>, ApiError> {
    let Json(write) =
        write.map_err(|error| ApiError::invalid_data(format!("Invalid request: {}", error.body_text())))?;
    if !state.books.leads() {
        return Err(ApiError::unavailable("This process does not lead the feed."));
    }
    state.outbox.hinted();
    if write.tickets.is_empty() {
        return Ok(Json(WrittenAnswer::default()));
    }
    let receipt = Receipt::from(write.tickets);
    let wait = Duration::from_millis(write.wait_ms.min(state.config.feed.max_ack_wait_ms));
    tokio::select! {
        answer = feed::ack::written(&state, &receipt, wait) => Ok(Json(answer)),
        () = state.shutdown.cancelled() => Err(ApiError::unavailable("This process stops.")),
    }
}
