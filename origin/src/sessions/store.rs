//! Sessions in Redis: each under the hash of its id, and for each identity a set of these by when they end.
//!
//! Commands of one key each, so that a cluster takes them too. A failure half way leaves a session that its identity's set does
//! not know: nobody was given its id, and it ends by itself.

use redis::AsyncCommands as _;
use vitrine_redis::Link;
use vitrine_shared::clock::unix_millis;

use super::SessionError;
use crate::api::auth::Claims;

fn key(id: &str) -> String {
    format!("vitrine:session:{id}")
}

fn set_key(identity: &str) -> String {
    format!("vitrine:sessions-of:{identity}")
}

/// Begins a session.
pub(super) async fn open(
    redis: &Link,
    id: &str,
    claims: &Claims,
    ends_at: u64,
    each: usize,
) -> Result<(), SessionError> {
    let mut redis = redis.clone();
    let set = set_key(&claims.auth_identity_id);
    let now = unix_millis();
    let _: () = redis.zrembyscore(&set, 0, now).await?;
    let known: Vec<String> = redis.zrange(&set, 0, -1).await?;
    let excess = (known.len() + 1).saturating_sub(each);
    for oldest in known.iter().take(excess) {
        let _: () = redis.del(key(oldest)).await?;
        let _: () = redis.zrem(&set, oldest).await?;
    }
    let _: () = redis.zadd(&set, id, ends_at).await?;
    let life = i64::try_from(ends_at.saturating_sub(now)).unwrap_or(i64::MAX);
    let _: () = redis.pexpire(&set, life).await?;
    let text = serde_json::to_string(claims)?;
    let _: () = redis.pset_ex(key(id), text, ends_at.saturating_sub(now)).await?;
    Ok(())
}

/// Who has begun a session.
pub(super) async fn find(redis: &Link, id: &str) -> Result<Option<Claims>, SessionError> {
    let text: Option<String> = redis.clone().get(key(id)).await?;
    Ok(text.as_deref().map(serde_json::from_str).transpose()?)
}

/// Ends a session.
pub(super) async fn close(redis: &Link, id: &str) -> Result<(), SessionError> {
    let _: () = redis.clone().del(key(id)).await?;
    Ok(())
}

/// Ends all of an identity.
pub(super) async fn close_all_of(redis: &Link, identity: &str) -> Result<(), SessionError> {
    let mut redis = redis.clone();
    let known: Vec<String> = redis.zrange(set_key(identity), 0, -1).await?;
    for id in known {
        let _: () = redis.del(key(&id)).await?;
    }
    let _: () = redis.del(set_key(identity)).await?;
    Ok(())
}
