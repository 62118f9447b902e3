//! Reading the Redis Stream with plain `XREAD`: a consumer group would divide the purges among the edges (rule 3).

use std::time::Duration;

use redis::AsyncCommands as _;
use redis::streams::{StreamReadOptions, StreamReadReply};
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;
use vitrine_redis::{Connection, LOOK_AGAIN, Server, Timeouts};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, STREAM_FIELD, STREAM_KEY};

use super::machine::Event;

/// How long one `XREAD` waits for new entries.
const BLOCK: Duration = Duration::from_secs(2);
/// Of a connection to read by. An answer may take `BLOCK` and a little; one that is silent for longer is taken for dead.
pub const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(1), answer: Duration::from_secs(4) };
/// Entries read at once.
const COUNT: usize = 100;

/// Why the stream can no longer be read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Redis cannot be reached, or refuses.
    #[error("Redis: {0}")]
    Redis(#[from] redis::RedisError),
    /// An entry without the batch's field.
    #[error("stream entry {0} has no field `{STREAM_FIELD}`")]
    NoBatch(String),
    /// An entry that is not a batch of this version.
    #[error("stream entry {id}: {error}")]
    Form {
        /// Which entry.
        id: String,
        /// What is wrong with it.
        error: serde_json::Error,
    },
}

/// Sends what follows `after` as events until the stream cannot be read any more, and says so with the last event.
pub async fn follow(server: Server, after: Epoch, events: Sender<Event>) {
    if let Err(error) = read(&server, after, &events).await {
        tracing::warn!(%error, "the feed's stream cannot be read; the origin's endpoint is asked instead");
        // A closed channel means that the feed has ended, and nobody needs to know.
        let _ = events.send(Event::StreamBroken).await;
    }
}

/// Returns `Ok` only where nobody listens any more. The connection is its own: nothing else may wait behind a read that blocks.
async fn read(server: &Server, after: Epoch, events: &Sender<Event>) -> Result<(), StreamError> {
    let mut connection = server.connect().await?;
    let mut found = Instant::now();
    let mut id = format!("{}-{}", after.term, after.seq);
    // The first read does not block, so that it shows whether Redis answers.
    let mut options = StreamReadOptions::default().count(COUNT);
    let first = next(&mut connection, &id, &options).await?;
    if events.send(Event::StreamOpened).await.is_err() {
        return Ok(());
    }
    options = options.block(usize::try_from(BLOCK.as_millis()).unwrap_or(2_000));
    let mut entries = first;
    loop {
        for (entry, batch) in entries {
            id = entry;
            if events.send(Event::Batch(batch?)).await.is_err() {
                return Ok(());
            }
        }
        if server.may_move() && found.elapsed() >= LOOK_AGAIN {
            // Where nobody can say who is master now, the one that was is read on.
            if let Ok(master) = server.connect().await {
                connection = master;
            }
            found = Instant::now();
        }
        entries = next(&mut connection, &id, &options).await?;
    }
}

type Entries = Vec<(String, Result<Batch, StreamError>)>;

async fn next(connection: &mut Connection, id: &str, options: &StreamReadOptions) -> Result<Entries, StreamError> {
    let reply: Option<StreamReadReply> = connection.xread_options(&[STREAM_KEY], &[id], options).await?;
    let entries = reply.map(|reply| reply.keys).unwrap_or_default().into_iter().flat_map(|key| key.ids);
    Ok(entries
        .map(|entry| {
            let batch = match entry.get::<String>(STREAM_FIELD) {
                None => Err(StreamError::NoBatch(entry.id.clone())),
                Some(text) => {
                    serde_json::from_str(&text).map_err(|error| StreamError::Form { id: entry.id.clone(), error })
                }
            };
            (entry.id, batch)
        })
        .collect())
}
