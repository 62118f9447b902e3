//! Stamps: where a member stood, by both clocks, before it asked for content.

use crate::epoch::Epoch;

/// Up to which purges content is true: those of the origin's feed, and those made at this very member.
///
/// The two clocks are never compared with each other: an epoch is the origin's number, `local` counts in this process alone
/// and begins anew with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The epoch up to which every purge of the feed was applied.
    pub epoch: Epoch,
    /// The number of the last purge that was made here.
    pub local: u64,
}

// === impl Stamp ===

impl Stamp {
    /// Whether everything that had been purged at `other` had been purged at this one too.
    pub fn covers(self, other: Self) -> bool {
        self.epoch >= other.epoch && self.local >= other.local
    }

    /// Whether content with this stamp must not make way for content with the other: the feed's clock decides, and among
    /// equals this member's own.
    pub fn is_newer_than(self, other: Self) -> bool {
        (self.epoch, self.local) > (other.epoch, other.local)
    }

    /// Content that is true from a named epoch on only: it lowers the feed's part, since whoever names an epoch knows
    /// nothing of purges made here (rule 6).
    #[must_use]
    pub fn at_most(self, named: Epoch) -> Self {
        Self { epoch: self.epoch.min(named), ..self }
    }
}

/// The stamp of a cache in which nobody purges but the feed. To a local purge it is older than all of them.
impl From<Epoch> for Stamp {
    fn from(epoch: Epoch) -> Self {
        Self { epoch, local: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seq: u64, local: u64) -> Stamp {
        Stamp { epoch: Epoch::new(1, seq), local }
    }

    #[test]
    fn neither_clock_makes_up_for_the_other() {
        assert!(at(2, 2).covers(at(1, 2)) && at(2, 2).covers(at(2, 2)));
        assert!(!at(9, 1).covers(at(1, 2)) && !at(1, 9).covers(at(2, 1)));
        assert!(
            at(2, 0).is_newer_than(at(1, 9)) && at(1, 2).is_newer_than(at(1, 1)) && !at(1, 1).is_newer_than(at(1, 1))
        );
        assert_eq!(at(5, 3).at_most(Epoch::new(1, 2)), at(2, 3));
        assert_eq!(at(5, 3).at_most(Epoch::new(2, 0)), at(5, 3));
    }
}
