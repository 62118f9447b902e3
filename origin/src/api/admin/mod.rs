//! Medusa's Admin API: its daily part.

use axum::Router;

use crate::state::AppState;

/// Routes under `/admin`.
pub fn router(_state: &AppState) -> Router<AppState> {
    Router::new()
}
