//! `/admin/products`.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::value::RawValue;

use super::resources::PRODUCTS;
use super::{Deleted, input};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::state::AppState;
use crate::workflows::product;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/products", get(list).post(create))
        .route("/products/{id}", get(retrieve).post(update).delete(delete))
}

async fn list(State(state): State<AppState>, _: AdminUser, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    PRODUCTS.list(&state, query.as_deref(), Vec::new()).await
}

async fn retrieve(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    PRODUCTS.retrieve(&state, &id, query.as_deref(), Vec::new()).await
}

async fn create(
    State(state): State<AppState>,
    _: AdminUser,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::new_product(&body)?;
    let chosen = PRODUCTS.choose(query.as_deref())?;
    let done = product::create(&state.outbox, given).await?;
    PRODUCTS.written(&state, &done.value, &chosen, done.receipt).await
}

async fn update(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let patch = input::product_patch(&body)?;
    let chosen = PRODUCTS.choose(query.as_deref())?;
    let done = product::update(&state.outbox, &id, patch).await?;
    PRODUCTS.written(&state, &id, &chosen, done.receipt).await
}

async fn delete(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Written<Deleted>, ApiError> {
    let done = product::delete(&state.outbox, &id).await?;
    Ok(Written { receipt: done.receipt, body: Deleted::new(id, "product") })
}
