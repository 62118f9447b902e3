//! Events by what they are about: for people who ask what became of a change.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::event_trail::{Happened, MAX_TAGS};
use vitrine_shared::feed::Mode;

use super::{columns, epoch};

/// Through how many of the newest rows is looked. There is no index for it: it would make every write dearer.
pub const LOOK_BACK: u32 = 10_000;

/// A row, as the queries give it.
struct Row {
    id: i64,
    name: String,
    xid: Option<String>,
    at: DateTime<Utc>,
    term: Option<i32>,
    seq: Option<i64>,
    mode: String,
    tags: Vec<String>,
    tags_total: i32,
    everything: bool,
}

/// The newest events, at most `limit`, that have this name or purge this tag, or in which this id stands.
pub async fn about(pool: &PgPool, what: &str, limit: u32) -> Result<Vec<Happened>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id!", name AS "name!", xid::text AS xid, coalesce(due_at, created_at) AS "at!", term, seq, mode AS "mode!",
                  coalesce(tags[:$4], '{}') AS "tags!", coalesce(cardinality(tags), 0) AS "tags_total!",
                  everything AS "everything!"
           FROM (SELECT * FROM outbox ORDER BY id DESC LIMIT $3) AS newest
           WHERE name = $1 OR $1 = ANY(tags)
              OR EXISTS (SELECT FROM unnest(tags) AS tag WHERE right(tag, length($1) + 1) = ':' || $1)
              OR jsonb_path_exists(event, '$.** ? (@ == $what)', jsonb_build_object('what', $1))
           ORDER BY id DESC LIMIT $2"#,
        what,
        i64::from(limit),
        i64::from(LOOK_BACK),
        told()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Row::happened).collect())
}

/// The event of an epoch, where that is still held.
pub async fn of_epoch(pool: &PgPool, at: Epoch) -> Result<Vec<Happened>, sqlx::Error> {
    let (term, seq) = columns(at);
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, name, xid::text AS xid, coalesce(due_at, created_at) AS "at!", term, seq, mode,
                  coalesce(tags[:$3], '{}') AS "tags!", coalesce(cardinality(tags), 0) AS "tags_total!", everything
           FROM outbox WHERE seq = $2 AND term = $1"#,
        term,
        seq,
        told()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Row::happened).collect())
}

/// The event of a ticket, where that is still held.
pub async fn of_ticket(pool: &PgPool, ticket: i64) -> Result<Vec<Happened>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, name, xid::text AS xid, coalesce(due_at, created_at) AS "at!", term, seq, mode,
                  coalesce(tags[:$2], '{}') AS "tags!", coalesce(cardinality(tags), 0) AS "tags_total!", everything
           FROM outbox WHERE id = $1"#,
        ticket,
        told()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Row::happened).collect())
}

fn told() -> i32 {
    i32::try_from(MAX_TAGS).unwrap_or(i32::MAX)
}

impl Row {
    fn happened(self) -> Happened {
        Happened {
            ticket: self.id,
            event: self.name,
            xid: self.xid,
            at_ms: u64::try_from(self.at.timestamp_millis()).unwrap_or(0),
            epoch: self.term.zip(self.seq).map(|(term, seq)| epoch(term, seq)),
            mode: if self.mode == "soft" { Mode::Soft } else { Mode::Hard },
            tags: self.tags,
            tags_total: usize::try_from(self.tags_total).unwrap_or(0),
            everything: self.everything,
            trail: None,
            here: None,
        }
    }
}
