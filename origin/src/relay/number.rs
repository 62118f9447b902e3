//! Gives committed rows their numbers, and those that SQL wrote their tags.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::event::Event;
use vitrine_shared::feed::MAX_BATCH;

use crate::outbox::{NumberedRow, Ticket, epoch, purge};

/// About how many bytes of events without tags are read at once; Postgres may hold them compressed.
const MAX_EVENT_BYTES: i64 = 1 << 20;

/// What one round of numbering did.
#[derive(Debug, Clone)]
pub struct Round {
    /// Where numbering stands after it.
    pub newest: Epoch,
    /// What it numbered, in order.
    pub rows: Vec<NumberedRow>,
    /// When the next row is due that waits for its time; `None` where none does. It may have passed.
    pub next_due: Option<DateTime<Utc>>,
    /// Whether there may be more to number at once.
    pub more: bool,
}

/// What a row purges.
#[derive(Debug, PartialEq)]
enum Purges {
    /// What its writer said.
    AsWritten,
    /// The tags of its event.
    Tags(Vec<String>),
    /// Everything: its event cannot be read, so nobody knows.
    Everything,
}

/// Numbers at most [`MAX_BATCH`] committed rows that have no number and are due, gap-free, and commits durably.
///
/// One statement (`migrations/0024`), since commit to acknowledgement is mostly round trips. Rows are found by having no number,
/// never by an id cursor: ids do not commit in order. A row is due when this process's clock says so as well as Postgres's: what is
/// read again after the purge is worked out by that clock.
pub async fn number(connection: &mut PgConnection) -> Result<Round, sqlx::Error> {
    let now = Utc::now();
    let most = i32::try_from(MAX_BATCH).unwrap_or(i32::MAX);
    let found = sqlx::query!(
        r#"SELECT term AS "term!", newest AS "newest!", next_due, untold AS "untold!",
               id, seq, name, mode, tags, everything, waited
           FROM number_outbox($1, $2)"#,
        most,
        now
    )
    .fetch_all(&mut *connection)
    .await?;
    let first = found.first().ok_or(sqlx::Error::RowNotFound)?;
    let (newest, next_due, untold) = (epoch(first.term, first.newest), first.next_due, first.untold);
    // Rows that somebody holds are passed over, and must not end a backlog.
    let full = found.len() >= MAX_BATCH / 2;
    let mut rows: Vec<NumberedRow> = Vec::with_capacity(found.len());
    for row in found {
        let (Some(id), Some(seq)) = (row.id, row.seq) else { continue };
        let tags = row.tags.unwrap_or_default();
        let purge =
            purge(epoch(row.term, seq), row.name, tags, row.mode.as_deref(), row.everything.unwrap_or_default());
        rows.push(NumberedRow::new(Ticket::of(id), row.term, purge, row.waited));
    }
    rows.sort_unstable_by_key(|row| row.purge.seq);
    if rows.is_empty() && untold {
        let (newest, rows) = number_untold(connection, now).await?.unwrap_or((newest, Vec::new()));
        let more = !rows.is_empty();
        return Ok(Round { newest, rows, next_due, more });
    }
    Ok(Round { newest, rows, next_due, more: untold || full })
}

