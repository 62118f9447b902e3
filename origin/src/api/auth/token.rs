//! Bearer tokens: JWT, HS256, with Medusa's claims (`api/auth/utils/generate-jwt-token.js`).

use std::time::Duration;

use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vitrine_shared::clock;

use super::actor::Actor;
use crate::config::Auth;
use crate::error::ApiError;
use crate::modules::auth::{EMAILPASS, Identity};

/// Which actors an identity signs in, as tokens tell it.
pub use crate::modules::auth::Actors as AppMetadata;

/// What a token says of its bearer; the names are Medusa's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Whom it lets act, such as `user_…`; empty for somebody who is registered and no actor of the kind yet.
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

/// What a token for a password reset says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ResetClaims {
    /// The e-mail address.
    pub(super) entity_id: String,
    /// The provider.
    pub(super) provider: String,
    /// As whom.
    pub(super) actor_type: String,
    /// `reset`.
    pub(super) purpose: String,
    /// When it was issued, in seconds of Unix time.
    pub(super) iat: u64,
    /// When it ends, in seconds of Unix time.
    pub(super) exp: u64,
    /// Makes it good once.
    pub(super) jti: String,
}

// === impl Claims ===

impl Claims {
    /// Claims of an identity that signs in now as an actor of this kind, if it is one.
    pub(super) fn of(identity: &Identity, actor: Actor) -> Self {
        let actor_id = match actor {
            Actor::Customer => &identity.actors.customer_id,
            Actor::User => &identity.actors.user_id,
        };
        Self {
            actor_id: actor_id.clone().unwrap_or_default(),
            actor_type: actor.name().to_owned(),
            auth_identity_id: identity.id.clone(),
            auth_provider: EMAILPASS.to_owned(),
            app_metadata: identity.actors.clone(),
            user_metadata: identity.user_metadata.clone(),
            ..Self::default()
        }
    }

    /// The same for who has something to do yet before being let act.
    pub(super) fn without_actor(mut self) -> Self {
        self.actor_id.clear();
        match self.actor_type.as_str() {
            "customer" => self.app_metadata.customer_id = None,
            _ => self.app_metadata.user_id = None,
        }
        self
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
        verified(bearer(headers)?, config)
    }
}

// === impl ResetClaims ===

impl ResetClaims {
    /// The token with these claims, issued now.
    pub(super) fn sign(mut self, lifetime: Duration, config: &Auth) -> Result<String, ApiError> {
        self.iat = clock::unix_millis() / 1_000;
        self.exp = self.iat.saturating_add(lifetime.as_secs());
        let key = EncodingKey::from_secret(config.jwt_secret.expose().as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &self, &key).map_err(|error| ApiError::unknown(&error))
    }

    /// The claims of the request's bearer token, where it is a valid one for a reset.
    pub(super) fn of_request(headers: &HeaderMap, config: &Auth) -> Option<Self> {
        verified(bearer(headers)?, config).filter(|claims: &Self| claims.purpose == "reset")
    }
}

/// The bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn verified<T: DeserializeOwned + Clone>(token: &str, config: &Auth) -> Option<T> {
    let key = DecodingKey::from_secret(config.jwt_secret.expose().as_bytes());
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    jsonwebtoken::decode(token, &key, &validation).ok().map(|data| data.claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(secret: &str, token_lifetime_s: u64) -> Auth {
        let text = format!("jwt_secret = \"{secret}\"\ntoken_lifetime_s = {token_lifetime_s}");
        toml::from_str(&text).unwrap()
    }

    fn claims() -> Claims {
        let actors = AppMetadata { user_id: Some("user_1".into()), customer_id: Some("cus_1".into()) };
        let identity = Identity {
            id: "authid_1".into(),
            provider_identity_id: "proide_1".into(),
            actors,
            user_metadata: Map::new(),
            password_hash: None,
        };
        Claims::of(&identity, Actor::User)
    }

    fn bearer_of(token: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        headers
    }

    #[test]
    fn a_token_is_good_for_the_one_who_signed_it_and_for_its_time() {
        let ours = config("one", 60);
        let token = claims().sign(&ours).unwrap();
        let claims = Claims::of_request(&bearer_of(&token), &ours).unwrap();
        assert_eq!(claims.actor_id, "user_1");
        assert_eq!(claims.exp - claims.iat, 60);
        assert_eq!(Claims::of_request(&bearer_of(&token), &config("other", 60)), None);
        assert_eq!(Claims::of_request(&bearer_of("x.y.z"), &ours), None);
        assert_eq!(Claims::of_request(&HeaderMap::new(), &ours), None);
    }

    #[test]
    fn who_has_something_to_do_yet_is_no_actor_of_that_kind() {
        let claims = claims().without_actor();
        assert_eq!((claims.actor_id.as_str(), claims.app_metadata.user_id), ("", None));
        assert_eq!(claims.app_metadata.customer_id.as_deref(), Some("cus_1"));
    }

    #[test]
    fn a_token_for_a_reset_signs_nobody_in_and_the_other_way_round() {
        let ours = config("one", 60);
        let reset = ResetClaims {
            entity_id: "a@b.co".into(),
            provider: "emailpass".into(),
            actor_type: "user".into(),
            purpose: "reset".into(),
            iat: 0,
            exp: 0,
            jti: "1".into(),
        };
        let reset = reset.sign(Duration::from_mins(1), &ours).unwrap();
        assert_eq!(Claims::of_request(&bearer_of(&reset), &ours), None);
        assert!(ResetClaims::of_request(&bearer_of(&reset), &ours).is_some());
        let token = claims().sign(&ours).unwrap();
        assert_eq!(ResetClaims::of_request(&bearer_of(&token), &ours), None);
    }

    #[test]
    fn an_expired_token_and_one_that_names_no_algorithm_are_refused() {
        let ours = config("one", 60);
        let key = EncodingKey::from_secret(b"one");
        let mut claims = claims();
        claims.exp = clock::unix_millis() / 1_000 - 1;
        let expired = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
        assert_eq!(Claims::of_request(&bearer_of(&expired), &ours), None);
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", expired.split('.').nth(1).unwrap());
        assert_eq!(Claims::of_request(&bearer_of(&unsigned), &ours), None);
    }
}
