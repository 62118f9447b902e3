//! The tag table: what was purged by the origin's feed and at this member, and up to where the feed was applied.

use std::borrow::Borrow;

use super::purges::{Purges, Reach};
use super::{Numbered, Snapshot, Stamp, Verdict};
use crate::epoch::Epoch;
use crate::feed::{Batch, Mode, Purge};
use crate::tag::{Tag, TagHash};

/// A batch that cannot be applied where this member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Something between `applied` and the batch is missing: catch up from the origin's feed endpoint.
    #[error("gap: applied up to {applied}, the batch follows {prev}")]
    Gap {
        /// Where this member stands.
        applied: Epoch,
        /// Which epoch the batch follows.
        prev: Epoch,
    },
    /// The batch is of a later term: the history before it may be lost, so a position must be taken.
    #[error("new term {term}: applied up to {applied}")]
    NewTerm {
        /// Where this member stands.
        applied: Epoch,
        /// The later term.
        term: u32,
    },
}

/// What was purged, by both clocks; bounded.
#[derive(Debug)]
pub struct TagTable {
    applied: Epoch,
    feed: Purges<Epoch>,
    /// The number of the last local purge.
    local: u64,
    own: Purges<u64>,
}

/// The place of a purge on one of the two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    /// Of the origin's feed.
    Feed(Epoch),
    /// Made at this member.
    Local(u64),
}

/// A purge that reaches an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Which one.
    pub at: Position,
    /// What it does to the object.
    pub verdict: Verdict,
    /// The tag by which it reaches it; `None` where a floor does.
    pub tag: Option<TagHash>,
}

// === impl TagTable ===

impl TagTable {
    /// A table at `position` that trusts nothing older: every object stamped below it is gone.
    ///
    /// `capacity` is the number of tags held for each of the clocks; past it the oldest is forgotten and the floor raised to
    /// it (rule 13).
    pub fn at(position: Epoch, capacity: usize) -> Self {
        Self { applied: position, feed: Purges::above(position, capacity), local: 0, own: Purges::above(0, capacity) }
    }

    /// As it was when its snapshot was taken. Where fewer tags are held now, floors rise to those that are not (rule 13).
    pub fn restore(snapshot: Snapshot, capacity: usize) -> Self {
        let Snapshot { applied, local, feed, own } = snapshot;
        Self { applied, feed: Purges::of(feed, capacity), local, own: Purges::of(own, capacity) }
    }

