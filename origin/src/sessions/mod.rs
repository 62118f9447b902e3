//! Sessions of whoever signs in by cookie: in Redis, or in this process where none is configured. All of it is safe to lose.
//!
//! A session's id is 256 random bits that its owner alone holds: the store knows its hash. It is always made anew, whatever a
//! request brings, so that nobody can be given one that another knows. A session ends at its time, when its owner signs out,
//! when the password changes, or when the owner begins too many others.

mod memory;
mod store;

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use vitrine_redis::Link;
use vitrine_shared::clock::unix_millis;

use crate::api::auth::Claims;
use crate::config::Auth;
use memory::Memory;

/// Random bytes of an id.
const ID_BYTES: usize = 32;
/// Sessions that a process without Redis holds; the oldest end when there are more.
const MAX_IN_MEMORY: usize = 10_000;

/// The sessions.
#[derive(Debug)]
pub struct Sessions {
    store: Store,
    lifetime: Duration,
    each: usize,
}

#[derive(Debug)]
enum Store {
    Redis(Link),
    Memory(Memory),
}

/// What its owner shows for a session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId(String);

/// The store of sessions cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Redis failed.
    #[error("sessions: {0}")]
    Redis(#[from] redis::RedisError),
    /// What it holds is not what was put there.
    #[error("sessions: {0}")]
    Json(#[from] serde_json::Error),
}

// === impl SessionId ===

impl SessionId {
    fn new() -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; ID_BYTES]>()))
    }

    /// An id from a cookie; `None` where it cannot be one.
    pub fn from_cookie(value: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
        (bytes.len() == ID_BYTES).then(|| Self(value.to_owned()))
    }

    /// The cookie's value.
    pub fn cookie(&self) -> &str {
        &self.0
    }

    /// What the store knows it by.
    fn hash(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(session)")
    }
}

// === impl Sessions ===

impl Sessions {
    /// Those of a process with this Redis, or with none.
    pub fn new(redis: Option<Link>, config: &Auth) -> Self {
        let store = redis.map_or_else(|| Store::Memory(Memory::new(MAX_IN_MEMORY)), Store::Redis);
        Self { store, lifetime: Duration::from_secs(config.session_lifetime_s), each: config.max_sessions }
    }

    /// How long one holds.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Begins one. Where its identity has too many, its oldest ones end.
    pub async fn open(&self, claims: &Claims) -> Result<SessionId, SessionError> {
        let id = SessionId::new();
        let ends_at = unix_millis().saturating_add(u64::try_from(self.lifetime.as_millis()).unwrap_or(u64::MAX));
        match &self.store {
            Store::Redis(redis) => store::open(redis, &id.hash(), claims, ends_at, self.each).await?,
            Store::Memory(memory) => memory.open(id.hash(), claims.clone(), ends_at, self.each),
        }
        Ok(id)
    }

    /// Who has begun it; `None` where it has ended.
    pub async fn find(&self, id: &SessionId) -> Result<Option<Claims>, SessionError> {
        match &self.store {
            Store::Redis(redis) => store::find(redis, &id.hash()).await,
            Store::Memory(memory) => Ok(memory.find(&id.hash(), unix_millis())),
        }
    }

    /// Ends it.
    pub async fn close(&self, id: &SessionId) -> Result<(), SessionError> {
        match &self.store {
            Store::Redis(redis) => store::close(redis, &id.hash()).await,
            Store::Memory(memory) => {
                memory.close(&id.hash());
                Ok(())
            }
        }
    }

    /// Ends all of an identity.
    pub async fn close_all_of(&self, auth_identity_id: &str) -> Result<(), SessionError> {
        match &self.store {
            Store::Redis(redis) => store::close_all_of(redis, auth_identity_id).await,
            Store::Memory(memory) => {
                memory.close_all_of(auth_identity_id);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_random_and_only_such_a_one_is_looked_up() {
        let (one, two) = (SessionId::new(), SessionId::new());
        assert_ne!(one, two);
        assert_ne!(one.hash(), one.cookie());
        assert_eq!(SessionId::from_cookie(one.cookie()), Some(one));
        for wrong in ["", "s:abc", "AAAA", &"A".repeat(44), &"*".repeat(43)] {
            assert_eq!(SessionId::from_cookie(wrong), None, "{wrong}");
        }
    }
}
