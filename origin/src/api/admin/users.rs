//! `/admin/users`.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;

use super::resources::USERS;
use crate::api::auth::AdminUser;
use crate::error::ApiError;
use crate::state::AppState;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/users/me", get(me))
}

async fn me(State(state): State<AppState>, admin: AdminUser, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    USERS.retrieve(&state, &admin.id, query.as_deref(), Vec::new()).await
}
