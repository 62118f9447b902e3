//! The outbox: the one way for an event to exist, and the history that the feed is caught up from.

mod about;
mod commits;
mod history;
mod order;
mod receipt;
mod recent;

use serde::{Deserialize, Serialize};
use sqlx::{Postgres, Transaction};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::event::Event;

pub use about::{LOOK_BACK, about, of_epoch, of_ticket};
pub use commits::Outbox;
pub use history::{FeedPosition, Row, page, position, purges_after};
pub(crate) use history::{first_batch, purge};
pub use order::{OrderingError, order};
pub use receipt::Receipt;
pub use recent::{NumberedRow, Recent};

/// An outbox row: a write's event, not yet numbered. It resolves to an epoch once the relay has numbered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(i64);

// === impl Ticket ===

impl Ticket {
    /// The ticket of a row.
    pub(crate) fn of(id: i64) -> Self {
        Self(id)
    }
}

/// Begins a transaction whose writer adds the events of all that it changes: triggers of the tables then add none.
///
/// Whatever else changes the tables, SQL by hand above all, is told by these triggers (`migrations/0011`).
pub const BEGIN: &str = "BEGIN; SET LOCAL vitrine.tells_itself = on";

/// Adds an event to the transaction that made the change, so that neither exists without the other.
///
/// It purges what [`vitrine_shared::event::Change::tags`] says. Nothing else in the program inserts into the outbox but [`order`]; the
/// triggers of the tables do.
pub async fn write(tx: &mut Transaction<'_, Postgres>, event: &Event) -> Result<Ticket, sqlx::Error> {
    let tags: Vec<String> = event.change.tags().into_iter().map(String::from).collect();
    let json = serde_json::to_value(event).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let row = sqlx::query!(
        "INSERT INTO outbox (name, event, tags) VALUES ($1, $2, $3) RETURNING id",
        event.name,
        json,
        &tags
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(Ticket(row.id))
}

/// Wakes the relay of another process, after the commit of whoever began with [`BEGIN`].
///
/// It is no part of that transaction: a notification is sent under one lock for all of Postgres, held until the commit is on the
/// disk and the standby, so that writers would commit one after the other. It gets lost where it fails; the relay polls too.
pub async fn hint(pool: &sqlx::PgPool) -> Result<(), sqlx::Error> {
    // A notification has a commit of its own, which nobody needs on the disk.
    sqlx::query!("SELECT set_config('synchronous_commit', 'off', true), pg_notify('vitrine_outbox', '')")
        .fetch_one(pool)
        .await?;
    Ok(())
}

/// The newest epoch of a write's events, or `None` while one of them is not numbered yet.
///
/// Rows that were pruned had numbers, which only the position still bounds. An empty receipt resolves to the position.
pub async fn resolve(pool: &sqlx::PgPool, receipt: &Receipt) -> Result<Option<Epoch>, sqlx::Error> {
    let ids: Vec<i64> = receipt.tickets().iter().map(|ticket| ticket.0).collect();
    let rows = sqlx::query!("SELECT term, seq FROM outbox WHERE id = ANY($1)", &ids).fetch_all(pool).await?;
    let some_are_gone = rows.len() < ids.len();
    let mut newest = Epoch::ZERO;
    for row in rows {
        let (Some(term), Some(seq)) = (row.term, row.seq) else {
            return Ok(None);
        };
        newest = newest.max(epoch(term, seq));
    }
    if some_are_gone || ids.is_empty() {
        newest = newest.max(position(pool).await?.newest);
    }
    Ok(Some(newest))
}

/// The events of all committed writes that are not numbered yet, but for those whose time has not come.
pub async fn unnumbered(pool: &sqlx::PgPool) -> Result<Receipt, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM outbox WHERE seq IS NULL AND due_at IS NULL
           UNION ALL SELECT id FROM outbox WHERE seq IS NULL AND due_at <= clock_timestamp()"#
    )
    .fetch_all(pool)
    .await?;
    let mut receipt = Receipt::default();
    for id in ids {
        receipt.add(Ticket(id));
    }
    Ok(receipt)
}

/// An epoch from its columns; they are never negative.
pub fn epoch(term: i32, seq: i64) -> Epoch {
    Epoch::new(u32::try_from(term).unwrap_or(0), u64::try_from(seq).unwrap_or(0))
}

/// The columns of an epoch: `(term, seq)`.
pub fn columns(epoch: Epoch) -> (i32, i64) {
    (i32::try_from(epoch.term).unwrap_or(i32::MAX), i64::try_from(epoch.seq).unwrap_or(i64::MAX))
}
