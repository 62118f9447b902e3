//! Gives committed rows their numbers.

use sqlx::{Connection as _, PgConnection};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::MAX_BATCH;

use crate::outbox::epoch;

/// What one round of numbering did.
#[derive(Debug, Clone)]
pub struct Numbered {
    /// The newest epoch after it.
    pub newest: Epoch,
    /// How many rows were numbered.
    pub rows: usize,
    /// Seconds from each row's insertion to its number.
    pub waited: Vec<f64>,
}

/// Numbers at most [`MAX_BATCH`] committed rows that have no number, gap-free, and commits durably.
///
/// Rows are found by having no number, never by an id cursor: ids do not commit in order. The position's row lock
/// makes the numbers gap-free even if two relays ran at once.
pub async fn number(connection: &mut PgConnection) -> Result<Option<Numbered>, sqlx::Error> {
    let some = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM outbox WHERE seq IS NULL) AS "some!""#)
        .fetch_one(&mut *connection)
        .await?;
    if !some {
        return Ok(None);
    }
    let limit = i64::try_from(MAX_BATCH).unwrap_or(i64::MAX);
    let mut tx = connection.begin().await?;
    sqlx::query!("SET LOCAL synchronous_commit = on").execute(&mut *tx).await?;
    let at = sqlx::query!("SELECT term, seq FROM feed_position FOR UPDATE").fetch_one(&mut *tx).await?;
    let waited = sqlx::query_scalar!(
        r#"UPDATE outbox SET term = $1, seq = $2 + taken.n
           FROM (
               SELECT id, row_number() OVER (ORDER BY id) AS n
               FROM (SELECT id FROM outbox WHERE seq IS NULL ORDER BY id LIMIT $3 FOR UPDATE) AS unnumbered
           ) AS taken
           WHERE outbox.id = taken.id
           RETURNING extract(epoch FROM clock_timestamp() - outbox.created_at)::float8 AS "waited!""#,
        at.term,
        at.seq,
        limit
    )
    .fetch_all(&mut *tx)
    .await?;
    let newest_seq = at.seq + i64::try_from(waited.len()).unwrap_or(0);
    sqlx::query!("UPDATE feed_position SET seq = $1", newest_seq).execute(&mut *tx).await?;
    let newest = epoch(at.term, newest_seq);
    sqlx::query!("SELECT pg_notify('vitrine_numbered', $1)", newest.to_string()).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Some(Numbered { newest, rows: waited.len(), waited }))
}
