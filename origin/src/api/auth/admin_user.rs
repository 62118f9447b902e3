//! Who calls the Admin API.

use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::request::Parts;
use http::{HeaderMap, header};

use super::actor::Actor;
use super::{credentials, token};
use crate::error::{ApiError, ErrorKind};
use crate::modules::api_key;
use crate::state::AppState;

/// A merchant with a session or a valid bearer token, or a program with a secret API key (HTTP Basic, the key as user name).
/// Taking it as an argument is what guards a route of `/admin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminUser {
    /// The user's id, or the API key's.
    pub id: String,
}

/// Longest secret key that is looked up.
const MAX_KEY: usize = 256;
/// Medusa's hint.
const KEY_AS_BEARER: &str = "A secret API key was passed as a Bearer token. Secret API keys must be sent using HTTP Basic \
                             authentication instead (Authorization: Basic <secret-api-key>).";

impl FromRequestParts<AppState> for AdminUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        // The guard of all routes has asked already.
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let found = find(&parts.headers, state).await?;
        parts.extensions.insert(found.clone());
        Ok(found)
    }
}

async fn find(headers: &HeaderMap, state: &AppState) -> Result<AdminUser, ApiError> {
    if let Some(key) = secret_key(headers)
        && let Some(id) = api_key::secret(&state.pool, &key).await?
    {
        return Ok(AdminUser { id });
    }
    let claims = credentials::find(state, headers, Some(Actor::User)).await?;
    if let Some(claims) = claims.filter(|claims| !claims.actor_id.is_empty()) {
        return Ok(AdminUser { id: claims.actor_id });
    }
    if token::bearer(headers).is_some_and(|token| token.starts_with("sk_")) {
        return Err(ApiError::new(ErrorKind::Unauthenticated, KEY_AS_BEARER));
    }
    Err(ApiError::unauthenticated())
}

/// The key of `Authorization: Basic`, as it is or encoded, with or without the colon of an empty password (`getApiKeyInfo`).
fn secret_key(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, given) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || given.len() > 2 * MAX_KEY {
        return None;
    }
    let given = given.trim();
    let key = if given.starts_with("sk_") {
        given.to_owned()
    } else {
        String::from_utf8(BASE64_STANDARD.decode(given).ok()?).ok()?
    };
    let key = key.strip_suffix(':').unwrap_or(&key);
    (key.starts_with("sk_") && key.len() <= MAX_KEY && !key.contains('\0')).then(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_or_encoded() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            secret_key(&headers)
        };
        assert_eq!(of("Basic sk_1").as_deref(), Some("sk_1"));
        assert_eq!(of("basic sk_1:").as_deref(), Some("sk_1"));
        assert_eq!(of(&format!("Basic {}", BASE64_STANDARD.encode("sk_1:"))).as_deref(), Some("sk_1"));
        for wrong in ["Bearer sk_1", "Basic", "Basic pk_1", "Basic !!", &format!("Basic sk_{}", "1".repeat(600))] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
