//! `/admin/collections`.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::value::RawValue;

use super::resources::COLLECTIONS;
use super::{Deleted, input};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::state::AppState;
use crate::workflows::collection;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/collections", get(list).post(create))
        .route("/collections/{id}", get(retrieve).post(update).delete(delete))
        .route("/collections/{id}/products", post(set_products))
}

async fn list(State(state): State<AppState>, _: AdminUser, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    COLLECTIONS.list(&state, query.as_deref(), Vec::new()).await
}

async fn retrieve(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    COLLECTIONS.retrieve(&state, &id, query.as_deref(), Vec::new()).await
}

async fn create(
    State(state): State<AppState>,
    _: AdminUser,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::new_collection(&body)?;
    let chosen = COLLECTIONS.choose(query.as_deref())?;
    let done = collection::create(&state.outbox, given).await?;
    COLLECTIONS.written(&state, &done.value, &chosen, done.receipt).await
}

async fn update(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let patch = input::collection_patch(&body)?;
    let chosen = COLLECTIONS.choose(query.as_deref())?;
    let done = collection::update(&state.outbox, &id, patch).await?;
    COLLECTIONS.written(&state, &id, &chosen, done.receipt).await
}

async fn delete(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Written<Deleted>, ApiError> {
    let done = collection::delete(&state.outbox, &id).await?;
    Ok(Written { receipt: done.receipt, body: Deleted::new(id, "collection") })
}

async fn set_products(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::membership(&body)?;
    let chosen = COLLECTIONS.choose(query.as_deref())?;
    let done = collection::set_products(&state.outbox, &id, given).await?;
    COLLECTIONS.written(&state, &id, &chosen, done.receipt).await
}
