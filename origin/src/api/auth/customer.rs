//! Who buys: extractors for routes of the Store API.
//!
//! - [`Customer`]: a route that only who is signed in may use. Others get Medusa's `401 {"message":"Unauthorized"}`.
//! - [`MaybeCustomer`]: a route for all that knows who is signed in, such as carts. A token or session that does not hold is
//!   as none, as in Medusa (`allowUnauthenticated`).
//! - [`Registrant`]: who has registered, a customer or not yet: for opening the account.
//!
//! Each takes a session cookie or a bearer token; a session that cannot be looked up just now is 503. What is said of the
//! customer is what held when the token was made: that the customer was deleted since shows when it is read.

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::actor::Actor;
use super::credentials;
use super::token::Claims;
use crate::error::ApiError;
use crate::state::AppState;

/// A customer who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The customer's id, `cus_…`.
    pub id: String,
}

/// A customer who is signed in, or anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaybeCustomer(pub Option<Customer>);

/// Who has registered to buy; the account may be there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registrant {
    /// The auth identity.
    pub auth_identity_id: String,
    /// The customer, where the account is there.
    pub customer_id: Option<String>,
}

async fn claims(parts: &Parts, state: &AppState) -> Result<Option<Claims>, ApiError> {
    credentials::find(state, &parts.headers, Some(Actor::Customer)).await
}

impl FromRequestParts<AppState> for Customer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let claims = claims(parts, state).await?.filter(|claims| !claims.actor_id.is_empty());
        claims.map(|claims| Self { id: claims.actor_id }).ok_or_else(ApiError::unauthenticated)
    }
}

impl FromRequestParts<AppState> for MaybeCustomer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let claims = claims(parts, state).await?.filter(|claims| !claims.actor_id.is_empty());
        Ok(Self(claims.map(|claims| Customer { id: claims.actor_id })))
    }
}

impl FromRequestParts<AppState> for Registrant {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let claims = claims(parts, state).await?.filter(|claims| !claims.auth_identity_id.is_empty());
        let claims = claims.ok_or_else(ApiError::unauthenticated)?;
        let customer_id = Some(claims.actor_id).filter(|id| !id.is_empty());
        Ok(Self { auth_identity_id: claims.auth_identity_id, customer_id })
    }
}