    /// All that it knows, as plain data.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { applied: self.applied, local: self.local, feed: self.feed.held(), own: self.own.held() }
    }

    /// The epoch up to which every purge was applied, with no gap.
    pub fn applied(&self) -> Epoch {
        self.applied
    }

    /// Where this member stands, by both clocks.
    pub fn stamp(&self) -> Stamp {
        Stamp { epoch: self.applied, local: self.local }
    }

    /// Objects stamped below it are gone.
    pub fn floor(&self) -> Epoch {
        self.feed.floor()
    }

    /// All floors, hard and soft, of both clocks.
    pub(super) fn floors(&self) -> impl PartialEq + use<> {
        (self.feed.floors(), self.own.floors())
    }

    /// How many tags are held.
    pub fn len(&self) -> usize {
        self.feed.len() + self.own.len()
    }

    /// Whether no tag is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Applies a batch by its content: what was applied before is passed over, a gap is refused whole.
    ///
    /// Returns how many purges were new.
    pub fn apply(&mut self, batch: &Batch) -> Result<usize, ApplyError> {
        let purges = numbered(batch);
        self.apply_numbered(batch.prev, &purges)
    }

    /// As [`TagTable::apply`], for the purges that follow `prev`, each of them the next after the one before, of one term.
    pub fn apply_numbered(&mut self, prev: Epoch, purges: &[Numbered]) -> Result<usize, ApplyError> {
        let (Some(first), Some(last)) = (purges.first(), purges.last()) else {
            return Ok(0);
        };
        if last.epoch.term > self.applied.term {
            return Err(ApplyError::NewTerm { applied: self.applied, term: last.epoch.term });
        }
        if last.epoch <= self.applied {
            return Ok(0);
        }
        // They may overlap what was applied, but the first must not lie beyond the next.
        if first.epoch.seq > self.applied.seq + 1 {
            return Err(ApplyError::Gap { applied: self.applied, prev });
        }
        let mut new = 0;
        for purge in purges.iter().filter(|purge| purge.epoch > self.applied) {
            new += 1;
            for tag in &purge.tags {
                self.feed.purge(*tag, purge.epoch, purge.mode);
            }
            if purge.everything {
                self.feed.purge_all(purge.epoch, purge.mode);
            }
        }
        self.applied = last.epoch;
        Ok(new)
    }

    /// Takes a position without its history: the floor rises to it, so no older object is served (rules 3 and 10).
    ///
    /// A position at or below `applied` changes nothing. What was purged here stays purged: objects stamped at or above the
    /// new floor may be older than that by this member's own clock.
    pub fn take_position(&mut self, position: Epoch) {
        if position > self.applied {
            self.applied = position;
            self.feed.restart(position);
        }
    }

    /// Takes a position that is below `applied`: the sequencer has lost its history without a new term, and numbers that were
    /// applied will be given again. Everything stamped until now is gone, by this member's own clock, since epochs tell nothing
    /// any more; the number of that purge.
    pub fn start_over(&mut self, position: Epoch) -> u64 {
        self.applied = position;
        self.feed.restart(position);
        self.purge(&[], true, Mode::Hard)
    }

    /// A purge that was made at this member before, under the number that it had then.
    pub fn repeat(&mut self, at: u64, tags: &[TagHash], everything: bool, mode: Mode) {
        self.local = self.local.max(at);
        for tag in tags {
            self.own.purge(*tag, at, mode);
        }
        if everything {
            self.own.purge_all(at, mode);
        }
    }

    /// Lets this member's own clock go on from a number at least, so that nothing that it gave before is given again.
    pub fn go_on_from(&mut self, local: u64) {
        self.local = self.local.max(local);
    }

    /// A purge that is made at this member, and its number. All its tags are purged at once.
    pub fn purge(&mut self, tags: &[TagHash], everything: bool, mode: Mode) -> u64 {
        let at = self.tick();
        self.repeat(at, tags, everything, mode);
        at
    }

    /// The next number of this member's own clock, for an invalidation that is remembered elsewhere.
    pub fn tick(&mut self) -> u64 {
        self.local += 1;
        self.local
    }

    /// May an object with this stamp and these tags be served? (Rule 4.)
    pub fn verdict(&self, stamp: Stamp, tags: impl IntoIterator<Item: Borrow<TagHash>> + Copy) -> Verdict {
        self.feed.verdict(stamp.epoch, tags).max(self.own.verdict(stamp.local, tags))
    }

    /// Of the purges that reach an object hardest, the newest by each clock.
    pub fn reached(&self, stamp: Stamp, tags: &[TagHash]) -> Vec<Reached> {
        let feed = self.feed.reach(stamp.epoch, tags).map(|reach| reached(Position::Feed, reach));
        let own = self.own.reach(stamp.local, tags).map(|reach| reached(Position::Local, reach));
        let hardest = feed.iter().chain(&own).map(|reached| reached.verdict).max();
        feed.into_iter().chain(own).filter(|reached| Some(reached.verdict) == hardest).collect()
    }
}

/// The purges of a batch, by their hashes.
pub fn numbered(batch: &Batch) -> Vec<Numbered> {
    let of = |purge: &Purge| Numbered {
        epoch: Epoch::new(batch.term, purge.seq),
        mode: purge.mode,
        everything: purge.everything,
        tags: purge.tags.iter().map(Tag::hash).collect(),
    };
    batch.purges.iter().map(of).collect()
}

