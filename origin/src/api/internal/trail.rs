//! `GET /v1/trail?about=WHAT&limit=N`, `?epoch=TERM.SEQ` or `?ticket=N`: from a thing of the shop to its transactions, epochs and nodes.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use http::HeaderMap;
use serde::Deserialize;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::event_trail::EventTrail;

use super::came;
use crate::error::ApiError;
use crate::feed;
use crate::outbox;
use crate::state::AppState;

/// Events where nothing is said, and at most.
const EVENTS: (u32, u32) = (10, 100);
/// Longest text that is looked for.
const MAX_WHAT: usize = 256;

/// The parameters; one of the first three.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    /// A product's id, an order's, any tag or its last part, or an event's name.
    about: Option<String>,
    /// One epoch.
    epoch: Option<Epoch>,
    /// One row of the outbox.
    ticket: Option<i64>,
    /// How many events.
    limit: Option<u32>,
}

/// Looks through the newest rows of the outbox, and asks the process that leads what became of each.
pub(super) async fn trail(
    State(state): State<AppState>,
    headers: HeaderMap,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<EventTrail>, ApiError> {
    let Query(asked) = parameters.map_err(|error| ApiError::invalid_data(error.body_text()))?;
    let limit = asked.limit.unwrap_or(EVENTS.0).clamp(1, EVENTS.1);
    let (events, looked_through) = match (asked.about.as_deref(), asked.epoch, asked.ticket) {
        (Some(what), None, None) if !what.is_empty() && what.len() <= MAX_WHAT && !what.contains('\0') => {
            (outbox::about(&state.pool, what, limit).await?, Some(outbox::LOOK_BACK))
        }
        (None, Some(epoch), None) => (outbox::of_epoch(&state.pool, epoch).await?, None),
        (None, None, Some(ticket)) => (outbox::of_ticket(&state.pool, ticket).await?, None),
        _ => {
            let message = format!("Name one of about (1 to {MAX_WHAT} bytes), epoch (TERM.SEQ) and ticket.");
            return Err(ApiError::invalid_data(message));
        }
    };
    let mut found = EventTrail { looked_through, events };
    for event in &mut found.events {
        if let Some(epoch) = event.epoch {
            match feed::trail(&state, came(&headers), epoch).await {
                Ok(trail) => event.trail = Some(trail),
                Err(error) => {
                    // Who leads is not there for the other events either.
                    tracing::debug!(%error, "the trail is told without its nodes");
                    break;
                }
            }
        }
    }
    Ok(Json(found))
}
