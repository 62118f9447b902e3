//! Redis as the read cache uses it: one look-up a page, one write a page, and a pause after a failure.

use std::time::Duration;

use futures_util::future::try_join_all;
use vitrine_redis::Link;
use vitrine_shared::epoch::Epoch;

use super::document::stamp_text;

/// After a failure Redis is left alone for so long.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Writes each value unless there is one with a later stamp: a fill that a purge has overtaken must not undo a newer one.
/// KEYS: the keys. ARGV: the stamp, the time to live in milliseconds, then the values.
const WRITE: &str = r"
for i, key in ipairs(KEYS) do
  if redis.call('GETRANGE', key, 0, #ARGV[1] - 1) <= ARGV[1] then
    redis.call('SET', key, ARGV[i + 2], 'PX', ARGV[2])
  end
end";

/// Redis did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// In time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// As it should.
    #[error(transparent)]
    Redis(#[from] redis::RedisError),
}

/// The values of keys, in their order.
pub(super) async fn read(redis: &Link, keys: &[String], limit: Duration) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let mut connection = redis.clone();
    let mut command = redis::cmd("MGET");
    command.arg(keys);
    within(redis, limit, command.query_async(&mut connection)).await
}

/// Writes values that were made after `stamp` was applied.
pub(super) async fn write(
    redis: &Link,
    stamp: Epoch,
    life: Duration,
    values: &[(String, Vec<u8>)],
    limit: Duration,
) -> Result<(), StoreError> {
    let script = redis::Script::new(WRITE);
    // The keys of one call must lie in one slot of a cluster, and documents are spread over all of it.
    let each = if redis.is_cluster() { 1 } else { values.len().max(1) };
    let calls = values.chunks(each).map(|values| {
        let mut connection = redis.clone();
        let mut call = script.prepare_invoke();
        call.arg(stamp_text(stamp)).arg(u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
        for (key, value) in values {
            call.key(key).arg(value);
        }
        async move { call.invoke_async::<()>(&mut connection).await }
    });
    within(redis, limit, try_join_all(calls)).await?;
    Ok(())
}

async fn within<T>(
    redis: &Link,
    limit: Duration,
    command: impl Future<Output = redis::RedisResult<T>>,
) -> Result<T, StoreError> {
    if let Ok(answer) = tokio::time::timeout(limit, command).await {
        Ok(answer?)
    } else {
        // A server that hangs would not be noticed: nobody waits here until its answer is late for the connection.
        redis.doubt();
        Err(StoreError::Timeout(limit))
    }
}
