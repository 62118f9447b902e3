//! Who may serve from cache without asking, and what is acknowledged: the books that the leading sequencer keeps (invalidation
//! protocol, rules 9 and 10). Pure: it is told the time and what happened, and decides.
//!
//! One process leads at a time: the origin whose relay holds the advisory lock in Postgres, or the proxy that is named the sequencer.
//! It holds all leases in memory and measures them by its own `CLOCK_BOOTTIME`; no wall clock decides anything. What makes that safe
//! across leaders:
//! - It grants leases only for [`Terms::proof`] after it last *proved* that it leads (an answer on the very session that holds the
//!   lock). So a leader that was replaced without knowing grants none that ends later than [`Terms::handover`] after its successor began.
//! - It acknowledges only epochs that it numbered, or read, on that session. A successor's leases go to members that had applied those.
//! - A new leader treats every member that an earlier one may have given a lease as holding one for [`Terms::handover`], unless it
//!   has reported meanwhile. Where it cannot know who they are (a new term: Postgres was promoted or restored), it acknowledges
//!   nothing for as long.

mod book;
mod marks;
mod member;
mod outcomes;
mod trail;

#[cfg(test)]
mod tests;

pub use book::{Earlier, Ledger, Refusal, Reply};
pub use member::MemberView;
pub use trail::{Acknowledged, NodeStep, Trail, Waiting};

use std::time::Duration;

/// How long things last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long a member may serve after sending a report that was answered with a lease.
    pub lease: Duration,
    /// How far clocks of two machines may differ over one lease.
    pub drift: Duration,
    /// How long after a proof of leading leases are granted.
    pub proof: Duration,
}

// === impl Terms ===

impl Terms {
    /// Terms in which a leader must prove itself twice a lease.
    pub fn of(lease: Duration, drift: Duration) -> Self {
        Self { lease, drift, proof: lease / 2 }
    }

    /// How long after its grant a lease may still be believed by its holder.
    pub fn gone_after(self) -> Duration {
        self.lease + self.drift
    }

    /// How long after a leader was replaced a lease that it granted may still be believed by its holder.
    pub fn handover(self) -> Duration {
        self.gone_after() + self.proof
    }
}
