//! `POST` and `DELETE /auth/session`: a cookie in place of a bearer token (`api/auth/session/route.js`).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;

use super::credentials;
use super::token::Claims;
use crate::config::Auth;
use crate::error::ApiError;
use crate::state::AppState;

/// Begins a session of who shows a bearer token. The one that the request came with, whoever's it was, ends.
pub(super) async fn open(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    let claims = Claims::of_request(&headers, &state.config.auth)
        .filter(|claims| !(claims.actor_id.is_empty() && claims.auth_identity_id.is_empty()))
        .ok_or_else(ApiError::unauthenticated)?;
    if let Some(earlier) = credentials::session_id(&state, &headers) {
        state.sessions.close(&earlier).await?;
    }
    let id = state.sessions.open(&claims).await?;
    let cookie = set_cookie(&state.config.auth, id.cookie(), state.sessions.lifetime().as_secs())?;
    Ok(([(header::SET_COOKIE, cookie)], Json(json!({ "user": claims }))).into_response())
}

/// Ends the session of the request.
pub(super) async fn close(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    if credentials::of_session(&state, &headers).await?.is_none() {
        return Err(ApiError::unauthenticated());
    }
    if let Some(id) = credentials::session_id(&state, &headers) {
        state.sessions.close(&id).await?;
    }
    let cookie = set_cookie(&state.config.auth, "", 0)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(json!({ "success": true }))).into_response())
}

/// No script reads it, and no other site's form sends it (`SameSite=Lax`, as Medusa in production).
fn set_cookie(config: &Auth, value: &str, lifetime_s: u64) -> Result<HeaderValue, ApiError> {
    let name = &config.session_cookie;
    let secure = if config.session_cookie_secure { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; Max-Age={lifetime_s}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(cookie).map_err(|error| ApiError::unknown(&error))
}
