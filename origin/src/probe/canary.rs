//! What the probe writes and reads: one row with a number that only grows.

use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use vitrine_shared::event::Change;
use vitrine_shared::tag::Tag;

use crate::modules::WriteError;
use crate::outbox::Outbox;
use crate::workflows::{Done, Work};

/// Where it is read; outside of all that Medusa names.
pub const PATH: &str = "/vitrine/probe/canary";
/// The set that it is all of, as tags and events name it.
const SET: &str = "probe";

/// As it is told over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// The number.
    pub version: i64,
}

/// The tag of whatever shows it.
pub fn tag() -> Tag {
    Tag::all(SET)
}

/// The number now, by the primary.
pub async fn read(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("SELECT version FROM probe_canary").fetch_one(pool).await
}

/// Raises the number, and tells of it as every workflow tells of its changes.
pub async fn bump(outbox: &Outbox) -> Result<Done<i64>, WriteError> {
    let mut work = Work::begin(outbox).await?;
    let version = sqlx::query_scalar!("UPDATE probe_canary SET version = version + 1 RETURNING version")
        .fetch_one(work.conn())
        .await?;
    work.emit("probe.bumped", Change::Set { name: SET.to_owned() }).await?;
    work.commit(version).await
}
