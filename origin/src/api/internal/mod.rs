//! The internal port: the feed, and the members that follow it. See [`vitrine_shared::feed`] for the messages.

mod feed;
mod members;
mod token;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, put};

use crate::state::AppState;

/// Routes under `/v1`; each request carries the internal bearer token.
pub fn router(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/feed", get(feed::feed))
        .route("/members/{id}", put(members::report).delete(members::remove))
        .layer(from_fn_with_state(state.clone(), token::require))
}
