//! What the last changes of a tag table may have changed of verdicts, so that an object which was found servable shortly before is not
//! held against the whole table again.

use std::borrow::Borrow;

use super::Numbered;
use crate::tag::TagHash;

/// Changes that are remembered; a power of two.
const CHANGES: usize = 64;
/// Tags of one change, and of all the changes that one look goes through: past that the table is as quick.
const TAGS: usize = 8;

/// The last changes, each under the generation that it began.
#[derive(Debug)]
pub(super) struct Recent {
    /// A change stands at its generation, by the number of changes that are remembered.
    changes: [Change; CHANGES],
    /// The generation of the last one.
    last: u64,
}

/// What verdicts a change may have changed.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// All of them.
    All,
    /// Of what has one of the first so many tags; of nothing by its tags, where that is zero.
    Tags([TagHash; TAGS], usize),
}

// === impl Change ===

impl Change {
    fn of(tags: impl IntoIterator<Item = TagHash>) -> Self {
        let mut held = [TagHash(0); TAGS];
        let mut count = 0;
        for tag in tags {
            let Some(place) = held.get_mut(count) else {
                return Self::All;
            };
            (*place, count) = (tag, count + 1);
        }
        Self::Tags(held, count)
    }

    fn tags(&self) -> Option<&[TagHash]> {
        match self {
            Self::All => None,
            Self::Tags(tags, count) => tags.get(..*count),
        }
    }
}

// === impl Recent ===

impl Recent {
    /// Nothing is known of what was before `generation`.
    pub(super) fn from(generation: u64) -> Self {
        Self { changes: [Change::All; CHANGES], last: generation }
    }

    /// Any verdict may have changed with this generation, the next.
    pub(super) fn all(&mut self, generation: u64) {
        self.note(generation, Change::All);
    }

    /// Verdicts on what has one of these tags, and on nothing else, may have changed with this generation, the next.
    pub(super) fn tags(&mut self, generation: u64, tags: impl IntoIterator<Item = TagHash>) {
        self.note(generation, Change::of(tags));
    }

    /// The same, of purges of the feed.
    pub(super) fn purges(&mut self, generation: u64, purges: &[Numbered]) {
        if purges.iter().any(|purge| purge.everything) {
            self.all(generation);
        } else {
            self.tags(generation, purges.iter().flat_map(|purge| purge.tags.iter().copied()));
        }
    }

    /// Whether nothing since generation `before` can have changed the verdict on what has these tags. `false` where that is not known.
    pub(super) fn spares(&self, before: u64, tags: impl IntoIterator<Item: Borrow<TagHash>>) -> bool {
        let Some(since) = self.last.checked_sub(before).filter(|since| *since <= CHANGES as u64) else {
            return false;
        };
        let mut purged = [TagHash(0); TAGS];
        let mut count = 0;
        for generation in self.last - since + 1..=self.last {
            let Some(of_one) = self.changes[place(generation)].tags() else {
                return false;
            };
            let Some(places) = purged.get_mut(count..count + of_one.len()) else {
                return false;
            };
            places.copy_from_slice(of_one);
            count += of_one.len();
        }
        let purged = &purged[..count];
        purged.is_empty() || !tags.into_iter().any(|tag| purged.contains(tag.borrow()))
    }

    fn note(&mut self, generation: u64, change: Change) {
        if generation != self.last + 1 {
            // Some generation would seem to have changed nothing.
            *self = Self::from(generation);
        }
        self.changes[place(generation)] = change;
        self.last = generation;
    }
}

fn place(generation: u64) -> usize {
    // The remainder is below the number of changes.
    usize::try_from(generation % CHANGES as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(numbers: &[u64]) -> Vec<TagHash> {
        numbers.iter().copied().map(TagHash).collect()
    }

    #[test]
    fn what_no_change_names_is_spared() {
        let mut recent = Recent::from(1);
        assert!(recent.spares(1, tags(&[1])));
        assert!(!recent.spares(0, tags(&[1])), "of before nothing is known");
        recent.tags(2, tags(&[7]));
        recent.tags(3, tags(&[8, 9]));
        recent.tags(4, tags(&[]));
        for (before, of, spared) in [
            (1, &[1, 2, 3][..], true),
            (1, &[1, 7], false),
            (2, &[1, 7], true),
            (2, &[9], false),
            (3, &[7, 8, 9], true),
            (4, &[7, 8, 9], true),
            (1, &[], true),
        ] {
            assert_eq!(recent.spares(before, tags(of)), spared, "{before} {of:?}");
        }
        assert!(!recent.spares(5, tags(&[1])), "a generation that is still to come");
        recent.all(5);
        assert!(!recent.spares(4, tags(&[])));
        assert!(recent.spares(5, tags(&[7])));
    }

    #[test]
    fn too_many_tags_or_changes_spare_nothing() {
        let mut recent = Recent::from(1);
        recent.tags(2, (0..9).map(TagHash));
        assert!(!recent.spares(1, tags(&[99])));
        for generation in 3..=6 {
            recent.tags(generation, tags(&[generation, generation + 100, generation + 200]));
        }
        assert!(recent.spares(4, tags(&[99])));
        assert!(!recent.spares(3, tags(&[99])), "nine tags in three changes");
        for generation in 7..=70 {
            recent.tags(generation, tags(&[]));
        }
        assert!(recent.spares(6, tags(&[99])));
        assert!(!recent.spares(5, tags(&[99])), "65 changes");
    }
}
