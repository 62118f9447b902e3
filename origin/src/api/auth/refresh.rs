//! `POST /auth/token/refresh`: a new token for one that still holds.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;

use super::emailpass::Token;
use super::token::Claims;
use crate::error::ApiError;
use crate::state::AppState;

/// Signs the bearer's claims anew.
pub(super) async fn refresh(State(state): State<AppState>, headers: HeaderMap) -> Result<Json<Token>, ApiError> {
    let claims = Claims::of_request(&headers, &state.config.auth).ok_or_else(ApiError::unauthenticated)?;
    Ok(Json(Token { token: claims.sign(&state.config.auth)? }))
}
