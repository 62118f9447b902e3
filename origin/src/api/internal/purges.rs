//! `POST /v1/purges`: an operator's purge, handed on by an edge so that all edges make it.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::json;
use vitrine_shared::feed::{Order, Ordered, VERSION};

use crate::error::ApiError;
use crate::feed::ack;
use crate::outbox::{self, OrderingError, Receipt};
use crate::state::AppState;

/// How long an order waits for its number; the relay takes some milliseconds.
const NUMBERED_WITHIN: Duration = Duration::from_secs(3);

/// Adds the order to the outbox, and answers when it is numbered.
pub(super) async fn order(
    State(state): State<AppState>,
    body: Result<Json<Order>, JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(order) = body.map_err(|error| ApiError::invalid_data(error.body_text()))?;
    order.check().map_err(|error| ApiError::invalid_data(error.to_string()))?;
    let ticket = match outbox::order(&state.pool, &order).await {
        Ok(ticket) => ticket,
        Err(OrderingError::Outbox(error)) => return Err(error.into()),
        Err(error @ OrderingError::KeyReused) => {
            let told = json!({ "type": "key_reused", "message": error.to_string() });
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(told)).into_response());
        }
    };
    let receipt = Receipt::from(ticket);
    let Ok(epoch) = tokio::time::timeout(NUMBERED_WITHIN, ack::numbered(&state, &receipt)).await else {
        let message = "The purge is committed and has no number yet: send it again under its key.";
        return Err(ApiError::unavailable(message));
    };
    tracing::info!(who = order.who, %epoch, mode = ?order.mode, tags = order.tags.len(), everything = order.everything, "a purge was ordered");
    Ok(Json(Ordered { v: VERSION, epoch }).into_response())
}
