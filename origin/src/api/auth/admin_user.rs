//! Who calls the Admin API.

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::token::Claims;
use crate::error::ApiError;
use crate::state::AppState;

/// A merchant with a valid bearer token. Taking it as an argument is what guards a route of `/admin`.
///
/// Secret API keys (Basic) are not accepted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminUser {
    /// The user's id.
    pub id: String,
}

impl FromRequestParts<AppState> for AdminUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Claims::of_request(&parts.headers, &state.config.auth)
            .filter(|claims| claims.actor_type == "user" && !claims.actor_id.is_empty())
            .map(|claims| Self { id: claims.actor_id })
            .ok_or_else(ApiError::unauthenticated)
    }
}
