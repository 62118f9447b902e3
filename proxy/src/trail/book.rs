//! The newest purges and what became of each. Pure: it is told the time.

use std::collections::{HashMap, VecDeque};

use vitrine_shared::clock::{BootTime, millis};
use vitrine_shared::coherence::{Position, Stamp};
use vitrine_shared::feed::Mode;
use vitrine_shared::outcome::{Fate, FreshFill, MAX_OUTCOMES, Outcome, Uncounted, Unusable, Way};
use vitrine_shared::tag::TagHash;

use super::lines::{Lines, Number};

/// Most purges that are noted, and most tags that they may have together.
const MAX_PURGES: usize = 4_096;
const MAX_TAGS: usize = 65_536;
/// A purge of more tags is noted, and neither counted nor watched for fills.
const MAX_TAGS_OF_ONE: usize = 1_024;
/// Where more purges than this wait to be counted, the oldest are given up, so that it can still be told of them.
const MAX_UNCOUNTED: usize = MAX_PURGES / 2;
/// About how many bytes of outcomes go with one report, and what one takes without its URL.
const MAX_REPORT: usize = 16 << 10;
const OUTCOME: usize = 160;

/// A purge that came.
#[derive(Clone, Debug)]
pub(super) struct Came {
    /// Its place on its clock, above all that came before on it.
    pub(super) at: Position,
    /// How it acts.
    pub(super) mode: Mode,
    /// What it reaches.
    pub(super) tags: Vec<TagHash>,
    /// Whether it reaches everything.
    pub(super) everything: bool,
    /// By which way; `None` where it was made here.
    pub(super) via: Option<Way>,
    /// When.
    pub(super) received: BootTime,
}

/// The newest purges.
#[derive(Debug, Default)]
pub(super) struct Book {
    entries: VecDeque<Entry>,
    /// The number of the first of them.
    first: Number,
    /// Those below were applied.
    unapplied: Number,
    /// Of those below it is decided what they made unusable.
    undecided: Number,
    /// How many tags stand in the lines.
    tags: usize,
    lines: Lines,
    pass: Option<Pass>,
    /// When outcomes last went with a report.
    reported: Option<BootTime>,
}

#[derive(Debug)]
struct Entry {
    came: Came,
    applied: BootTime,
    unusable: Unusable,
    /// Objects that it made unusable and that others have taken the place of before they were counted.
    replaced: u64,
    fill: Option<(BootTime, Box<str>)>,
    /// Something of it was not told with a report yet.
    news: bool,
}

/// A walk through the store.
#[derive(Debug)]
struct Pass {
    /// Purges from this number on are none of its business.
    end: Number,
    /// The parts of the store that were visited.
    visited: usize,
    counts: HashMap<Number, u64>,
    /// Of the part that is being visited.
    part: HashMap<Number, u64>,
}

// === impl Book ===

impl Book {
    /// Notes a purge that was applied, or is about to be: see [`Book::applied`].
    pub(super) fn note(&mut self, came: Came) {
        let is_watched = came.tags.len() <= MAX_TAGS_OF_ONE;
        let came = if is_watched { came } else { Came { tags: Vec::new(), everything: false, ..came } };
        let number = self.next();
        self.tags += came.tags.len();
        self.lines.add(came.at, came.mode, &came.tags, came.everything, number);
        let unknown = if is_watched { Uncounted::NotYet } else { Uncounted::NotCounted };
        self.entries.push_back(Entry {
            applied: came.received,
            came,
            unusable: Unusable::Unknown(unknown),
            replaced: 0,
            fill: None,
            news: true,
        });
        while self.entries.len() > MAX_PURGES || self.tags > MAX_TAGS {
            self.drop_oldest();
        }
        while self.next() - self.undecided > MAX_UNCOUNTED as u64 {
            self.decide(self.undecided, Unusable::Unknown(Uncounted::NotCounted));
            self.undecided += 1;
        }
    }

    /// All that was noted is applied.
    pub(super) fn applied(&mut self, now: BootTime) {
        for number in self.unapplied..self.next() {
            if let Some(entry) = self.entry(number) {
                entry.applied = now;
            }
        }
        self.unapplied = self.next();
    }

    /// The feed's history has begun again: its numbers will be given again.
    pub(super) fn start_over(&mut self) {
        *self = Self { reported: self.reported, ..Self::default() };
    }

    /// An object was stored.
    pub(super) fn filled(
        &mut self,
        now: BootTime,
        stamp: Stamp,
        tags: impl IntoIterator<Item = TagHash> + Copy,
        url: impl FnOnce() -> Box<str>,
    ) {
        let (first, entries) = (self.first, &mut self.entries);
        let (mut url, mut text) = (Some(url), None);
        self.lines.fill(stamp, tags, |number| {
            let Some(entry) = entry(entries, first, number) else { return };
            if entry.fill.is_none() {
                let text: &str = text.get_or_insert_with(|| url.take().map_or_else(Box::default, |url| url()));
                entry.fill = Some((now, text.into()));
                entry.news = true;
            }
        });
    }

