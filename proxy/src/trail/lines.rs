//! Which of the newest purges reach content, by tag.

use std::collections::VecDeque;

use hashbrown::HashTable;
use vitrine_shared::coherence::{Position, Stamp};
use vitrine_shared::feed::Mode;
use vitrine_shared::tag::TagHash;

/// Counts the purges of this process that were noted.
pub(super) type Number = u64;

/// A place on one of the two clocks.
type Place = u128;

/// Purges of one clock and mode, by what they reach.
#[derive(Debug, Default)]
struct Kind {
    /// How many purges there are.
    purges: usize,
    tags: HashTable<Tagged>,
    everything: Line,
}

#[derive(Debug)]
struct Tagged {
    tag: TagHash,
    line: Line,
}

/// Purges that reach the same, the oldest first.
#[derive(Debug, Default)]
struct Line {
    purges: VecDeque<(Place, Number)>,
    /// Those up to here had a fresh fill.
    filled: Place,
}

/// The newest purges, of both clocks and modes.
#[derive(Debug, Default)]
pub(super) struct Lines([Kind; 4]);

/// The first purges that reached content, of those that are noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// Which made it unusable.
    pub(super) hard: Option<Number>,
    /// Which made it stale.
    pub(super) soft: Option<Number>,
}

// === impl Lines ===

impl Lines {
    /// Adds a purge: its number and its place are above all of its clock.
    pub(super) fn add(&mut self, at: Position, mode: Mode, tags: &[TagHash], everything: bool, number: Number) {
        let kind = &mut self.0[index(at, mode)];
        kind.purges += 1;
        let purge = (place(at), number);
        if everything {
            kind.everything.purges.push_back(purge);
        }
        for tag in tags {
            let mut entry = kind
                .tags
                .entry(tag.0, |tagged| tagged.tag == *tag, |tagged| tagged.tag.0)
                .or_insert_with(|| Tagged { tag: *tag, line: Line::default() });
            entry.get_mut().line.purges.push_back(purge);
        }
    }

    /// Takes the oldest purge away again.
    pub(super) fn remove(&mut self, at: Position, mode: Mode, tags: &[TagHash], number: Number) {
        let kind = &mut self.0[index(at, mode)];
        kind.purges = kind.purges.saturating_sub(1);
        kind.everything.forget(number);
        for tag in tags {
            if let Ok(mut entry) = kind.tags.find_entry(tag.0, |tagged| tagged.tag == *tag) {
                entry.get_mut().line.forget(number);
                if entry.get().line.purges.is_empty() {
                    entry.remove();
                }
            }
        }
    }

    /// Which purges reached content first.
    pub(super) fn reached(&self, stamp: Stamp, tags: impl IntoIterator<Item = TagHash> + Copy) -> Reached {
        let first = |mode: Mode| {
            let clocks = [Position::Feed(stamp.epoch), Position::Local(stamp.local)];
            clocks.into_iter().filter_map(|at| self.0[index(at, mode)].first_after(place(at), tags)).min()
        };
        let hard = first(Mode::Hard);
        // What is unusable cannot become stale.
        Reached { hard, soft: first(Mode::Soft).filter(|soft| hard.is_none_or(|hard| *soft < hard)) }
    }

    /// Content is there that was made after these purges and has what they reach; each is told once at least.
    pub(super) fn fill(
        &mut self,
        stamp: Stamp,
        tags: impl IntoIterator<Item = TagHash> + Copy,
        mut told: impl FnMut(Number),
    ) {
        for mode in [Mode::Hard, Mode::Soft] {
            for at in [Position::Feed(stamp.epoch), Position::Local(stamp.local)] {
                self.0[index(at, mode)].fill(place(at), tags, &mut told);
            }
        }
    }
}

impl Kind {
    fn first_after(&self, place: Place, tags: impl IntoIterator<Item = TagHash>) -> Option<Number> {
        if self.purges == 0 {
            return None;
        }
        let of_tags = tags.into_iter().filter_map(|tag| {
            let tagged = self.tags.find(tag.0, |tagged| tagged.tag == tag)?;
            tagged.line.first_after(place)
        });
        of_tags.chain(self.everything.first_after(place)).min()
    }

    fn fill(&mut self, place: Place, tags: impl IntoIterator<Item = TagHash>, told: &mut impl FnMut(Number)) {
        if self.purges == 0 {
            return;
        }
        self.everything.fill(place, told);
        for tag in tags {
            if let Some(tagged) = self.tags.find_mut(tag.0, |tagged| tagged.tag == tag) {
                tagged.line.fill(place, told);
            }
        }
    }
}

impl Line {
    fn first_after(&self, place: Place) -> Option<Number> {
        let next = self.purges.partition_point(|(at, _)| *at <= place);
        self.purges.get(next).map(|(_, number)| *number)
    }

    fn fill(&mut self, place: Place, told: &mut impl FnMut(Number)) {
        if place <= self.filled {
            return;
        }
        let done = self.purges.partition_point(|(at, _)| *at <= self.filled);
        self.purges.iter().skip(done).take_while(|(at, _)| *at <= place).for_each(|(_, number)| told(*number));
        self.filled = place;
    }

    fn forget(&mut self, number: Number) {
        while self.purges.front().is_some_and(|(_, first)| *first <= number) {
            self.purges.pop_front();
        }
    }
}

/// Which kind: a place counts on its own clock alone.
fn index(at: Position, mode: Mode) -> usize {
    let clock = usize::from(matches!(at, Position::Local(_)));
    clock * 2 + usize::from(mode == Mode::Soft)
}

fn place(at: Position) -> Place {
    match at {
        Position::Feed(epoch) => u128::from(epoch.term) << 64 | u128::from(epoch.seq),
        Position::Local(number) => u128::from(number),
    }
}
