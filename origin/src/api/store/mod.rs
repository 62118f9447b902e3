//! Medusa's Store API.

use axum::Router;

use crate::state::AppState;

/// Routes under `/store`.
pub fn router() -> Router<AppState> {
    Router::new()
}
