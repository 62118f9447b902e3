//! The internal port: feed and members.

use axum::Router;

use crate::state::AppState;

/// Routes under `/v1`.
pub fn router(_state: &AppState) -> Router<AppState> {
    Router::new()
}
