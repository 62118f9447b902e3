//! From a thing of the shop to its transactions, epochs and nodes: what the origin's `GET /v1/trail` and an edge's `/trail` answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::unix_millis;
use crate::epoch::Epoch;
use crate::feed::Mode;
use crate::ledger::Trail;
use crate::outcome::{Ago, Fate};

/// Tags of one event that are told.
pub const MAX_TAGS: usize = 32;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventTrail {
    /// Through how many of the newest events was looked; absent where one was asked for by its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_through: Option<u32>,
    /// The events, the newest first.
    pub events: Vec<Happened>,
}

/// An event: a row of the outbox, with what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happened {
    /// The row.
    pub ticket: i64,
    /// The event's name, such as `product.updated`.
    pub event: String,
    /// The transaction that wrote it, as `pg_current_xact_id()` names it; absent for rows of before that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xid: Option<String>,
    /// When it was written, shortly before its commit, or when it was due; Unix milliseconds by Postgres's clock.
    pub at_ms: u64,
    /// Its epoch; absent while it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// How it acts.
    pub mode: Mode,
    /// What it purges, the first [`MAX_TAGS`] of them; nothing while that is not worked out.
    #[serde(default)]
    pub tags: Vec<String>,
    /// How many tags there are.
    pub tags_total: usize,
    /// Whether it purges everything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everything: bool,
    /// What became of its epoch, node by node; absent where nobody leads who would know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trail: Option<Trail>,
    /// What became of it at the edge that was asked; newer than what that has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub here: Option<Fate>,
}

// === impl EventTrail ===

impl fmt::Display for EventTrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.events.is_empty() {
            return match self.looked_through {
                Some(rows) => writeln!(f, "None of the newest {rows} events is about it."),
                None => writeln!(f, "There is no such event, or it is too old to be kept."),
            };
        }
        self.events.iter().try_for_each(|event| write!(f, "{event}"))
    }
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = unix_millis().saturating_sub(self.at_ms);
        let xid = self.xid.as_deref().unwrap_or("unknown");
        writeln!(f, "{} (ticket {}, transaction {xid}), {} ago", self.event, self.ticket, Ago(before))?;
        let purges = if self.everything { "everything".to_owned() } else { self.tags.join(" ") };
        let more = self.tags_total.saturating_sub(self.tags.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        writeln!(f, "  purges {purges}{more}")?;
        match (self.epoch, &self.trail) {
            (None, _) => writeln!(f, "  not numbered yet")?,
            (Some(epoch), None) => writeln!(f, "  epoch {epoch}; nobody who leads could be asked for its nodes")?,
            (Some(epoch), Some(trail)) => {
                let acknowledged = match (trail.acknowledged, trail.acknowledged_before_ms) {
                    (true, Some(before)) => format!("acknowledged {} ago", Ago(before)),
                    (true, None) => "acknowledged".to_owned(),
                    (false, _) => "not acknowledged".to_owned(),
                };
                writeln!(f, "  epoch {epoch}, {acknowledged}")?;
                for node in &trail.nodes {
                    let lease = if node.may_serve { "" } else { "without a lease, " };
                    match &node.fate {
                        Some(fate) => writeln!(f, "  {}: {lease}{fate}", node.name)?,
                        None if node.applied => writeln!(f, "  {}: {lease}applied", node.name)?,
                        None => writeln!(f, "  {}: {lease}not applied", node.name)?,
                    }
                }
            }
        }
        if let Some(fate) = &self.here {
            writeln!(f, "  here: {fate}")?;
        }
        Ok(())
    }
}
