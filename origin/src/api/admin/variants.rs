//! `/admin/products/:id/variants`. Writes answer with the product, as in Medusa.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::value::RawValue;

use super::resource::{equals, raw};
use super::resources::{PRODUCTS, VARIANTS};
use super::{DeletedPart, input};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::query::Filter;
use crate::state::AppState;
use crate::workflows::variant;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/products/{id}/variants", get(list).post(create))
        .route("/products/{id}/variants/{variant_id}", get(retrieve).post(update).delete(delete))
}

fn of_product(product_id: &str) -> Vec<Filter> {
    vec![equals(VARIANTS.entity, "product_id", product_id)]
}

async fn list(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    VARIANTS.list(&state, query.as_deref(), of_product(&id)).await
}

async fn retrieve(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, variant_id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    VARIANTS.retrieve(&state, &variant_id, query.as_deref(), of_product(&id)).await
}

async fn create(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::new_variant(&body)?;
    let chosen = PRODUCTS.choose(query.as_deref())?;
    let done = variant::create(&state.outbox, &id, given).await?;
    PRODUCTS.written(&state, &id, &chosen, done.receipt).await
}

async fn update(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, variant_id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let patch = input::variant_patch(&body)?;
    let chosen = PRODUCTS.choose(query.as_deref())?;
    let done = variant::update(&state.outbox, &id, &variant_id, patch).await?;
    PRODUCTS.written(&state, &id, &chosen, done.receipt).await
}

async fn delete(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, variant_id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Written<DeletedPart>, ApiError> {
    let chosen = PRODUCTS.choose(query.as_deref())?;
    let done = variant::delete(&state.outbox, &id, &variant_id).await?;
    let parent = raw(PRODUCTS.document(&state, &id, &chosen).await?)?;
    Ok(Written { receipt: done.receipt, body: DeletedPart::new(variant_id, "variant", parent) })
}
