//! `/admin/customers`, with their addresses and groups.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;
use serde_json::value::RawValue;

use super::resource::{equals, raw};
use super::resources::{CUSTOMER_ADDRESSES, CUSTOMERS};
use super::{Deleted, input};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::query::{Filter, graph};
use crate::state::AppState;
use crate::workflows::{customer, customer_address};

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/customers", get(list).post(create))
        .route("/customers/{id}", get(retrieve).post(update).delete(delete))
        .route("/customers/{id}/customer-groups", post(set_groups))
        .route("/customers/{id}/addresses", get(list_addresses).post(create_address))
        .route(
            "/customers/{id}/addresses/{address_id}",
            get(retrieve_address).post(update_address).delete(delete_address),
        )
}

/// Medusa's answer to the deletion of an address: with the customer.
#[derive(Debug, Serialize)]
struct DeletedAddress {
    #[serde(flatten)]
    deleted: Deleted,
    parent: Box<RawValue>,
}

type Given = Result<Written<Box<RawValue>>, ApiError>;

fn not_found(id: &str) -> ApiError {
    ApiError::not_found(format!("Customer with id \"{id}\" not found"))
}

async fn list(State(state): State<AppState>, _: AdminUser, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    CUSTOMERS.list(&state, query.as_deref(), Vec::new()).await
}

async fn retrieve(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    CUSTOMERS.retrieve(&state, &id, query.as_deref(), Vec::new()).await
}

async fn create(
    State(state): State<AppState>,
    merchant: AdminUser,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Given {
    let given = input::new_customer(&body)?;
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    let done = customer::create(&state.outbox, given, &merchant.id).await?;
    CUSTOMERS.written(&state, &done.value, &chosen, done.receipt).await
}

async fn update(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Given {
    let patch = input::customer_patch(&body)?;
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    let done = customer::update(&state.outbox, &id, patch).await?.ok_or_else(|| not_found(&id))?;
    CUSTOMERS.written(&state, &id, &chosen, done.receipt).await
}

async fn delete(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Written<Deleted>, ApiError> {
    let done = customer::delete(&state.outbox, &id).await?;
    for identity in &done.value {
        if let Err(error) = state.sessions.close_all_of(identity).await {
            tracing::warn!(%error, "sessions of a customer who was deleted could not be ended");
        }
    }
    Ok(Written { receipt: done.receipt, body: Deleted::new(id, "customer") })
}

async fn set_groups(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Given {
    let given = input::links(&body)?;
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    let done = customer::set_groups(&state.outbox, &id, given).await?;
    CUSTOMERS.written(&state, &id, &chosen, done.receipt).await
}

fn of(customer: &str) -> Vec<Filter> {
    vec![equals(&graph::CUSTOMER_ADDRESS, "customer_id", customer)]
}

async fn list_addresses(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    CUSTOMER_ADDRESSES.list(&state, query.as_deref(), of(&id)).await
}

async fn retrieve_address(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, address)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    CUSTOMER_ADDRESSES.retrieve(&state, &address, query.as_deref(), of(&id)).await
}

async fn create_address(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Given {
    let given = input::new_address(&body)?;
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    let done = customer_address::create(&state.outbox, &id, given).await?;
    CUSTOMERS.written(&state, &id, &chosen, done.receipt).await
}

async fn update_address(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, address)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Given {
    let patch = input::address_patch(&body)?;
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    let done = customer_address::update(&state.outbox, &id, &address, patch).await?;
    let done = done.ok_or_else(|| ApiError::not_found(format!("Address with id: {address} was not found")))?;
    CUSTOMERS.written(&state, &id, &chosen, done.receipt).await
}

/// One that is not there is deleted, as in Medusa.
async fn delete_address(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, address)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Written<DeletedAddress>, ApiError> {
    let chosen = CUSTOMERS.choose(query.as_deref())?;
    let done = customer_address::delete(&state.outbox, &id, &address).await?;
    let parent = raw(CUSTOMERS.document(&state, &id, &chosen).await?)?;
    let deleted = Deleted::new(address, "customer_address");
    Ok(Written { receipt: done.receipt, body: DeletedAddress { deleted, parent } })
}
