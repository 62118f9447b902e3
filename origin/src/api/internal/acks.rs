//! `GET /v1/acks/TERM.SEQ?wait_ms=N` and `/v1/acks/TERM.SEQ/trail`: whether an epoch is acknowledged, and what became of it.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use http::HeaderMap;
use serde::Deserialize;
use vitrine_shared::ack::AckAnswer;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::ledger::Trail;

use super::came;
use crate::error::ApiError;
use crate::feed::{self, Came};
use crate::state::AppState;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    /// How long to wait, in milliseconds, while it is not acknowledged.
    #[serde(default)]
    wait_ms: u64,
}

/// Answers when the epoch is acknowledged or the time is over: what was handed on by the ledger of this very process.
pub(super) async fn acknowledged(
    State(state): State<AppState>,
    Path(epoch): Path<Epoch>,
    Query(Parameters { wait_ms }): Query<Parameters>,
    headers: HeaderMap,
) -> Result<Json<AckAnswer>, ApiError> {
    let was_handed_on = came(&headers) == Came::Forwarded;
    if was_handed_on && !state.books.leads() {
        return Err(ApiError::unavailable("This process does not lead the feed."));
    }
    let wait = Duration::from_millis(wait_ms.min(state.config.feed.max_ack_wait_ms));
    let answer = async {
        if was_handed_on {
            feed::ack::answer_here(&state, epoch, wait).await
        } else {
            feed::ack::answer(&state, epoch, wait).await
        }
    };
    tokio::select! {
        answer = answer => Ok(Json(answer)),
        () = state.shutdown.cancelled() => Err(ApiError::unavailable("This process stops.")),
    }
}

/// What became of an epoch, node by node.
pub(super) async fn trail(
    State(state): State<AppState>,
    Path(epoch): Path<Epoch>,
    headers: HeaderMap,
) -> Result<Json<Trail>, ApiError> {
    Ok(Json(feed::trail(&state, came(&headers), epoch).await?))
}
