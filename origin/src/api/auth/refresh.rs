//! `POST /auth/token/refresh`: a new token for one that still holds, with what the identity is by now: after registering and
//! opening an account it is the customer's (`api/auth/token/refresh/route.js`).

use axum::Json;
use axum::extract::State;
use http::HeaderMap;

use super::actor::Actor;
use super::credentials;
use super::sign_in::{SignedIn, token_with_checks};
use super::token::Claims;
use crate::error::ApiError;
use crate::modules::auth::identity;
use crate::state::AppState;

/// Signs the identity's claims of now.
pub(super) async fn refresh(State(state): State<AppState>, headers: HeaderMap) -> Result<Json<SignedIn>, ApiError> {
    let claims = credentials::find(&state, &headers, None).await?.ok_or_else(ApiError::unauthenticated)?;
    let actor = Actor::of_path(&claims.actor_type, &claims.auth_provider)?;
    let identity = identity::by_id(&state.pool, &claims.auth_identity_id).await?;
    if claims.actor_id.is_empty() {
        let gone = || ApiError::unauthorized("Invalid auth identity while refreshing token");
        return token_with_checks(&state, &identity.ok_or_else(gone)?, actor).await.map(Json);
    }
    let gone = || ApiError::not_found(format!("AuthIdentity with id: {} was not found", claims.auth_identity_id));
    let claims = Claims::of(&identity.ok_or_else(gone)?, actor);
    Ok(Json(SignedIn::new(claims.sign(&state.config.auth)?)))
}
