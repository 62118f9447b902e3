//! Bearer tokens: JWT, HS256, with Medusa's claims.

use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vitrine_shared::clock;

use crate::config::Auth;
use crate::error::ApiError;

/// What a token says of its bearer; the names are Medusa's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Whom it lets act, such as `user_…`; empty for somebody who is registered and not a user yet.
    pub actor_id: String,
    /// `user` or `customer`.
    pub actor_type: String,
    /// The auth identity.
    pub auth_identity_id: String,
    /// How the bearer signed in.
    pub auth_provider: String,
    /// Whether a second factor is asked for; we have none.
    #[serde(default)]
    pub mfa_enabled: bool,
    /// When the second factor was shown.
    #[serde(default)]
    pub mfa_challenge_completed_at: Option<u64>,
    /// Which actors the identity signs in.
    #[serde(default)]
    pub app_metadata: AppMetadata,
    /// What the provider tells of the person.
    #[serde(default)]
    pub user_metadata: Map<String, Value>,
    /// When it was issued, in seconds of Unix time.
    pub iat: u64,
    /// When it ends, in seconds of Unix time.
    pub exp: u64,
}

/// Which actors an identity signs in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppMetadata {
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
}

// === impl Claims ===

impl Claims {
    /// Claims of a user that signs in now.
    pub(super) fn of_user(user_id: &str, auth_identity_id: &str, provider: &str) -> Self {
        Self {
            actor_id: user_id.to_owned(),
            actor_type: "user".to_owned(),
            auth_identity_id: auth_identity_id.to_owned(),
            auth_provider: provider.to_owned(),
            mfa_enabled: false,
            mfa_challenge_completed_at: None,
            app_metadata: AppMetadata { user_id: Some(user_id.to_owned()), customer_id: None },
            user_metadata: Map::new(),
            iat: 0,
            exp: 0,
        }
    }

    /// The token with these claims, issued now.
    pub(super) fn sign(mut self, config: &Auth) -> Result<String, ApiError> {
        self.iat = clock::unix_millis() / 1_000;
        self.exp = self.iat.saturating_add(config.token_lifetime_s);
        let key = EncodingKey::from_secret(config.jwt_secret.expose().as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &self, &key).map_err(|error| ApiError::unknown(&error))
    }

    /// The claims of the request's bearer token, where it has a valid one.
    pub fn of_request(headers: &HeaderMap, config: &Auth) -> Option<Self> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let key = DecodingKey::from_secret(config.jwt_secret.expose().as_bytes());
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        jsonwebtoken::decode(token.trim(), &key, &validation).ok().map(|data| data.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn config(secret: &str, token_lifetime_s: u64) -> Auth {
        Auth { jwt_secret: Secret::new(secret), token_lifetime_s, max_concurrent_hashes: 1 }
    }

    fn bearer(token: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        headers
    }

    #[test]
    fn a_token_is_good_for_the_one_who_signed_it_and_for_its_time() {
        let ours = config("one", 60);
        let token = Claims::of_user("user_1", "authid_1", "emailpass").sign(&ours).unwrap();
        let claims = Claims::of_request(&bearer(&token), &ours).unwrap();
        assert_eq!(claims.actor_id, "user_1");
        assert_eq!(claims.exp - claims.iat, 60);
        assert_eq!(Claims::of_request(&bearer(&token), &config("other", 60)), None);
        assert_eq!(Claims::of_request(&bearer("x.y.z"), &ours), None);
        assert_eq!(Claims::of_request(&HeaderMap::new(), &ours), None);
    }

    #[test]
    fn an_expired_token_and_one_that_names_no_algorithm_are_refused() {
        let ours = config("one", 60);
        let key = EncodingKey::from_secret(b"one");
        let mut claims = Claims::of_user("user_1", "authid_1", "emailpass");
        claims.exp = clock::unix_millis() / 1_000 - 1;
        let expired = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
        assert_eq!(Claims::of_request(&bearer(&expired), &ours), None);
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", expired.split('.').nth(1).unwrap());
        assert_eq!(Claims::of_request(&bearer(&unsigned), &ours), None);
    }
}
