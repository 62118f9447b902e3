//! `/admin/product-tags`.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::value::RawValue;

use super::resources::TAGS;
use super::{Deleted, input};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::state::AppState;
use crate::workflows::product_tag;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/product-tags", get(list).post(create))
        .route("/product-tags/{id}", get(retrieve).post(update).delete(delete))
}

async fn list(State(state): State<AppState>, _: AdminUser, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    TAGS.list(&state, query.as_deref(), Vec::new()).await
}

async fn retrieve(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    TAGS.retrieve(&state, &id, query.as_deref(), Vec::new()).await
}

async fn create(
    State(state): State<AppState>,
    _: AdminUser,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::new_tag(&body)?;
    let chosen = TAGS.choose(query.as_deref())?;
    let done = product_tag::create(&state.outbox, given).await?;
    TAGS.written(&state, &done.value, &chosen, done.receipt).await
}

async fn update(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let patch = input::tag_patch(&body)?;
    let chosen = TAGS.choose(query.as_deref())?;
    let done = product_tag::update(&state.outbox, &id, patch).await?;
    TAGS.written(&state, &id, &chosen, done.receipt).await
}

async fn delete(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Written<Deleted>, ApiError> {
    let done = product_tag::delete(&state.outbox, &id).await?;
    Ok(Written { receipt: done.receipt, body: Deleted::new(id, "product_tag") })
}