/// The same for rows that have no tags yet, and those after them: their events are read here.
async fn number_untold(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<Option<(Epoch, Vec<NumberedRow>)>, sqlx::Error> {
    let mut tx = connection.begin_with("BEGIN; SET LOCAL synchronous_commit = on").await?;
    let at = sqlx::query!("SELECT term, seq FROM feed_position FOR UPDATE").fetch_one(&mut *tx).await?;
    let ids = candidates(&mut tx, now).await?;
    // A row that somebody is taking back is passed over: it is gone soon, or there again.
    let rows = sqlx::query!(
        r#"SELECT id, name, CASE WHEN tags IS NULL THEN event END AS event FROM outbox
           WHERE id = ANY($1) AND seq IS NULL ORDER BY id FOR UPDATE SKIP LOCKED"#,
        &ids
    )
    .fetch_all(&mut *tx)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut newest_seq = at.seq;
    let mut numbers = Vec::with_capacity(rows.len());
    for row in rows {
        newest_seq += 1;
        let purges = row.event.map_or(Purges::AsWritten, |event| purges_of(&event));
        if purges == Purges::Everything {
            tracing::error!(id = row.id, name = row.name, "an outbox row's event cannot be read: everything is purged");
        }
        numbers.push(purges.numbered(row.id, newest_seq));
    }
    let taken = sqlx::query!(
        r#"WITH moved AS (UPDATE feed_position SET seq = $3)
           UPDATE outbox SET term = $1, seq = taken.seq, created_at = greatest(created_at, due_at),
               everything = outbox.everything OR taken.everything,
               tags = coalesce(outbox.tags, ARRAY(SELECT jsonb_array_elements_text(taken.tags)))
           FROM jsonb_to_recordset($2) AS taken (id bigint, seq bigint, everything boolean, tags jsonb)
           WHERE outbox.id = taken.id
           RETURNING outbox.id, outbox.seq AS "seq!", name, mode, outbox.tags AS "tags!", outbox.everything,
               extract(epoch FROM clock_timestamp() - outbox.created_at)::float8 AS waited"#,
        at.term,
        Value::Array(numbers),
        newest_seq
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let mut rows: Vec<NumberedRow> = Vec::with_capacity(taken.len());
    for row in taken {
        let purge = purge(epoch(at.term, row.seq), Some(row.name), row.tags, Some(&row.mode), row.everything);
        rows.push(NumberedRow::new(Ticket::of(row.id), at.term, purge, row.waited));
    }
    rows.sort_unstable_by_key(|row| row.purge.seq);
    Ok(Some((epoch(at.term, newest_seq), rows)))
}

/// Ids of the next rows to number: at most [`MAX_BATCH`], fewer where their events are large, but at least one.
async fn candidates(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<i64>, sqlx::Error> {
    let limit = i64::try_from(MAX_BATCH).unwrap_or(i64::MAX);
    sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM (
               SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM (
                   (SELECT id, CASE WHEN tags IS NULL THEN pg_column_size(event) ELSE 0 END AS size FROM outbox
                    WHERE seq IS NULL AND due_at IS NULL ORDER BY id LIMIT $1)
                   UNION ALL
                   (SELECT id, CASE WHEN tags IS NULL THEN pg_column_size(event) ELSE 0 END FROM outbox
                    WHERE seq IS NULL AND due_at <= least($2, clock_timestamp()) ORDER BY due_at LIMIT $1)
               ) AS found
           ) AS counted WHERE before < $3 ORDER BY id LIMIT $1"#,
        limit,
        now,
        MAX_EVENT_BYTES
    )
    .fetch_all(connection)
    .await
}

fn purges_of(event: &Value) -> Purges {
    match serde_json::from_value::<Event>(event.clone()) {
        Ok(event) => Purges::Tags(event.change.tags().into_iter().map(String::from).collect()),
        Err(_) => Purges::Everything,
    }
}

// === impl Purges ===

impl Purges {
    /// The row of the update that numbers it.
    fn numbered(self, id: i64, seq: i64) -> Value {
        let (tags, everything) = match self {
            Self::AsWritten => (Vec::new(), false),
            Self::Tags(tags) => (tags, false),
            Self::Everything => (Vec::new(), true),
        };
        json!({ "id": id, "seq": seq, "everything": everything, "tags": tags })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_cannot_be_read_purges_everything() {
        let known = json!({"name": "n", "change": {"entity": "set", "name": "stores"}});
        assert_eq!(purges_of(&known), Purges::Tags(vec!["all:stores".into()]));
        for unknown in [json!({}), json!("x"), json!({"name": "n", "change": {"entity": "of_later"}})] {
            assert_eq!(purges_of(&unknown), Purges::Everything);
        }
    }
}
