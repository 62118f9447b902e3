//! Forgets history that nobody will ask for.

use sqlx::{Connection as _, PgConnection};

use crate::config::Feed;

/// Rows deleted in one transaction.
pub(super) const CHUNK: u64 = 5_000;

/// Deletes numbered rows that are older than the configuration keeps, and moves `history_after` in the same transaction.
///
/// Returns how many rows went; call again while that is not 0.
pub async fn prune(connection: &mut PgConnection, config: &Feed) -> Result<u64, sqlx::Error> {
    let hours = i32::try_from(config.history_hours).unwrap_or(i32::MAX);
    let mut tx = connection.begin().await?;
    let at = sqlx::query!("SELECT seq FROM feed_position FOR UPDATE").fetch_one(&mut *tx).await?;
    let deleted = sqlx::query_scalar!(
        r#"WITH oldest AS (
               SELECT id, seq, created_at FROM outbox WHERE seq <= $1 ORDER BY seq LIMIT $2
           ), kept AS (
               SELECT min(seq) AS first FROM oldest WHERE created_at >= now() - make_interval(hours => $3)
           )
           DELETE FROM outbox USING oldest, kept
           WHERE outbox.id = oldest.id AND (kept.first IS NULL OR oldest.seq < kept.first)
           RETURNING outbox.seq AS "seq!""#,
        at.seq - i64::from(config.history_rows),
        i64::try_from(CHUNK).unwrap_or(i64::MAX),
        hours
    )
    .fetch_all(&mut *tx)
    .await?;
    if let Some(&last) = deleted.iter().max() {
        sqlx::query!("UPDATE feed_position SET history_after = greatest(history_after, $1)", last)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(deleted.len() as u64)
}
