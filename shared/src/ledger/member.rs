//! One member in the books.

use serde::{Deserialize, Serialize};

use super::marks::Marks;
use super::outcomes::Outcomes;
use crate::clock::BootTime;
use crate::epoch::Epoch;
use crate::feed::MemberKind;

/// Steps of a member that are remembered for the trail.
const STEPS: usize = 512;

/// One member in the books.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) kind: MemberKind,
    /// The epoch up to which it has applied every purge, by its own word.
    pub(super) applied: Epoch,
    /// Until when it may hold a lease, by this ledger's clock, drift included.
    pub(super) may_hold_until: BootTime,
    /// Whether the lease that it may hold was granted here; else it is as new.
    pub(super) granted: bool,
    /// When it was last heard.
    pub(super) heard: BootTime,
    pub(super) steps: Marks,
    pub(super) outcomes: Outcomes,
}

/// A member as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Its id: one a process start.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What kind of process it is.
    pub kind: MemberKind,
    /// The epoch up to which it has applied every purge.
    pub applied: Epoch,
    /// Whether it may serve from its cache without asking; acknowledgements wait for it.
    pub may_serve: bool,
    /// For how much longer, in milliseconds, clock drift included.
    pub may_serve_for_ms: u64,
    /// How long ago it was last heard, in milliseconds.
    pub heard_before_ms: u64,
}

// === impl Member ===

impl Member {
    /// One of which only its existence is known: it has applied nothing and holds no lease.
    pub(super) fn unknown(name: String, kind: MemberKind, now: BootTime) -> Self {
        Self {
            name,
            kind,
            applied: Epoch::ZERO,
            may_hold_until: BootTime::at(std::time::Duration::ZERO),
            granted: false,
            heard: now,
            steps: Marks::new(STEPS),
            outcomes: Outcomes::default(),
        }
    }

    /// Whether it may serve without asking: then an acknowledgement waits for it.
    pub(super) fn may_serve(&self, now: BootTime) -> bool {
        now < self.may_hold_until
    }

    pub(super) fn view(&self, id: &str, now: BootTime) -> MemberView {
        let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        MemberView {
            id: id.to_owned(),
            name: self.name.clone(),
            kind: self.kind,
            applied: self.applied,
            may_serve: self.may_serve(now),
            may_serve_for_ms: millis(self.may_hold_until.since(now)),
            heard_before_ms: millis(now.since(self.heard)),
        }
    }
}
