//! `POST /auth/:actor/:provider/register`: an identity that signs in nobody yet
//! (`api/auth/[actor_type]/[auth_provider]/register/route.js`).

use axum::Json;
use axum::extract::{Path, State};

use super::actor::{Actor, check_provider};
use super::client::ClientName;
use super::sign_in::{Given, MAX_EMAIL, SignedIn};
use super::token::Claims;
use super::{limited, password};
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::limits::Attempt;
use crate::modules::auth::identity;
use crate::state::AppState;

/// Medusa's words, which storefronts look for.
const TAKEN: &str = "Identity with email already exists";

/// Registers somebody. Who registers again with the right password, and is no actor yet, gets a token as the first time.
pub(super) async fn register(
    State(state): State<AppState>,
    Path((actor, provider)): Path<(String, String)>,
    client: ClientName,
    JsonBody(body): JsonBody,
) -> Result<Json<SignedIn>, ApiError> {
    let actor = Actor::of_path(&actor, &provider)?;
    check_provider(&provider)?;
    let given = Given::of(&body)?;
    if !given.is_possible() {
        let most = password::MAX_PASSWORD;
        return Err(ApiError::invalid_data(format!(
            "An e-mail address has at most {MAX_EMAIL} bytes and no NUL, a password at most {most}"
        )));
    }
    limited::count(&state, Attempt::Register, &given.email, &client).await?;
    let known = identity::by_email(&state.pool, &given.email).await?;
    let identity = if let Some(known) = known {
        let is_theirs =
            known.actors.is_empty() && password::is_right(&state, given.password, known.password_hash.clone()).await?;
        is_theirs.then_some(known)
    } else {
        let hash = password::hash(&state, given.password).await?;
        identity::register(&state.pool, &given.email, &hash).await?
    };
    let identity = identity.ok_or_else(|| ApiError::unauthorized(TAKEN))?;
    Ok(Json(SignedIn::new(Claims::of(&identity, actor).sign(&state.config.auth)?)))
}