    /// An object of this part of the store is gone, since another took its place or it was found unusable.
    pub(super) fn replaced(&mut self, part: usize, stamp: Stamp, tags: impl IntoIterator<Item = TagHash> + Copy) {
        let reached = self.lines.reached(stamp, tags);
        for number in [reached.hard, reached.soft].into_iter().flatten() {
            let is_counted = self.pass.as_ref().is_some_and(|pass| number < pass.end && part < pass.visited);
            if !is_counted && let Some(entry) = self.entry(number) {
                entry.replaced += 1;
            }
        }
    }

    /// Begins to count what the purges made unusable that are noted and not counted; `false` where there is none.
    pub(super) fn begin(&mut self) -> bool {
        let waits = |entry: &Entry| entry.unusable == Unusable::Unknown(Uncounted::NotYet);
        if !self.entries.iter().any(waits) {
            return false;
        }
        self.pass = Some(Pass { end: self.next(), visited: 0, counts: HashMap::new(), part: HashMap::new() });
        true
    }

    /// Begins with a part of the store, or with the same one again: to be called before it is looked at.
    pub(super) fn visit(&mut self, part: usize) {
        if let Some(pass) = &mut self.pass {
            if pass.visited <= part {
                for (number, count) in pass.part.drain() {
                    *pass.counts.entry(number).or_default() += count;
                }
            }
            pass.part.clear();
            pass.visited = part + 1;
        }
    }

    /// An object of the part that is being visited.
    pub(super) fn count(&mut self, stamp: Stamp, tags: impl IntoIterator<Item = TagHash> + Copy) {
        let Some(pass) = &mut self.pass else { return };
        let reached = self.lines.reached(stamp, tags);
        for number in [reached.hard, reached.soft].into_iter().flatten().filter(|number| *number < pass.end) {
            *pass.part.entry(number).or_default() += 1;
        }
    }

    /// All parts were visited.
    pub(super) fn finish(&mut self) {
        let Some(mut pass) = self.pass.take() else { return };
        for (number, count) in pass.part.drain() {
            *pass.counts.entry(number).or_default() += count;
        }
        for number in self.undecided.max(self.first)..pass.end {
            let Some(entry) = self.entry(number) else { continue };
            let objects = entry.replaced + pass.counts.get(&number).copied().unwrap_or(0);
            self.decide(number, Unusable::Objects(objects));
        }
        self.undecided = self.undecided.max(pass.end);
    }

    /// What became of a purge, as told at `now`.
    pub(super) fn of(&self, now: BootTime, at: Position) -> Option<Fate> {
        self.entries.iter().rev().find(|entry| entry.came.at == at).map(|entry| entry.fate(now))
    }

    /// What is new of the feed's purges, for a report: where `every` has passed since outcomes last went with one, of the newest, and no
    /// more than a report may hold.
    pub(super) fn report(&mut self, now: BootTime, every: std::time::Duration) -> Vec<Outcome> {
        let mut told = Vec::new();
        if self.reported.is_some_and(|last| now.since(last) < every) {
            return told;
        }
        let mut room = MAX_REPORT;
        for entry in self.entries.iter_mut().rev().filter(|entry| entry.news) {
            let Position::Feed(epoch) = entry.came.at else { continue };
            let takes = OUTCOME + entry.fill.as_ref().map_or(0, |(_, url)| url.len());
            if told.len() >= MAX_OUTCOMES || room < takes {
                break;
            }
            room -= takes;
            entry.news = false;
            told.push(Outcome { epoch, fate: entry.fate(now) });
        }
        if !told.is_empty() {
            self.reported = Some(now);
        }
        told
    }

    /// A report with these did not arrive.
    pub(super) fn again(&mut self, told: &[Outcome]) {
        for entry in &mut self.entries {
            if let Position::Feed(epoch) = entry.came.at {
                entry.news |= told.iter().any(|outcome| outcome.epoch == epoch);
            }
        }
    }

    fn decide(&mut self, number: Number, unusable: Unusable) {
        if let Some(entry) = self.entry(number)
            && entry.unusable == Unusable::Unknown(Uncounted::NotYet)
        {
            entry.unusable = unusable;
            entry.news = true;
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.lines.remove(entry.came.at, entry.came.mode, &entry.came.tags, self.first);
            self.tags -= entry.came.tags.len();
            self.first += 1;
            self.undecided = self.undecided.max(self.first);
        }
    }

    fn next(&self) -> Number {
        self.first + self.entries.len() as u64
    }

    fn entry(&mut self, number: Number) -> Option<&mut Entry> {
        entry(&mut self.entries, self.first, number)
    }
}

fn entry(entries: &mut VecDeque<Entry>, first: Number, number: Number) -> Option<&mut Entry> {
    entries.get_mut(usize::try_from(number.checked_sub(first)?).ok()?)
}

impl Entry {
    fn fate(&self, now: BootTime) -> Fate {
        let before = |at: BootTime| millis(now.since(at));
        Fate {
            via: self.came.via,
            received_before_ms: before(self.came.received),
            applied_before_ms: before(self.applied),
            unusable: self.unusable,
            first_fresh_fill: self
                .fill
                .as_ref()
                .map(|(at, url)| FreshFill { before_ms: before(*at), url: url.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests;
