//! Signing in.

use axum::Router;

use crate::state::AppState;

/// Routes under `/auth`.
pub fn router() -> Router<AppState> {
    Router::new()
}