fn reached<P>(clock: fn(P) -> Position, reach: Reach<P>) -> Reached {
    Reached { at: clock(reach.at), verdict: reach.verdict, tag: reach.tag }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NO_TAGS: [TagHash; 0] = [];

    fn batch(term: u32, first: u64, purges: &[&[&str]]) -> Batch {
        let purges = purges
            .iter()
            .zip(first..)
            .map(|(tags, seq)| Purge {
                seq,
                mode: Mode::Hard,
                tags: tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect(),
                everything: false,
                event: None,
            })
            .collect();
        Batch::new(term, Epoch::new(term, first - 1), purges).unwrap()
    }

    fn hashes(tags: &[&str]) -> Vec<TagHash> {
        tags.iter().map(|tag| crate::tag::hash(tag.as_bytes())).collect()
    }

    #[test]
    fn an_object_is_servable_until_one_of_its_tags_is_purged_after_its_stamp() {
        let mut table = TagTable::at(Epoch::new(1, 0), 100);
        table.apply(&batch(1, 1, &[&["a"], &["b"]])).unwrap();
        let at = |seq, tags: &[&str]| table.verdict(Epoch::new(1, seq).into(), &hashes(tags));
        assert_eq!(at(0, &["c"]), Verdict::Servable);
        assert_eq!(at(0, &["c", "a"]), Verdict::Purged);
        assert_eq!(at(1, &["a"]), Verdict::Servable);
        assert_eq!(at(1, &["a", "b"]), Verdict::Purged);
        assert_eq!(at(2, &["a", "b"]), Verdict::Servable);
    }

    #[test]
    fn repeated_and_overlapping_batches_are_harmless_and_gaps_are_refused() {
        let mut table = TagTable::at(Epoch::new(1, 0), 100);
        assert_eq!(table.apply(&batch(1, 1, &[&["a"], &["b"]])), Ok(2));
        assert_eq!(table.apply(&batch(1, 1, &[&["a"], &["b"]])), Ok(0));
        assert_eq!(table.apply(&batch(1, 2, &[&["b"], &["c"]])), Ok(1));
        assert!(matches!(table.apply(&batch(1, 5, &[&["d"]])), Err(ApplyError::Gap { .. })));
        assert_eq!(table.applied(), Epoch::new(1, 3));
        assert_eq!(table.verdict(Epoch::new(1, 0).into(), &hashes(&["d"])), Verdict::Servable);
    }

    #[test]
    fn a_later_term_needs_a_position_and_that_raises_the_floor() {
        let mut table = TagTable::at(Epoch::new(1, 7), 100);
        assert!(matches!(table.apply(&batch(2, 8, &[&["a"]])), Err(ApplyError::NewTerm { term: 2, .. })));
        table.take_position(Epoch::new(2, 8));
        assert_eq!(table.verdict(Epoch::new(1, 7).into(), NO_TAGS), Verdict::Purged);
        assert_eq!(table.verdict(Epoch::new(2, 8).into(), NO_TAGS), Verdict::Servable);
        table.take_position(Epoch::new(1, 9));
        assert_eq!(table.applied(), Epoch::new(2, 8));
    }

    #[test]
    fn a_soft_purge_allows_stale_and_a_hard_one_does_not() {
        let mut soft = batch(1, 1, &[&["a"]]);
        soft.purges[0].mode = Mode::Soft;
        let mut table = TagTable::at(Epoch::new(1, 0), 100);
        table.apply(&soft).unwrap();
        assert_eq!(table.verdict(Epoch::new(1, 0).into(), &hashes(&["a"])), Verdict::SoftPurged);
        table.apply(&batch(1, 2, &[&["a"]])).unwrap();
        assert_eq!(table.verdict(Epoch::new(1, 1).into(), &hashes(&["a"])), Verdict::Purged);
    }

    #[test]
    fn purging_everything_raises_the_floor() {
        let mut all = batch(1, 1, &[&[]]);
        all.purges[0].everything = true;
        let mut table = TagTable::at(Epoch::new(1, 0), 100);
        table.apply(&all).unwrap();
        assert_eq!(table.verdict(Epoch::new(1, 0).into(), NO_TAGS), Verdict::Purged);
        assert_eq!(table.verdict(Epoch::new(1, 1).into(), NO_TAGS), Verdict::Servable);
    }

    #[test]
    fn a_soft_purge_of_everything_allows_stale() {
        let mut all = batch(1, 1, &[&[]]);
        all.purges[0].everything = true;
        all.purges[0].mode = Mode::Soft;
        let mut table = TagTable::at(Epoch::new(1, 0), 100);
        table.apply(&all).unwrap();
        assert_eq!(table.verdict(Epoch::new(1, 0).into(), NO_TAGS), Verdict::SoftPurged);
        assert_eq!(table.verdict(Epoch::new(1, 1).into(), NO_TAGS), Verdict::Servable);
    }

    #[test]
    fn local_purges_have_a_clock_of_their_own() {
        let mut table = TagTable::at(Epoch::new(1, 7), 100);
        let before = table.stamp();
        assert_eq!(table.purge(&hashes(&["a"]), false, Mode::Hard), 1);
        assert_eq!(table.stamp(), Stamp { epoch: Epoch::new(1, 7), local: 1 });
        assert_eq!(table.verdict(before, &hashes(&["a"])), Verdict::Purged);
        assert_eq!(table.verdict(before, &hashes(&["b"])), Verdict::Servable);
        assert_eq!(table.verdict(table.stamp(), &hashes(&["a"])), Verdict::Servable);
        // A later epoch does not make up for it, nor a later local number for a purge of the feed.
        table.apply(&batch(1, 8, &[&["c"]])).unwrap();
        assert_eq!(table.verdict(Stamp { epoch: table.applied(), local: 0 }, &hashes(&["a"])), Verdict::Purged);
        assert_eq!(table.verdict(Stamp { epoch: before.epoch, local: 1 }, &hashes(&["c"])), Verdict::Purged);
        assert_eq!(table.applied(), Epoch::new(1, 8));
    }

    #[test]
    fn a_position_forgets_nothing_of_what_was_purged_here() {
        let mut table = TagTable::at(Epoch::new(1, 0), 100);
        table.purge(&hashes(&["a"]), false, Mode::Hard);
        table.take_position(Epoch::new(2, 9));
        // Asked before the local purge, and answered with an epoch above the new floor.
        let overtaken = Stamp { epoch: Epoch::new(2, 9), local: 0 };
        assert_eq!(table.verdict(overtaken, &hashes(&["a"])), Verdict::Purged);
        assert_eq!(table.verdict(overtaken, &hashes(&["b"])), Verdict::Servable);
        table.purge(&[], true, Mode::Hard);
        assert_eq!(table.verdict(overtaken, &hashes(&["b"])), Verdict::Purged);
        assert_eq!(table.floor(), Epoch::new(2, 9));
    }

    #[test]
    fn a_history_that_begins_again_leaves_nothing() {
        let mut table = TagTable::at(Epoch::new(1, 500), 100);
        let before = table.stamp();
        assert_eq!(table.start_over(Epoch::new(1, 3)), 1);
        assert_eq!(table.verdict(before, NO_TAGS), Verdict::Purged);
        assert_eq!(table.verdict(table.stamp(), NO_TAGS), Verdict::Servable);
        // The numbers come again, and count.
        assert_eq!(table.apply(&batch(1, 4, &[&["a"]])), Ok(1));
        assert_eq!(table.verdict(Stamp { epoch: Epoch::new(1, 3), local: 1 }, &hashes(&["a"])), Verdict::Purged);
    }

    #[test]
    fn purges_are_repeated_in_any_order() {
        let mut table = TagTable::at(Epoch::ZERO, 100);
        table.repeat(7, &hashes(&["a"]), false, Mode::Hard);
        table.repeat(5, &hashes(&["a", "b"]), false, Mode::Hard);
        table.repeat(7, &hashes(&["a"]), false, Mode::Hard);
        let at = |local, tags: &[&str]| table.verdict(Stamp { epoch: Epoch::ZERO, local }, &hashes(tags));
        assert_eq!((at(6, &["a"]), at(7, &["a"])), (Verdict::Purged, Verdict::Servable));
        assert_eq!((at(4, &["b"]), at(5, &["b"])), (Verdict::Purged, Verdict::Servable));
        assert_eq!(table.stamp().local, 7);
    }

    #[test]
    fn what_reaches_an_object_is_told_by_clock() {
        let mut table = TagTable::at(Epoch::new(1, 0), 100);
        let stamp = table.stamp();
        table.apply(&batch(1, 1, &[&["a"]])).unwrap();
        table.purge(&hashes(&["b"]), false, Mode::Soft);
        let at =
            |tags: &[&str]| table.reached(stamp, &hashes(tags)).iter().map(|reached| reached.at).collect::<Vec<_>>();
        assert_eq!(at(&["a"]), [Position::Feed(Epoch::new(1, 1))]);
        assert_eq!(at(&["b"]), [Position::Local(1)]);
        assert_eq!(at(&["a", "b"]), [Position::Feed(Epoch::new(1, 1))]);
        assert_eq!(at(&["c"]), []);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Feed(u8, Mode),
        Local(u8, Mode),
        All(Mode),
        Position,
    }

    fn step() -> impl Strategy<Value = Step> {
        let mode = prop_oneof![Just(Mode::Hard), Just(Mode::Soft)];
        prop_oneof![
            6 => (0u8..6, mode.clone()).prop_map(|(tag, mode)| Step::Feed(tag, mode)),
            6 => (0u8..6, mode.clone()).prop_map(|(tag, mode)| Step::Local(tag, mode)),
            1 => mode.prop_map(Step::All),
            1 => Just(Step::Position),
        ]
    }

    fn take(table: &mut TagTable, step: &Step) {
        let applied = table.applied();
        match step {
            Step::Feed(tag, mode) => {
                let mut batch = batch(applied.term, applied.seq + 1, &[&[&format!("t{tag}")]]);
                batch.purges[0].mode = *mode;
                table.apply(&batch).unwrap();
            }
            Step::Local(tag, mode) => {
                table.purge(&hashes(&[&format!("t{tag}")]), false, *mode);
            }
            Step::All(mode) => {
                table.purge(&[], true, *mode);
            }
            Step::Position => table.take_position(Epoch::new(applied.term, applied.seq + 3)),
        }
    }

    proptest! {
        /// Whatever was stamped at some moment is reached by what was purged after it, by either clock, and by nothing else.
        #[test]
        fn both_clocks_agree_with_a_history(
            steps in proptest::collection::vec(step(), 1..40),
            capacity in 1usize..6,
            tags in proptest::collection::vec(0u8..6, 0..4),
        ) {
            let names: Vec<TagHash> =
                tags.iter().map(|tag| crate::tag::hash(format!("t{tag}").as_bytes())).collect();
            let mut roomy = TagTable::at(Epoch::new(1, 0), 1_000);
            let mut bounded = TagTable::at(Epoch::new(1, 0), capacity);
            let mut stamps = Vec::new();
            for step in &steps {
                stamps.push(roomy.stamp());
                prop_assert_eq!(roomy.stamp(), bounded.stamp());
                take(&mut roomy, step);
                take(&mut bounded, step);
            }
            // A table that was kept and taken up again says the same, and goes on as it would have.
            let mut restored = TagTable::restore(roomy.snapshot(), 1_000);
            prop_assert_eq!(restored.stamp(), roomy.stamp());
            restored.go_on_from(1_000);
            prop_assert_eq!(restored.purge(&[], false, Mode::Hard), 1_001);
            for (moment, stamp) in stamps.into_iter().enumerate() {
                let verdicts = steps[moment..].iter().map(|step| match step {
                    Step::Position => Verdict::Purged,
                    Step::Feed(tag, _) | Step::Local(tag, _) if !tags.contains(tag) => Verdict::Servable,
                    Step::Feed(_, mode) | Step::Local(_, mode) | Step::All(mode) => match mode {
                        Mode::Hard => Verdict::Purged,
                        Mode::Soft => Verdict::SoftPurged,
                    },
                });
                let expected = verdicts.max().unwrap_or(Verdict::Servable);
                prop_assert_eq!(roomy.verdict(stamp, &names), expected);
                prop_assert!(bounded.verdict(stamp, &names) >= expected);
                prop_assert_eq!(restored.verdict(stamp, &names), expected);
                let told = roomy.reached(stamp, &names).first().map_or(Verdict::Servable, |reached| reached.verdict);
                prop_assert_eq!(told, expected);
            }
        }
    }

    proptest! {
        /// However small the table, it never says servable where an unbounded history of purges says purged.
        #[test]
        fn bounds_only_purge_too_much(
            purges in proptest::collection::vec(proptest::collection::vec(0u8..12, 0..4), 1..60),
            capacity in 1usize..8,
            stamp in 0u64..60,
            tags in proptest::collection::vec(0u8..12, 0..5),
        ) {
            let names: Vec<Vec<String>> = purges.iter().map(|tags| tags.iter().map(|t| format!("t{t}")).collect()).collect();
            let mut table = TagTable::at(Epoch::new(1, 0), capacity);
            for (index, names) in names.iter().enumerate() {
                let refs: Vec<&str> = names.iter().map(String::as_str).collect();
                table.apply(&batch(1, index as u64 + 1, &[&refs])).unwrap();
                prop_assert!(table.len() <= capacity);
            }
            let purged = names.iter().enumerate().any(|(index, names)| {
                stamp < index as u64 + 1 && tags.iter().any(|tag| names.contains(&format!("t{tag}")))
            });
            let mine: Vec<String> = tags.iter().map(|t| format!("t{t}")).collect();
            let mine: Vec<&str> = mine.iter().map(String::as_str).collect();
            if purged {
                prop_assert_eq!(table.verdict(Epoch::new(1, stamp).into(), &hashes(&mine)), Verdict::Purged);
            }
        }
    }
}
