//! `POST /auth/user/emailpass`: a bearer token for an e-mail address and a password.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;

use super::password;
use super::token::Claims;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::modules::auth::{self, EMAILPASS};
use crate::state::AppState;

/// Longest password that is hashed, in bytes.
const MAX_PASSWORD: usize = 1_024;
/// Medusa's words; they do not tell which of the two is wrong.
const WRONG: &str = "Invalid email or password";

/// A bearer token.
#[derive(Debug, Serialize)]
pub(super) struct Token {
    /// The JWT.
    pub(super) token: String,
}

/// Signs a user in.
pub(super) async fn sign_in(State(state): State<AppState>, JsonBody(body): JsonBody) -> Result<Json<Token>, ApiError> {
    let text = |field: &str| body.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let password = text("password").ok_or_else(|| ApiError::unauthorized("Password should be a string"))?;
    let email = text("email").ok_or_else(|| ApiError::unauthorized("Email should be a string"))?;
    // Postgres can hold no NUL, so no address has one.
    if password.len() > MAX_PASSWORD || email.contains('\0') {
        return Err(ApiError::unauthorized(WRONG));
    }
    let identity = auth::emailpass_identity(&state.pool, email).await?;
    let hash = identity.as_ref().and_then(|identity| identity.password_hash.clone());
    let right = password::is_right(&state, password.to_owned(), hash).await?;
    let Some(identity) = identity.filter(|_| right) else {
        return Err(ApiError::unauthorized(WRONG));
    };
    let user_id = identity.user_id.as_deref().ok_or_else(|| ApiError::unauthorized(WRONG))?;
    let token = Claims::of_user(user_id, &identity.id, EMAILPASS).sign(&state.config.auth)?;
    Ok(Json(Token { token }))
}
