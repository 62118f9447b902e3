//! What became of an epoch: for whoever waits for it, and for whoever asks later.

use serde::{Deserialize, Serialize};

use super::book::Ledger;
use crate::clock::{BootTime, millis};
use crate::epoch::Epoch;
use crate::feed::MemberKind;
use crate::outcome::Fate;

/// How an epoch was acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Members that have applied it.
    pub members: usize,
    /// Names of members that had not applied it when their leases ran out: it was waited for them until then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lapsed: Vec<String>,
}

/// One for whom an acknowledgement waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The epoch up to which it has applied every purge, as far as is known.
    pub applied: Epoch,
    /// After how many milliseconds without a word from it nobody waits for it any more.
    pub at_most_ms: u64,
}

/// What became of an epoch. Times are milliseconds before now, by the sequencer's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// Which epoch.
    pub epoch: Epoch,
    /// When it was numbered; absent where that was forgotten, or before this leader's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbered_before_ms: Option<u64>,
    /// Whether it is acknowledged.
    pub acknowledged: bool,
    /// When that was decided; absent where it was not, or that was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_before_ms: Option<u64>,
    /// Each member.
    pub nodes: Vec<NodeStep>,
    /// For how many milliseconds more nothing at all is acknowledged, since members of an earlier leader or term may hold leases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_for_ms: Option<u64>,
}

/// Where a member stands by an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStep {
    /// The member's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: MemberKind,
    /// Whether it has applied the epoch.
    pub applied: bool,
    /// When its word of that came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_before_ms: Option<u64>,
    /// Whether it may serve from its cache without asking.
    pub may_serve: bool,
    /// What it told of the epoch itself; absent where it told nothing yet, or that was forgotten. Origin processes tell nothing.
    #[serde(flatten)]
    pub fate: Option<Fate>,
}

// === impl Ledger ===

impl Ledger {
    /// How an epoch came to be acknowledged, looked at soon after.
    pub fn how(&self, now: BootTime, epoch: Epoch) -> Acknowledged {
        let numbered = self.numbered.reached(epoch);
        let mut how = Acknowledged::default();
        for member in self.members.values() {
            if member.applied >= epoch {
                how.members += 1;
            } else if !member.may_serve(now) && numbered.is_some_and(|at| at < member.may_hold_until) {
                how.lapsed.push(member.name.clone());
            }
        }
        how
    }

    /// Who has not applied an epoch and may serve without asking.
    pub fn waiting_for(&self, now: BootTime, epoch: Epoch) -> Vec<Waiting> {
        let behind = self.members.iter().filter(|(_, member)| member.applied < epoch && member.may_serve(now));
        behind
            .map(|(id, member)| Waiting {
                name: member.name.clone(),
                id: id.clone(),
                applied: member.applied,
                at_most_ms: millis(member.may_hold_until.since(now)),
            })
            .collect()
    }

    /// What became of an epoch.
    pub fn trail(&self, now: BootTime, epoch: Epoch) -> Trail {
        let ago = |at: BootTime| millis(now.since(at));
        let nodes = self.members.iter().map(|(id, member)| NodeStep {
            id: id.clone(),
            name: member.name.clone(),
            kind: member.kind,
            applied: member.applied >= epoch,
            reported_before_ms: member.steps.reached(epoch).map(ago),
            may_serve: member.may_serve(now),
            fate: member.outcomes.of(now, epoch),
        });
        Trail {
            epoch,
            numbered_before_ms: self.numbered.reached(epoch).map(ago),
            acknowledged: self.acknowledged() >= epoch,
            acknowledged_before_ms: self.acks.reached(epoch).map(ago),
            nodes: nodes.collect(),
            quiet_for_ms: (now < self.quiet_until).then(|| millis(self.quiet_until.since(now))),
        }
    }
}
