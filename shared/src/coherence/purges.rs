//! The purges of one clock: for each purged tag the positions of its last hard and soft purge, and the floors.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};

use super::{Held, Verdict};
use crate::feed::Mode;
use crate::tag::TagHash;

/// For each purged tag when it was last purged, by one clock; bounded.
///
/// `P` is a position on that clock; its default is before every purge.
#[derive(Debug)]
pub(super) struct Purges<P> {
    /// Content stamped below it is gone, whatever its tags.
    floor: P,
    /// Content stamped below it is softly purged, whatever its tags.
    soft_floor: P,
    tags: HashMap<TagHash, Last<P>>,
    /// Entries in the order of their last purge; one whose position is no longer the tag's is skipped when it is evicted.
    order: VecDeque<(P, TagHash)>,
    capacity: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last<P> {
    hard: P,
    soft: P,
}

/// The newest purge that reaches content, by one clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reach<P> {
    /// What it does to the content.
    pub(super) verdict: Verdict,
    /// Where on the clock it stands.
    pub(super) at: P,
    /// The tag that it reached; `None` where a floor did.
    pub(super) tag: Option<TagHash>,
}

// === impl Purges ===

impl<P: Copy + Ord + Default> Purges<P> {
    /// Nothing is purged above `floor`. `capacity` is the number of tags held.
    pub(super) fn above(floor: P, capacity: usize) -> Self {
        Self {
            floor,
            soft_floor: P::default(),
            tags: HashMap::new(),
            order: VecDeque::new(),
            capacity: capacity.max(1),
        }
    }

    pub(super) fn floor(&self) -> P {
        self.floor
    }

    /// The hard and the soft one.
    pub(super) fn floors(&self) -> (P, P) {
        (self.floor, self.soft_floor)
    }

    pub(super) fn len(&self) -> usize {
        self.tags.len()
    }

    /// Forgets all tags; everything stamped below `floor` is gone instead.
    pub(super) fn restart(&mut self, floor: P) {
        *self = Self::above(floor, self.capacity);
    }

    /// As it was when it was [held](Purges::held).
    pub(super) fn of(held: Held<P>, capacity: usize) -> Self {
        let mut purges = Self { soft_floor: held.soft_floor, ..Self::above(held.floor, capacity) };
        let mut tags = held.tags;
        tags.sort_unstable_by_key(|(_, hard, soft)| (*hard).max(*soft));
        for (tag, hard, soft) in tags {
            // The later of the two comes last, so that the tag is forgotten by it.
            let (first, last) = if hard <= soft { (Mode::Hard, Mode::Soft) } else { (Mode::Soft, Mode::Hard) };
            for mode in [first, last] {
                let at = if mode == Mode::Hard { hard } else { soft };
                if at > P::default() {
                    purges.purge(tag, at, mode);
                }
            }
        }
        purges
    }

    /// As plain data.
    pub(super) fn held(&self) -> Held<P> {
        let tags = self.tags.iter().map(|(tag, last)| (*tag, last.hard, last.soft)).collect();
        Held { floor: self.floor, soft_floor: self.soft_floor, tags }
    }

    /// Purges a tag. A position below an earlier one of the tag changes nothing.
    ///
    /// Past the capacity the tag that was purged longest ago is forgotten, and the floors rise to its purges (rule 13).
    pub(super) fn purge(&mut self, tag: TagHash, at: P, mode: Mode) {
        let last = self.tags.entry(tag).or_default();
        match mode {
            Mode::Hard => last.hard = last.hard.max(at),
            Mode::Soft => last.soft = last.soft.max(at),
        }
        self.order.push_back((at, tag));
        while self.tags.len() > self.capacity || self.order.len() > self.capacity * 2 {
            self.forget_oldest();
        }
    }

    /// Purges everything, by raising a floor.
    pub(super) fn purge_all(&mut self, at: P, mode: Mode) {
        match mode {
            Mode::Hard => self.floor = self.floor.max(at),
            Mode::Soft => self.soft_floor = self.soft_floor.max(at),
        }
    }

    /// May content with this stamp and these tags be served? (Rule 4.)
    pub(super) fn verdict(&self, stamp: P, tags: impl IntoIterator<Item: Borrow<TagHash>>) -> Verdict {
        if stamp < self.floor {
            return Verdict::Purged;
        }
        let mut verdict = if stamp < self.soft_floor { Verdict::SoftPurged } else { Verdict::Servable };
        if self.tags.is_empty() {
            return verdict;
        }
        for last in tags.into_iter().filter_map(|tag| self.tags.get(tag.borrow())) {
            if stamp < last.hard {
                return Verdict::Purged;
            }
            if stamp < last.soft {
                verdict = Verdict::SoftPurged;
            }
        }
        verdict
    }

