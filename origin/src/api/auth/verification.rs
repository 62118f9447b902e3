//! `POST /auth/verification/{request,confirm}`: somebody shows that an address is theirs (`api/auth/verification`).

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::client::ClientName;
use super::{credentials, limited};
use crate::api::auth::notify;
use crate::api::body::JsonBody;
use crate::api::input::field::Filled;
use crate::api::input::object::{Object, read};
use crate::error::ApiError;
use crate::limits::Attempt;
use crate::modules::auth::hex;
use crate::modules::auth::verification::{Asked, LIFETIME, TOKEN, Verification};
use crate::providers::notification::Notification;
use crate::state::AppState;
use crate::workflows;

/// Bytes of a code's randomness, twice as many characters.
const CODE_BYTES: usize = 32;

/// The body of a request (`VerificationRequest`), and who is to make the code.
pub(in crate::api) fn request_body(object: &mut Object<'_, '_>) -> (Asked, String) {
    let asked = Asked {
        entity_id: object.required::<Filled>("entity_id").0,
        entity_type: object.required::<Filled>("entity_type").0,
        metadata: object.optional("metadata"),
    };
    (asked, object.optional::<Filled>("code_provider").map_or_else(|| TOKEN.to_owned(), |name| name.0))
}

/// The body of a confirmation (`VerificationConfirmRequest`): the code, and who made it.
pub(in crate::api) fn confirm_body(object: &mut Object<'_, '_>) -> (String, Option<String>) {
    (object.required::<Filled>("code").0, object.optional::<Filled>("code_provider").map(|name| name.0))
}

/// Has a code sent. What is verified already gets none.
pub(super) async fn request(
    State(state): State<AppState>,
    headers: HeaderMap,
    client: ClientName,
    JsonBody(given): JsonBody,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let claims = credentials::find(&state, &headers, None).await?.ok_or_else(ApiError::unauthenticated)?;
    let (asked, provider) = read(&given, request_body)?;
    check_provider(&provider)?;
    limited::count(&state, Attempt::Mail, &claims.auth_identity_id, &client).await?;
    let code = hex(&rand::random::<[u8; CODE_BYTES]>());
    let identity = &claims.auth_identity_id;
    let done = workflows::auth::request_verification(&state.outbox, identity, &asked, &code).await?;
    let verification = done.value;
    if verification.verified_at.is_none() {
        let message = message(&verification, &code)?;
        notify(&state, "auth.verification_requested", async move { Ok(Some(message)) })?;
    }
    Ok((StatusCode::CREATED, Json(json!({ "verification": verification }))))
}

/// The message that carries the code; its names are those of Medusa's event.
fn message(verification: &Verification, code: &str) -> Result<Notification, ApiError> {
    let mut data = Map::new();
    let shown = serde_json::to_value(verification).map_err(|error| ApiError::unknown(&error))?;
    for name in ["entity_id", "entity_type", "code_provider", "auth_identity_id"] {
        data.insert(name.to_owned(), shown[name].clone());
    }
    let expires_at = verification.requested_at + LIFETIME;
    data.insert("code".into(), code.into());
    data.insert("expires_at".into(), expires_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into());
    data.insert("metadata".into(), verification.metadata.clone().unwrap_or_else(|| json!({})));
    Ok(Notification { event: "auth.verification_requested", data })
}

/// Takes a code, from whoever has it.
pub(super) async fn confirm(State(state): State<AppState>, JsonBody(given): JsonBody) -> Result<Json<Value>, ApiError> {
    let (code, provider) = read(&given, confirm_body)?;
    check_provider(provider.as_deref().unwrap_or(TOKEN))?;
    let verification = workflows::auth::confirm_verification(&state.outbox, &code).await?.value;
    let shown = serde_json::to_value(&verification).map_err(|error| ApiError::unknown(&error))?;
    Ok(Json(json!({
        "entity_id": verification.entity_id,
        "entity_type": verification.entity_type,
        "code_provider": verification.code_provider,
        "verified_at": shown["verified_at"],
    })))
}

/// Medusa fails with 500 here; it is the caller's mistake.
fn check_provider(provider: &str) -> Result<(), ApiError> {
    if provider == TOKEN {
        return Ok(());
    }
    let shown: String = provider.chars().take(64).collect();
    Err(ApiError::invalid_data(format!("Unable to retrieve the verification provider with id: {shown}")))
}
