//! The purge feed between origin and members, version 1: what travels in the Redis Stream and over the feed endpoint.
//!
//! Stream: key [`STREAM_KEY`], entry id `term-last` (Redis refuses an id that does not grow, so re-sending is harmless), one
//! field [`STREAM_FIELD`] holding a [`Batch`] as JSON.
//!
//! Endpoint of the sequencer's internal port (our origin's, or the one of a proxy that numbers purges), bearer token on each request:
//! - `GET /v1/feed?after=TERM.SEQ&wait_ms=N` -> [`Page`]; it may hold the request open for `wait_ms` while there is nothing new.
//! - `PUT /v1/members/ID` with a [`Report`] -> [`Renewal`]; `DELETE /v1/members/ID` on a clean stop.
//! - `POST /v1/purges` with an [`Order`] -> [`Ordered`], once it is numbered durably; 422 where its key came with another order before.
//! - `GET /v1/acks/TERM.SEQ?wait_ms=N` -> [`crate::ack::AckAnswer`], `GET /v1/acks/TERM.SEQ/trail` -> [`crate::ledger::Trail`].

mod order;

pub use order::{MAX_KEY, MAX_ORDER, MAX_ORDER_TAGS, MAX_WHO, Order, OrderError, Ordered, is_key};

use serde::{Deserialize, Serialize};

use crate::epoch::Epoch;
use crate::outcome::Outcome;
use crate::tag::Tag;

/// The version of these messages. A reader refuses another one and keeps to the origin for all answers.
pub const VERSION: u32 = 1;
/// The Redis key of the stream.
pub const STREAM_KEY: &str = "vitrine:feed:1";
/// The field of a stream entry that holds the batch.
pub const STREAM_FIELD: &str = "batch";
/// Most purges in one batch.
pub const MAX_BATCH: usize = 1_000;

/// How a purge acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// What it reached must not be served again.
    #[default]
    Hard,
    /// What it reached may be served while it is refreshed.
    Soft,
}

/// One numbered purge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// Its number within the batch's term.
    pub seq: u64,
    /// How it acts.
    #[serde(default)]
    pub mode: Mode,
    /// What it reaches.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Whether it reaches every object, whatever its tags.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everything: bool,
    /// The event behind it, for the trail and `explain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
}

/// Consecutive purges of one term: `first..=last()`, each with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire")]
pub struct Batch {
    /// Version of the form.
    pub v: u32,
    /// The term of all of them.
    pub term: u32,
    /// The epoch before the first, so that a reader sees a gap.
    pub prev: Epoch,
    /// Number of the first.
    pub first: u64,
    /// The purges, gap-free and in order; at least one.
    pub purges: Vec<Purge>,
}

/// The batch is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Written by another version.
    #[error("feed version {0} is not understood here (this is version {VERSION}): upgrade the older side")]
    Version(u32),
    /// No purge, or too many.
    #[error("a batch holds 1 to {MAX_BATCH} purges, not {0}")]
    Size(usize),
    /// The numbers do not follow one another.
    #[error("purge {found} stands where {expected} was expected")]
    Numbers {
        /// The number that stands there.
        found: u64,
        /// The number that should.
        expected: u64,
    },
}

#[derive(Deserialize)]
struct Wire {
    v: u32,
    term: u32,
    prev: Epoch,
    first: u64,
    purges: Vec<Purge>,
}

/// What the feed endpoint answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Version of the form.
    pub v: u32,
    /// The newest numbered epoch.
    pub position: Epoch,
    /// Set where the history after the asked epoch is not held (or is of an earlier term): take this position and raise the floor to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_position: Option<Epoch>,
    /// What follows the asked epoch, oldest first; more may follow the last.
    #[serde(default)]
    pub batches: Vec<Batch>,
}

/// What kind of process a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// A proxy.
    Edge,
    /// An origin process (it holds a read cache).
    Origin,
}