    /// Of the purges that reach this content hardest, the newest.
    pub(super) fn reach(&self, stamp: P, tags: &[TagHash]) -> Option<Reach<P>> {
        let floors = [(Verdict::Purged, self.floor, None), (Verdict::SoftPurged, self.soft_floor, None)];
        let of_tags =
            tags.iter().filter_map(|tag| self.tags.get(tag).map(|last| (tag, last))).flat_map(|(tag, last)| {
                [(Verdict::Purged, last.hard, Some(*tag)), (Verdict::SoftPurged, last.soft, Some(*tag))]
            });
        let reaches = floors.into_iter().chain(of_tags).filter(|(_, at, _)| stamp < *at);
        reaches.map(|(verdict, at, tag)| Reach { verdict, at, tag }).max()
    }

    fn forget_oldest(&mut self) {
        let Some((at, tag)) = self.order.pop_front() else {
            return;
        };
        let Some(last) = self.tags.get(&tag).copied() else {
            return;
        };
        if last.hard.max(last.soft) == at {
            self.tags.remove(&tag);
            self.floor = self.floor.max(last.hard);
            self.soft_floor = self.soft_floor.max(last.soft);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    struct Done {
        tags: Vec<u64>,
        all: bool,
        mode: Mode,
    }

    fn done() -> impl Strategy<Value = Done> {
        (proptest::collection::vec(0u64..8, 0..4), proptest::bool::weighted(0.05), any::<bool>())
            .prop_map(|(tags, all, soft)| Done { tags, all, mode: if soft { Mode::Soft } else { Mode::Hard } })
    }

    fn purges(history: &[Done], capacity: usize) -> Purges<u64> {
        let mut purges = Purges::above(0, capacity);
        for (done, at) in history.iter().zip(1..) {
            for &tag in &done.tags {
                purges.purge(TagHash(tag), at, done.mode);
            }
            if done.all {
                purges.purge_all(at, done.mode);
            }
        }
        purges
    }

    /// What an unbounded history says.
    fn naive(history: &[Done], stamp: u64, tags: &[u64]) -> Verdict {
        let reached = |done: &&Done| done.all || done.tags.iter().any(|tag| tags.contains(tag));
        let later = history.iter().zip(1..).filter(|(_, at)| stamp < *at).map(|(done, _)| done);
        let verdicts = later.filter(reached).map(|done| match done.mode {
            Mode::Hard => Verdict::Purged,
            Mode::Soft => Verdict::SoftPurged,
        });
        verdicts.max().unwrap_or(Verdict::Servable)
    }

    proptest! {
        /// With room for all tags a verdict is exact; with less it is never milder.
        #[test]
        fn it_agrees_with_an_unbounded_history(
            history in proptest::collection::vec(done(), 1..40),
            capacity in 1usize..12,
            stamp in 0u64..40,
            tags in proptest::collection::vec(0u64..8, 0..4),
        ) {
            let hashes: Vec<TagHash> = tags.iter().copied().map(TagHash).collect();
            let expected = naive(&history, stamp, &tags);
            let roomy = purges(&history, 1_000);
            prop_assert_eq!(roomy.verdict(stamp, &hashes), expected);
            let bounded = purges(&history, capacity);
            prop_assert!(bounded.len() <= capacity);
            prop_assert!(bounded.verdict(stamp, &hashes) >= expected);
            let roomy_again = Purges::of(roomy.held(), 1_000);
            prop_assert_eq!(roomy_again.verdict(stamp, &hashes), expected);
            let bounded_again = Purges::of(bounded.held(), capacity);
            prop_assert_eq!(bounded_again.verdict(stamp, &hashes), bounded.verdict(stamp, &hashes));
            let smaller = Purges::of(roomy.held(), capacity);
            prop_assert!(smaller.len() <= capacity && smaller.verdict(stamp, &hashes) >= expected);
            for table in [roomy, bounded] {
                let reach = table.reach(stamp, &hashes);
                prop_assert_eq!(reach.map_or(Verdict::Servable, |reach| reach.verdict), table.verdict(stamp, &hashes));
                prop_assert!(reach.is_none_or(|reach| reach.at > stamp));
            }
        }
    }

    #[test]
    fn the_newest_of_the_hardest_purges_is_named() {
        let (a, b) = (TagHash(1), TagHash(2));
        let mut purges = Purges::above(0, 10);
        purges.purge(a, 1, Mode::Hard);
        purges.purge(b, 2, Mode::Hard);
        purges.purge(a, 3, Mode::Soft);
        let reach = |stamp, tags: &[TagHash]| purges.reach(stamp, tags).map(|reach| (reach.at, reach.tag));
        assert_eq!(reach(0, &[a, b]), Some((2, Some(b))));
        assert_eq!(reach(0, &[a]), Some((1, Some(a))));
        assert_eq!(reach(1, &[a]), Some((3, Some(a))));
        assert_eq!(reach(3, &[a, b]), None);
    }
}
