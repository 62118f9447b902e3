//! Brings the Redis stream up to what Postgres has numbered.

use redis::AsyncCommands as _;
use redis::streams::{StreamMaxlen, StreamRangeReply};
use sqlx::PgPool;
use vitrine_redis::Link;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, STREAM_FIELD, STREAM_KEY};

use super::metrics::RelayMetrics;
use super::plan::{self, Step};
use crate::outbox::{self, Recent};

/// Why a round of publishing ended early; the next one starts by looking at the stream again.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Redis cannot be reached, was restarted, or refused the entry.
    #[error("redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// Postgres cannot be reached.
    #[error("postgres: {0}")]
    Postgres(#[from] sqlx::Error),
    /// The outbox's numbers have a gap: somebody changed it by hand.
    #[error("the outbox cannot be published: {0}")]
    Batch(#[from] vitrine_shared::feed::BatchError),
    /// A batch that cannot be written as JSON.
    #[error("a batch cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Publishes until the stream holds everything that was numbered; returns the stream's last epoch.
///
/// `last` is that of the round before, where it went well. Else it begins by asking the stream where it ends, so it goes on after a relay
/// that was killed, a restarted or wiped Redis and an entry that was written although its reply was lost. Redis refuses an id that does
/// not grow. What this process numbered it need not read again. Where Redis was emptied since the round before, readers see the gap and ask the endpoint.
pub async fn publish(
    pool: &PgPool,
    recent: &Recent,
    redis: &mut Link,
    last: Option<Epoch>,
    stream_entries: usize,
    metrics: &RelayMetrics,
) -> Result<Option<Epoch>, PublishError> {
    let mut last = match last {
        Some(last) => Some(last),
        None => last_entry(redis).await?,
    };
    loop {
        if let Some(known) = last.and_then(|last| recent.batch_after(last)) {
            let Some((batch, ages)) = known? else { return Ok(last) };
            add(redis, &batch, stream_entries).await?;
            metrics.published(ages);
            last = Some(batch.last());
            continue;
        }
        // With what probably follows, in one statement.
        let likely = last.map_or(0, |last| last.seq);
        let (position, rows) = outbox::purges_after(pool, likely).await?;
        match plan::next(position, last) {
            Step::Nothing => return Ok(last),
            Step::Restart => {
                tracing::error!(newest = %position.newest, ?last, "the stream is ahead of Postgres: it is begun anew; \
                    if Postgres was restored, raise feed_position.term");
                let _: () = redis.del(STREAM_KEY).await?;
                last = None;
            }
            Step::PublishAfter(after) => {
                let rows = if after == likely { rows } else { outbox::purges_after(pool, after).await?.1 };
                let Some(batch) = outbox::first_batch(&rows)? else {
                    return Ok(last);
                };
                add(redis, &batch, stream_entries).await?;
                metrics.published(rows.iter().take(batch.purges.len()).map(|row| row.age_seconds));
                last = Some(batch.last());
                if last == Some(position.newest) {
                    return Ok(last);
                }
            }
        }
    }
}

async fn add(redis: &mut Link, batch: &Batch, stream_entries: usize) -> Result<(), PublishError> {
    let json = serde_json::to_string(batch)?;
    let most = StreamMaxlen::Approx(stream_entries);
    let _: Option<String> = redis.xadd_maxlen(STREAM_KEY, most, batch.stream_id(), &[(STREAM_FIELD, json)]).await?;
    Ok(())
}

/// The epoch of the stream's last entry; an entry of another form counts as none of ours.
async fn last_entry(redis: &mut Link) -> Result<Option<Epoch>, redis::RedisError> {
    let found: StreamRangeReply = redis.xrevrange_count(STREAM_KEY, "+", "-", 1).await?;
    Ok(found.ids.first().and_then(|entry| plan::epoch_of_id(&entry.id)))
}