/// A member's word on where it stands; it also asks for its lease to be renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Version of the form.
    pub v: u32,
    /// What it is.
    pub kind: MemberKind,
    /// Its name for people; the member id is new at every process start.
    pub name: String,
    /// The epoch up to which it has applied every purge.
    pub applied: Epoch,
    /// What became of some of its purges, for people: at most [`MAX_OUTCOMES`](crate::outcome::MAX_OUTCOMES), and in one report a second
    /// at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Outcome>,
}

/// The answer to a [`Report`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// Version of the form.
    pub v: u32,
    /// The newest numbered epoch, so that an idle member knows that it is current.
    pub position: Epoch,
    /// How long the lease lasts from the sending of the report, in milliseconds; absent where it was refused (catch up first).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ms: Option<u64>,
}

// === impl Report ===

impl Report {
    /// One that tells where its member stands, and nothing more.
    pub fn new(kind: MemberKind, name: String, applied: Epoch) -> Self {
        Self { v: VERSION, kind, name, applied, outcomes: Vec::new() }
    }
}

// === impl Batch ===

impl Batch {
    /// Consecutive purges that follow `prev`; their numbers go on from `prev.seq`.
    pub fn new(term: u32, prev: Epoch, purges: Vec<Purge>) -> Result<Self, BatchError> {
        Self::try_from(Wire { v: VERSION, term, prev, first: prev.seq + 1, purges })
    }

    /// The epoch of the last purge.
    pub fn last(&self) -> Epoch {
        Epoch::new(self.term, self.first + self.purges.len() as u64 - 1)
    }

    /// The id of its stream entry.
    pub fn stream_id(&self) -> String {
        let last = self.last();
        format!("{}-{}", last.term, last.seq)
    }
}

impl TryFrom<Wire> for Batch {
    type Error = BatchError;

    fn try_from(wire: Wire) -> Result<Self, BatchError> {
        if wire.v != VERSION {
            return Err(BatchError::Version(wire.v));
        }
        if wire.purges.is_empty() || wire.purges.len() > MAX_BATCH {
            return Err(BatchError::Size(wire.purges.len()));
        }
        for (index, purge) in wire.purges.iter().enumerate() {
            let expected = wire.first.wrapping_add(index as u64);
            if purge.seq != expected {
                return Err(BatchError::Numbers { found: purge.seq, expected });
            }
        }
        if wire.first.checked_add(wire.purges.len() as u64).is_none()
            || wire.prev.seq.checked_add(1) != Some(wire.first)
        {
            return Err(BatchError::Numbers { found: wire.first, expected: wire.prev.seq.saturating_add(1) });
        }
        Ok(Self { v: wire.v, term: wire.term, prev: wire.prev, first: wire.first, purges: wire.purges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &str = r#"{"v":1,"term":1,"prev":"1.41","first":42,"purges":[
        {"seq":42,"tags":["product:prod_1","products:any"],"event":"product.updated"},
        {"seq":43,"mode":"soft","tags":["collection:pcol_1"]}]}"#;

    #[test]
    fn the_wire_form_of_version_1_stays_readable() {
        let batch: Batch = serde_json::from_str(WIRE).unwrap();
        assert_eq!(batch.last(), Epoch::new(1, 43));
        assert_eq!(batch.stream_id(), "1-43");
        assert_eq!(batch.purges[1].mode, Mode::Soft);
        let again: Batch = serde_json::from_str(&serde_json::to_string(&batch).unwrap()).unwrap();
        assert_eq!(again, batch);
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        for (from, to) in [
            ("\"v\":1", "\"v\":2"),
            ("\"seq\":43", "\"seq\":44"),
            ("\"first\":42", "\"first\":41"),
            ("\"prev\":\"1.41\"", "\"prev\":\"1.40\""),
            ("product:prod_1", "product prod_1"),
        ] {
            let wrong = WIRE.replace(from, to);
            assert_ne!(wrong, WIRE);
            assert!(serde_json::from_str::<Batch>(&wrong).is_err(), "{wrong}");
        }
        let empty = r#"{"v":1,"term":1,"prev":"1.41","first":42,"purges":[]}"#;
        assert!(serde_json::from_str::<Batch>(empty).is_err());
    }
}
