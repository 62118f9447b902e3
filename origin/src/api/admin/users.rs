//! `/admin/users`: those who run the shop.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::resources::USERS;
use super::{Deleted, input};
use crate::api::ack::Written;
use crate::api::auth::{AdminUser, reset_token};
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::state::AppState;
use crate::workflows::user;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/users", get(list))
        .route("/users/me", get(me))
        .route("/users/{id}", get(retrieve).post(update).delete(delete))
        .route("/users/{id}/auth-providers", get(providers))
        .route("/users/{id}/reset-password", post(reset_password))
}

fn not_found(id: &str) -> ApiError {
    ApiError::not_found(format!("User with id: {id} was not found"))
}

async fn list(State(state): State<AppState>, _: AdminUser, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    USERS.list(&state, query.as_deref(), Vec::new()).await
}

async fn me(State(state): State<AppState>, admin: AdminUser, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    USERS.retrieve(&state, &admin.id, query.as_deref(), Vec::new()).await
}

async fn retrieve(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    USERS.retrieve(&state, &id, query.as_deref(), Vec::new()).await
}

async fn update(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let patch = input::user_patch(&body)?;
    let chosen = USERS.choose(query.as_deref())?;
    let done = user::update(&state.outbox, &id, patch).await?.ok_or_else(|| not_found(&id))?;
    USERS.written(&state, &id, &chosen, done.receipt).await
}

async fn delete(
    State(state): State<AppState>,
    merchant: AdminUser,
    Path(id): Path<String>,
) -> Result<Written<Deleted>, ApiError> {
    if merchant.id == id {
        return Err(ApiError::not_allowed("A user cannot delete itself"));
    }
    let done = user::delete(&state.outbox, &id).await?;
    for identity in &done.value {
        if let Err(error) = state.sessions.close_all_of(identity).await {
            tracing::warn!(%error, "sessions of a user who was deleted could not be ended");
        }
    }
    Ok(Written { receipt: done.receipt, body: Deleted::new(id, "user") })
}

async fn providers(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let providers = crate::modules::auth::identity::providers_of_user(&state.pool, &id).await?;
    Ok(Json(json!({ "providers": providers })))
}

/// The token of a password reset, for the merchant to hand over.
async fn reset_password(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let email = crate::modules::user::email_of(&state.pool, &id).await?.ok_or_else(|| not_found(&id))?;
    let token = reset_token(&state, &email).await?;
    Ok(Json(json!({ "token": token })))
}
