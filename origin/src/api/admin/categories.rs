//! `/admin/product-categories`.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::value::RawValue;

use super::resources::CATEGORIES;
use super::{Deleted, input};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::state::AppState;
use crate::workflows::category;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/product-categories", get(list).post(create))
        .route("/product-categories/{id}", get(retrieve).post(update).delete(delete))
        .route("/product-categories/{id}/products", post(set_products))
}

async fn list(State(state): State<AppState>, _: AdminUser, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    CATEGORIES.list(&state, query.as_deref(), Vec::new()).await
}

async fn retrieve(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    CATEGORIES.retrieve(&state, &id, query.as_deref(), Vec::new()).await
}

async fn create(
    State(state): State<AppState>,
    _: AdminUser,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::new_category(&body)?;
    let chosen = CATEGORIES.choose(query.as_deref())?;
    let done = category::create(&state.outbox, given).await?;
    CATEGORIES.written(&state, &done.value, &chosen, done.receipt).await
}

async fn update(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let patch = input::category_patch(&body)?;
    let chosen = CATEGORIES.choose(query.as_deref())?;
    let done = category::update(&state.outbox, &id, patch).await?;
    CATEGORIES.written(&state, &id, &chosen, done.receipt).await
}

async fn delete(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Written<Deleted>, ApiError> {
    let done = category::delete(&state.outbox, &id).await?;
    Ok(Written { receipt: done.receipt, body: Deleted::new(id, "product_category") })
}

async fn set_products(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::membership(&body)?;
    let chosen = CATEGORIES.choose(query.as_deref())?;
    let done = category::set_products(&state.outbox, &id, given).await?;
    CATEGORIES.written(&state, &id, &chosen, done.receipt).await
}
