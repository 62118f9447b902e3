//! How often somebody may try to sign in, to register, or to have a mail sent: counted for the identity and for the client.
//!
//! Counts are in Redis, shared by all origin processes, in windows of fixed length. Where Redis fails, or there is none, each
//! process counts by itself in bounded memory, and what does not fit is let through: then the bound on password hashes alone
//! (`auth.max_concurrent_hashes`) keeps a flood from the machine.

mod local;

use std::time::Duration;

use redis::Script;
use sha2::{Digest as _, Sha256};
use vitrine_redis::Link;
use vitrine_shared::clock::unix_millis;

use crate::circuit::Circuit;
use crate::config::Auth;
use crate::modules::auth::hex;
use local::Local;

/// After a failure Redis is left alone for so long.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest that Redis is waited for.
const PATIENCE: Duration = Duration::from_millis(250);

/// Counts one more, in a window that the first one begins; returns the count and the milliseconds that are left.
const COUNT: &str = r"
local n = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {n, left}";

/// Counts one less, where it is still counted.
const UNCOUNT: &str = r"
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then
  redis.call('DECR', KEYS[1])
end";

/// The counts.
#[derive(Debug)]
pub struct Attempts {
    redis: Option<Link>,
    circuit: Circuit,
    local: Local,
    window: Duration,
    per_identity: u64,
    per_client: u64,
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub enum Attempt {
    /// Signing in.
    SignIn,
    /// Registering.
    Register,
    /// Having a mail sent.
    Mail,
}

/// An attempt that was counted.
#[derive(Debug)]
pub struct Counted {
    identity_key: String,
    is_local: bool,
}

/// Too many attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; the next is counted anew in {retry_after:?}")]
pub struct TooMany {
    /// When the window ends.
    pub retry_after: Duration,
}

// === impl Attempt ===

impl Attempt {
    fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Register => "register",
            Self::Mail => "mail",
        }
    }
}

// === impl Attempts ===

impl Attempts {
    /// With this Redis, or with none.
    pub fn new(redis: Option<Link>, config: &Auth) -> Self {
        Self {
            redis,
            circuit: Circuit::default(),
            local: Local::default(),
            window: Duration::from_secs(config.attempts_window_s),
            per_identity: config.attempts_per_identity,
            per_client: config.attempts_per_client,
        }
    }

    /// Counts an attempt, before it is made: many at once are counted too.
    pub async fn count(&self, attempt: Attempt, identity: &str, client: &str) -> Result<Counted, TooMany> {
        let name = attempt.name();
        // Neither addresses of mail nor of the network are kept as they are.
        let identity_key = format!("vitrine:attempts:{name}:identity:{}", hashed(identity));
        let client_key = format!("vitrine:attempts:{name}:client:{}", hashed(client));
        let counts = self.in_redis(&identity_key, &client_key).await;
        let is_local = counts.is_none();
        let counts = counts.unwrap_or_else(|| {
            let now = unix_millis();
            [&identity_key, &client_key].map(|key| self.local.count(key, now, self.window))
        });
        for ((count, left), most) in counts.into_iter().zip([self.per_identity, self.per_client]) {
            if count > most {
                return Err(TooMany { retry_after: left });
            }
        }
        Ok(Counted { identity_key, is_local })
    }

    /// Takes back what was counted for the identity: the attempt was its owner's.
    pub async fn forgive(&self, counted: Counted) {
        if counted.is_local {
            self.local.uncount(&counted.identity_key);
            return;
        }
        if let Some(redis) = &self.redis {
            let script = Script::new(UNCOUNT);
            let invocation = script.key(counted.identity_key);
            let mut redis = redis.clone();
            // Where it fails, the window ends all the same.
            let _ = tokio::time::timeout(PATIENCE, invocation.invoke_async::<()>(&mut redis)).await;
        }
    }

    async fn in_redis(&self, identity_key: &str, client_key: &str) -> Option<[(u64, Duration); 2]> {
        let redis = self.redis.as_ref().filter(|_| self.circuit.is_closed())?;
        let millis = u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX);
        let script = Script::new(COUNT);
        let count = async |key: &str| -> redis::RedisResult<(u64, Duration)> {
            let mut redis = redis.clone();
            let (count, left): (u64, u64) = script.key(key).arg(millis).invoke_async(&mut redis).await?;
            Ok((count, Duration::from_millis(left)))
        };
        let both = async { tokio::try_join!(count(identity_key), count(client_key)) };
        if let Ok(Ok((identity, client))) = tokio::time::timeout(PATIENCE, both).await {
            Some([identity, client])
        } else {
            self.circuit.open(PAUSE);
            None
        }
    }
}

fn hashed(text: &str) -> String {
    hex(&Sha256::digest(text)[..16])
}
