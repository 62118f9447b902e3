//! `GET` and `POST /auth/:actor/:provider`: a bearer token for an e-mail address and a password
//! (`api/auth/[actor_type]/[auth_provider]/route.js`, `@medusajs/auth-emailpass`).

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::{Map, Value};

use super::actor::{Actor, check_provider};
use super::client::ClientName;
use super::token::Claims;
use super::{limited, password};
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::limits::Attempt;
use crate::modules::auth::verification::{self, Verification};
use crate::modules::auth::{Identity, identity};
use crate::state::AppState;

/// Longest e-mail address, in bytes.
pub(super) const MAX_EMAIL: usize = 1_024;
/// Medusa's words; they do not tell which of the two is wrong.
const WRONG: &str = "Invalid email or password";

/// A bearer token, or what is to be done before there is a good one.
#[derive(Debug, Serialize)]
pub(super) struct SignedIn {
    /// Whether the e-mail address is to be verified first; the token is good for that alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_required: Option<bool>,
    /// The verification, where one was asked for already.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<Verification>,
    /// The JWT.
    token: String,
}

/// What somebody signs in or registers with.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) email: String,
    pub(super) password: String,
}

// === impl Given ===

impl Given {
    /// Reads a body; Medusa's provider looks at these two and passes the rest over.
    pub(super) fn of(body: &Map<String, Value>) -> Result<Self, ApiError> {
        let text = |field: &str| body.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        let password = text("password").ok_or_else(|| ApiError::unauthorized("Password should be a string"))?;
        let email = text("email").ok_or_else(|| ApiError::unauthorized("Email should be a string"))?;
        Ok(Self { email: email.to_owned(), password: password.to_owned() })
    }

    /// Whether an identity could be like this: Postgres can hold no NUL, and nobody may make us hash a book.
    pub(super) fn is_possible(&self) -> bool {
        self.password.len() <= password::MAX_PASSWORD && self.email.len() <= MAX_EMAIL && !self.email.contains('\0')
    }
}

// === impl SignedIn ===

impl SignedIn {
    /// One that is good.
    pub(super) fn new(token: String) -> Self {
        Self { verification_required: None, verification: None, token }
    }
}

/// Signs somebody in.
pub(super) async fn sign_in(
    State(state): State<AppState>,
    Path((actor, provider)): Path<(String, String)>,
    client: ClientName,
    JsonBody(body): JsonBody,
) -> Result<Json<SignedIn>, ApiError> {
    let actor = Actor::of_path(&actor, &provider)?;
    check_provider(&provider)?;
    let given = Given::of(&body)?;
    if !given.is_possible() {
        return Err(ApiError::unauthorized(WRONG));
    }
    let counted = limited::count(&state, Attempt::SignIn, &given.email, &client).await?;
    let identity = identity::by_email(&state.pool, &given.email).await?;
    let hash = identity.as_ref().and_then(|identity| identity.password_hash.clone());
    let right = password::is_right(&state, given.password, hash).await?;
    let identity = identity.filter(|_| right).ok_or_else(|| ApiError::unauthorized(WRONG))?;
    state.attempts.forgive(counted).await;
    token_with_checks(&state, &identity, actor).await.map(Json)
}

/// Providers that redirect are called back; this one does not (`AbstractAuthModuleProvider.validateCallback`).
pub(super) async fn callback(Path((actor, provider)): Path<(String, String)>) -> Result<Json<SignedIn>, ApiError> {
    Actor::of_path(&actor, &provider)?;
    check_provider(&provider)?;
    Err(ApiError::unauthorized(format!("Callback authentication not implemented for provider {provider}")))
}

/// A token for an identity, once its address is verified where that is asked for (`generateJwtTokenWithChecks`).
pub(super) async fn token_with_checks(
    state: &AppState,
    identity: &Identity,
    actor: Actor,
) -> Result<SignedIn, ApiError> {
    let config = &state.config.auth;
    let claims = Claims::of(identity, actor);
    if actor == Actor::Customer && config.verify_customers {
        let found = verification::of_identity(&state.pool, &identity.id).await?;
        if found.as_ref().is_none_or(|found| found.verified_at.is_none()) {
            let token = claims.without_actor().sign(config)?;
            return Ok(SignedIn { verification_required: Some(true), verification: found, token });
        }
    }
    claims.sign(config).map(SignedIn::new)
}
