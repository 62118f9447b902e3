//! Password resets: `POST /auth/:actor/:provider/reset-password` has a token sent, and `/update` takes it
//! (`api/auth/[actor_type]/[auth_provider]/{reset-password,update}/route.js`).

use axum::Json;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::actor::Actor;
use super::client::ClientName;
use super::token::ResetClaims;
use super::{limited, password};
use crate::api::auth::notify;
use crate::api::body::JsonBody;
use crate::api::input::field::Name;
use crate::api::input::object::{Object, read};
use crate::error::ApiError;
use crate::limits::Attempt;
use crate::modules::auth::{EMAILPASS, reset};
use crate::providers::notification::Notification;
use crate::state::AppState;
use crate::workflows;

/// Who wants another password.
pub(in crate::api) struct ResetRequest {
    identifier: String,
    metadata: Option<Map<String, Value>>,
}

/// Medusa's answer to a password that was changed.
#[derive(Debug, Serialize)]
pub(super) struct Success {
    success: bool,
}

/// The body (`ResetPasswordRequest`).
pub(in crate::api) fn body(object: &mut Object<'_, '_>) -> ResetRequest {
    ResetRequest { identifier: object.required::<Name>("identifier").0, metadata: object.optional("metadata") }
}

/// Has a token sent to who can prove to be the one, if there is such an identity. The answer is the same, and as quick, if
/// there is none: all that depends on it happens behind it.
pub(super) async fn begin(
    State(state): State<AppState>,
    Path((actor, provider)): Path<(String, String)>,
    client: ClientName,
    JsonBody(given): JsonBody,
) -> Result<(StatusCode, &'static str), ApiError> {
    let actor = Actor::of_path(&actor, &provider)?;
    let asked = read(&given, body)?;
    limited::count(&state, Attempt::Mail, &asked.identifier, &client).await?;
    if provider == EMAILPASS {
        notify(&state, "auth.password_reset", {
            let state = state.clone();
            async move { prepare(&state, actor, asked).await }
        })?;
    }
    Ok((StatusCode::CREATED, "Created"))
}

/// Makes the token and the message that carries it; `None` where there is no such identity.
async fn prepare(state: &AppState, actor: Actor, asked: ResetRequest) -> Result<Option<Notification>, ApiError> {
    let Some(token) = new_token(state, actor, &asked.identifier).await? else {
        return Ok(None);
    };
    let mut data = Map::new();
    data.insert("entity_id".into(), asked.identifier.into());
    data.insert("actor_type".into(), actor.name().into());
    data.insert("token".into(), token.into());
    data.insert("metadata".into(), json!(asked.metadata.unwrap_or_default()));
    Ok(Some(Notification { event: "auth.password_reset", data }))
}

/// A token for a reset, for a merchant to hand over to another.
pub(in crate::api) async fn reset_token(state: &AppState, email: &str) -> Result<String, ApiError> {
    let missing = || {
        let text = format!("Provider identity with entity_id {email} and provider {EMAILPASS} not found");
        ApiError::invalid_data(text)
    };
    new_token(state, Actor::User, email).await?.ok_or_else(missing)
}

/// A token for a reset; `None` where there is no such identity.
async fn new_token(state: &AppState, actor: Actor, email: &str) -> Result<Option<String>, ApiError> {
    let jti = format!("{:032x}", rand::random::<u128>());
    if !workflows::auth::begin_reset(&state.outbox, email, &jti).await?.value {
        return Ok(None);
    }
    let claims = ResetClaims {
        entity_id: email.to_owned(),
        provider: EMAILPASS.to_owned(),
        actor_type: actor.name().to_owned(),
        purpose: "reset".to_owned(),
        iat: 0,
        exp: 0,
        jti,
    };
    claims.sign(reset::LIFETIME, &state.config.auth).map(Some)
}

/// Gives who has the token another password, and ends their sessions. A token is good once.
pub(super) async fn finish(
    State(state): State<AppState>,
    Path((actor, provider)): Path<(String, String)>,
    headers: HeaderMap,
    JsonBody(given): JsonBody,
) -> Result<Json<Success>, ApiError> {
    let actor = Actor::of_path(&actor, &provider)?;
    let invalid = || ApiError::unauthorized("Invalid token");
    let claims = ResetClaims::of_request(&headers, &state.config.auth).ok_or_else(invalid)?;
    if claims.actor_type != actor.name() || claims.provider != provider {
        return Err(invalid());
    }
    if !reset::is_good(&state.pool, &claims.entity_id, &claims.jti).await? {
        return Err(invalid());
    }
    // As in Medusa, without a password nothing is changed; unlike there, the token stays good then.
    let Some(password) = given.get("password").and_then(Value::as_str).filter(|text| !text.is_empty()) else {
        return Ok(Json(Success { success: true }));
    };
    if password.len() > password::MAX_PASSWORD {
        let most = password::MAX_PASSWORD;
        return Err(ApiError::invalid_data(format!("A password has at most {most} bytes")));
    }
    let hash = password::hash(&state, password.to_owned()).await?;
    let done = workflows::auth::finish_reset(&state.outbox, &claims.entity_id, &claims.jti, &hash).await?;
    let identity = done.value.ok_or_else(invalid)?;
    if let Err(error) = state.sessions.close_all_of(&identity).await {
        tracing::warn!(%error, "sessions of an identity with a new password could not be ended");
    }
    Ok(Json(Success { success: true }))
}
