//! The tag table: for each purged tag the epochs of its last hard and soft purge, and the floor below which all is gone.

use std::collections::{HashMap, VecDeque};

use crate::epoch::Epoch;
use crate::feed::{Batch, Mode};
use crate::tag::TagHash;

/// Whether an object may be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing of it was purged since it was made.
    Servable,
    /// A soft purge reached it: it may be served while it is refreshed.
    SoftPurged,
    /// A hard purge or a floor reached it: it must not be served, whatever its freshness (rule 5).
    Purged,
}

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

/// For each purged tag the epochs of its last purges; bounded.
#[derive(Debug)]
pub struct TagTable {
    applied: Epoch,
    floor: Epoch,
    tags: HashMap<TagHash, Purged>,
    /// Entries in the order of their last purge; an entry whose epoch is no longer the tag's is skipped when it is evicted.
    order: VecDeque<(Epoch, TagHash)>,
    capacity: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Purged {
    hard: Epoch,
    soft: Epoch,
}

// === impl TagTable ===

impl TagTable {
    /// A table at `position` that trusts nothing older: every object stamped below it is gone.
    ///
    /// `capacity` is the number of tags held; past it the oldest is forgotten and the floor raised to it (rule 13).
    pub fn at(position: Epoch, capacity: usize) -> Self {
        Self {
            applied: position,
            floor: position,
            tags: HashMap::new(),
            order: VecDeque::new(),
            capacity: capacity.max(1),
        }
    }

    /// The epoch up to which every purge was applied, with no gap.
    pub fn applied(&self) -> Epoch {
        self.applied
    }

    /// Objects stamped below it are gone.
    pub fn floor(&self) -> Epoch {
        self.floor
    }

    /// How many tags are held.
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether no tag is held.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// Applies a batch by its content: what was applied before is passed over, a gap is refused whole.
    ///
    /// Returns how many purges were new.
    pub fn apply(&mut self, batch: &Batch) -> Result<usize, ApplyError> {
        if batch.term > self.applied.term {
            return Err(ApplyError::NewTerm { applied: self.applied, term: batch.term });
        }
        if batch.last() <= self.applied {
            return Ok(0);
        }
        // A batch may overlap what was applied, but its first purge must not lie beyond the next.
        if batch.first > self.applied.seq + 1 {
            return Err(ApplyError::Gap { applied: self.applied, prev: batch.prev });
        }
        let mut new = 0;
        for purge in &batch.purges {
            let epoch = Epoch::new(batch.term, purge.seq);
            if epoch <= self.applied {
                continue;
            }
            new += 1;
            for tag in &purge.tags {
                self.purge(tag.hash(), epoch, purge.mode);
            }
            if purge.everything {
                self.floor = self.floor.max(epoch);
            }
        }
        self.applied = batch.last();
        Ok(new)
    }

    /// Takes a position without its history: the floor rises to it, so no older object is served (rules 3 and 10).
    ///
    /// A position at or below `applied` changes nothing.
    pub fn take_position(&mut self, position: Epoch) {
        if position > self.applied {
            self.applied = position;
            self.floor = position;
            self.tags.clear();
            self.order.clear();
        }
    }

    /// May an object with this stamp and these tags be served? (Rule 4.)
    pub fn verdict(&self, stamp: Epoch, tags: &[TagHash]) -> Verdict {
        if stamp < self.floor {
            return Verdict::Purged;
        }
        let mut verdict = Verdict::Servable;
        for tag in tags {
            if let Some(purged) = self.tags.get(tag) {
                if stamp < purged.hard {
                    return Verdict::Purged;
                }
                if stamp < purged.soft {
                    verdict = Verdict::SoftPurged;
                }
            }
        }
        verdict
    }

    fn purge(&mut self, tag: TagHash, epoch: Epoch, mode: Mode) {
        let entry = self.tags.entry(tag).or_default();
        match mode {
            Mode::Hard => entry.hard = epoch,
            Mode::Soft => entry.soft = epoch,
        }
        self.order.push_back((epoch, tag));
        while self.tags.len() > self.capacity || self.order.len() > self.capacity * 2 {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((epoch, tag)) = self.order.pop_front() else {
            return;
        };
        let Some(entry) = self.tags.get(&tag) else {
            return;
        };
        let last = entry.hard.max(entry.soft);
        if last == epoch {
            self.tags.remove(&tag);
            self.floor = self.floor.max(epoch);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feed::Purge;
    use crate::tag::Tag;

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
        let at = |seq, tags: &[&str]| table.verdict(Epoch::new(1, seq), &hashes(tags));
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
        assert_eq!(table.verdict(Epoch::new(1, 0), &hashes(&["d"])), Verdict::Servable);
    }

    #[test]
    fn a_later_term_needs_a_position_and_that_raises_the_floor() {
        let mut table = TagTable::at(Epoch::new(1, 7), 100);
        assert!(matches!(table.apply(&batch(2, 8, &[&["a"]])), Err(ApplyError::NewTerm { term: 2, .. })));
        table.take_position(Epoch::new(2, 8));
        assert_eq!(table.verdict(Epoch::new(1, 7), &[]), Verdict::Purged);
        assert_eq!(table.verdict(Epoch::new(2, 8), &[]), Verdict::Servable);
        table.take_position(Epoch::new(1, 9));
        assert_eq!(table.applied(), Epoch::new(2, 8));
    }

    #[test]
    fn a_soft_purge_allows_stale_and_a_hard_one_does_not() {
        let mut soft = batch(1, 1, &[&["a"]]);
        soft.purges[0].mode = Mode::Soft;
        let mut table = TagTable::at(Epoch::new(1, 0), 100);
        table.apply(&soft).unwrap();
        assert_eq!(table.verdict(Epoch::new(1, 0), &hashes(&["a"])), Verdict::SoftPurged);
        table.apply(&batch(1, 2, &[&["a"]])).unwrap();
        assert_eq!(table.verdict(Epoch::new(1, 1), &hashes(&["a"])), Verdict::Purged);
    }

    #[test]
    fn purging_everything_raises_the_floor() {
        let mut all = batch(1, 1, &[&[]]);
        all.purges[0].everything = true;
        let mut table = TagTable::at(Epoch::new(1, 0), 100);
        table.apply(&all).unwrap();
        assert_eq!(table.verdict(Epoch::new(1, 0), &[]), Verdict::Purged);
        assert_eq!(table.verdict(Epoch::new(1, 1), &[]), Verdict::Servable);
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
                prop_assert_eq!(table.verdict(Epoch::new(1, stamp), &hashes(&mine)), Verdict::Purged);
            }
        }
    }
}
