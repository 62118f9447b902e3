//! `/admin/sales-channels`.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::get;

use super::resources::SALES_CHANNELS;
use crate::api::auth::AdminUser;
use crate::error::ApiError;
use crate::state::AppState;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/sales-channels", get(list)).route("/sales-channels/{id}", get(retrieve))
}

async fn list(State(state): State<AppState>, _: AdminUser, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    SALES_CHANNELS.list(&state, query.as_deref(), Vec::new()).await
}

async fn retrieve(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    SALES_CHANNELS.retrieve(&state, &id, query.as_deref(), Vec::new()).await
}
