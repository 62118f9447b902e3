//! `/admin/customer-groups`.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::value::RawValue;

use super::resources::CUSTOMER_GROUPS;
use super::{Deleted, input};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::state::AppState;
use crate::workflows::{customer, customer_group};

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/customer-groups", get(list).post(create))
        .route("/customer-groups/{id}", get(retrieve).post(update).delete(delete))
        .route("/customer-groups/{id}/customers", post(set_members))
}

type Given = Result<Written<Box<RawValue>>, ApiError>;

async fn list(State(state): State<AppState>, _: AdminUser, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    CUSTOMER_GROUPS.list(&state, query.as_deref(), Vec::new()).await
}

async fn retrieve(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    CUSTOMER_GROUPS.retrieve(&state, &id, query.as_deref(), Vec::new()).await
}

async fn create(
    State(state): State<AppState>,
    merchant: AdminUser,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Given {
    let given = input::new_group(&body)?;
    let chosen = CUSTOMER_GROUPS.choose(query.as_deref())?;
    let done = customer_group::create(&state.outbox, given, &merchant.id).await?;
    CUSTOMER_GROUPS.written(&state, &done.value, &chosen, done.receipt).await
}

async fn update(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Given {
    let patch = input::group_patch(&body)?;
    let chosen = CUSTOMER_GROUPS.choose(query.as_deref())?;
    let done = customer_group::update(&state.outbox, &id, patch).await?;
    CUSTOMER_GROUPS.written(&state, &id, &chosen, done.receipt).await
}

async fn delete(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Written<Deleted>, ApiError> {
    let done = customer_group::delete(&state.outbox, &id).await?;
    Ok(Written { receipt: done.receipt, body: Deleted::new(id, "customer_group") })
}

async fn set_members(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Given {
    let given = input::links(&body)?;
    let chosen = CUSTOMER_GROUPS.choose(query.as_deref())?;
    let done = customer::set_members(&state.outbox, &id, given).await?;
    CUSTOMER_GROUPS.written(&state, &id, &chosen, done.receipt).await
}
