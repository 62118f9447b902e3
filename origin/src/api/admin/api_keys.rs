//! `/admin/api-keys`: publishable keys with their sales channels, and secret keys, whose token is shown once.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::resources::API_KEYS;
use super::{Deleted, input};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::state::AppState;
use crate::workflows::api_key;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/api-keys", get(list).post(create))
        .route("/api-keys/{id}", get(retrieve).post(update).delete(delete))
        .route("/api-keys/{id}/revoke", post(revoke))
        .route("/api-keys/{id}/sales-channels", post(set_channels))
}

type Given = Result<Written<Box<RawValue>>, ApiError>;

async fn list(State(state): State<AppState>, _: AdminUser, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    API_KEYS.list(&state, query.as_deref(), Vec::new()).await
}

async fn retrieve(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    API_KEYS.retrieve(&state, &id, query.as_deref(), Vec::new()).await
}

/// The whole key, with the token of a secret one: nobody can ask for it again.
async fn create(
    State(state): State<AppState>,
    merchant: AdminUser,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Value>, ApiError> {
    let given = input::new_api_key(&body)?;
    API_KEYS.choose(query.as_deref())?;
    let done = api_key::create(&state.outbox, given, &merchant.id).await?;
    Ok(Written { receipt: done.receipt, body: json!({ "api_key": done.value }) })
}

async fn update(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Given {
    let title = input::api_key_patch(&body)?;
    let chosen = API_KEYS.choose(query.as_deref())?;
    let done = api_key::rename(&state.outbox, &id, &title).await?;
    API_KEYS.written(&state, &id, &chosen, done.receipt).await
}

async fn delete(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Written<Deleted>, ApiError> {
    let done = api_key::delete(&state.outbox, &id).await?;
    Ok(Written { receipt: done.receipt, body: Deleted::new(id, "api_key") })
}

async fn revoke(
    State(state): State<AppState>,
    merchant: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Given {
    let after = input::revocation(&body)?;
    let chosen = API_KEYS.choose(query.as_deref())?;
    let done = api_key::revoke(&state.outbox, &id, after, &merchant.id).await?;
    API_KEYS.written(&state, &id, &chosen, done.receipt).await
}

async fn set_channels(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Given {
    let given = input::links(&body)?;
    let chosen = API_KEYS.choose(query.as_deref())?;
    let done = api_key::set_channels(&state.outbox, &id, given).await?;
    API_KEYS.written(&state, &id, &chosen, done.receipt).await
}
