//! One tag table, shared by the tasks of a process, so that between purges a check costs one atomic load.

use std::borrow::Borrow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::recent::Recent;
use super::table::numbered;
use super::{ApplyError, Reached, Snapshot, Stamp, TagTable, Verdict};
use crate::epoch::Epoch;
use crate::feed::{Batch, Mode};
use crate::tag::TagHash;

/// A [`TagTable`] behind a lock, with a generation that grows whenever a verdict may have changed.
#[derive(Debug)]
pub struct Live {
    guarded: RwLock<Guarded>,
    /// Changed only by who holds the lock alone.
    generation: AtomicU64,
}

#[derive(Debug)]
struct Guarded {
    table: TagTable,
    recent: Recent,
}

/// At which generation an object was last found servable; kept beside the object.
#[derive(Debug, Default)]
pub struct Checked(AtomicU64);

/// A fresh [`Checked`] holds 0 and must not pass for checked.
const FIRST: u64 = 1;

// === impl Live ===

impl Live {
    /// Shares `table`.
    pub fn new(table: TagTable) -> Self {
        let guarded = Guarded { table, recent: Recent::from(FIRST) };
        Self { guarded: RwLock::new(guarded), generation: AtomicU64::new(FIRST) }
    }

    /// Where this member stands, by both clocks: read it *before* asking for content (rule 6).
    pub fn stamp(&self) -> Stamp {
        self.read().table.stamp()
    }

    /// The epoch up to which every purge of the feed was applied; a stamp where only the feed purges.
    pub fn applied(&self) -> Epoch {
        self.read().table.applied()
    }

    /// The current floor.
    pub fn floor(&self) -> Epoch {
        self.read().table.floor()
    }

    /// How many tags the table holds.
    pub fn tags(&self) -> usize {
        self.read().table.len()
    }

    /// Applies a batch; when this returns, no later verdict ignores it.
    pub fn apply(&self, batch: &Batch) -> Result<usize, ApplyError> {
        let purges = numbered(batch);
        let mut guarded = self.write();
        let floors = guarded.table.floors();
        let new = guarded.table.apply_numbered(batch.prev, &purges)?;
        if new > 0 {
            let floors_stay = guarded.table.floors() == floors;
            self.change(&mut guarded, |recent, generation| {
                if floors_stay {
                    recent.purges(generation, &purges);
                } else {
                    recent.all(generation);
                }
            });
        }
        Ok(new)
    }

    /// A purge that is made at this member; returns its number. When this returns, no later verdict ignores it.
    pub fn purge(&self, tags: &[TagHash], everything: bool, mode: Mode) -> u64 {
        let mut guarded = self.write();
        let floors = guarded.table.floors();
        let at = guarded.table.purge(tags, everything, mode);
        let floors_stay = guarded.table.floors() == floors;
        self.change(&mut guarded, |recent, generation| {
            if floors_stay {
                recent.tags(generation, tags.iter().copied());
            } else {
                recent.all(generation);
            }
        });
        at
    }

    /// See [`TagTable::tick`].
    pub fn tick(&self) -> u64 {
        self.write().table.tick()
    }

    /// Something was invalidated that is remembered elsewhere than in the table, as [`Live::verdict_cached`] is told by `elsewhere`. To be
    /// called after that was written down; when this returns, no later verdict ignores it.
    pub fn changed_elsewhere(&self) {
        self.change(&mut self.write(), |recent, generation| recent.tags(generation, []));
    }

    /// See [`TagTable::take_position`].
    pub fn take_position(&self, position: Epoch) {
        let mut guarded = self.write();
        guarded.table.take_position(position);
        self.change(&mut guarded, Recent::all);
    }

    /// See [`TagTable::start_over`].
    pub fn start_over(&self, position: Epoch) -> u64 {
        let mut guarded = self.write();
        let at = guarded.table.start_over(position);
        self.change(&mut guarded, Recent::all);
        at
    }

    /// See [`TagTable::snapshot`]. Purges wait while it is taken, which takes some milliseconds where there are a million tags.
    pub fn snapshot(&self) -> Snapshot {
        self.read().table.snapshot()
    }

    /// May an object with this stamp and these tags be served?
    pub fn verdict(&self, stamp: impl Into<Stamp>, tags: impl IntoIterator<Item: Borrow<TagHash>> + Copy) -> Verdict {
        self.read().table.verdict(stamp.into(), tags)
    }

    /// See [`TagTable::reached`].
    pub fn reached(&self, stamp: Stamp, tags: &[TagHash]) -> Vec<Reached> {
        self.read().table.reached(stamp, tags)
    }

    /// As [`Live::verdict`] and what `elsewhere` says, whichever is harder, remembered in `checked`: between purges this compares one number
    /// instead of all tags, and after a purge of a few tags it looks for these alone.
    pub fn verdict_cached<T: IntoIterator<Item: Borrow<TagHash>> + Copy>(
        &self,
        checked: &Checked,
        of: impl FnOnce() -> (Stamp, T),
        elsewhere: impl FnOnce() -> Verdict,
    ) -> Verdict {
        let before = checked.0.load(Ordering::Relaxed);
        if before == self.generation.load(Ordering::Acquire) {
            return Verdict::Servable;
        }
        let guarded = self.read();
        // Read under the lock: writers change it only while they hold the lock, so it belongs to this very table, and to what was written
        // down elsewhere before.
        let generation = self.generation.load(Ordering::Acquire);
        let (stamp, tags) = of();
        let by_tags =
            if guarded.recent.spares(before, tags) { Verdict::Servable } else { guarded.table.verdict(stamp, tags) };
        let verdict = by_tags.max(elsewhere());
        if verdict == Verdict::Servable {
            checked.0.store(generation, Ordering::Relaxed);
        }
        verdict
    }

    /// Begins a generation.
    fn change(&self, guarded: &mut Guarded, note: impl FnOnce(&mut Recent, u64)) {
        let generation = self.generation.load(Ordering::Relaxed) + 1;
        note(&mut guarded.recent, generation);
        self.generation.store(generation, Ordering::Release);
    }

    // A poisoned lock means a panic between two plain assignments; the table is then at worst purging too much.
    fn read(&self) -> RwLockReadGuard<'_, Guarded> {
        self.guarded.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Guarded> {
        self.guarded.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feed::{Mode, Purge};
    use crate::tag::Tag;

    #[test]
    fn a_remembered_verdict_does_not_outlive_a_purge() {
        let live = Live::new(TagTable::at(Epoch::new(1, 0), 10));
        let checked = Checked::default();
        let tags = [Tag::product("1").hash()];
        let cached = |stamp: Stamp| live.verdict_cached(&checked, || (stamp, &tags), || Verdict::Servable);
        let stamp = live.stamp();
        assert_eq!(cached(stamp), Verdict::Servable);
        assert_eq!(cached(stamp), Verdict::Servable);
        let purge = Purge { seq: 1, mode: Mode::Hard, tags: vec![Tag::product("1")], everything: false, event: None };
        live.apply(&Batch::new(1, Epoch::new(1, 0), vec![purge]).unwrap()).unwrap();
        assert_eq!(cached(stamp), Verdict::Purged);
        assert_eq!(cached(live.stamp()), Verdict::Servable);
        let stamp = live.stamp();
        assert_eq!(live.purge(&tags, false, Mode::Soft), 1);
        assert_eq!(cached(stamp), Verdict::SoftPurged);
        assert_eq!(cached(live.stamp()), Verdict::Servable);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Feed(Vec<u64>, Mode),
        Own(Vec<u64>, Mode),
        All(Mode),
        Position,
        Elsewhere(usize),
        Store(usize, Vec<u64>),
        Check(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let mode = prop_oneof![Just(Mode::Hard), Just(Mode::Soft)];
        let tags = |most| proptest::collection::vec(0u64..8, 1..most);
        prop_oneof![
            4 => (tags(4), mode.clone()).prop_map(|(tags, mode)| Step::Feed(tags, mode)),
            4 => (tags(12), mode.clone()).prop_map(|(tags, mode)| Step::Own(tags, mode)),
            1 => mode.prop_map(Step::All),
            1 => Just(Step::Position),
            2 => (0usize..3).prop_map(Step::Elsewhere),
            3 => (0usize..3, tags(4)).prop_map(|(object, tags)| Step::Store(object, tags)),
            12 => (0usize..3).prop_map(Step::Check),
        ]
    }

    #[derive(Default)]
    struct Stored {
        stamp: Stamp,
        tags: Vec<TagHash>,
        checked: Checked,
        is_invalidated: bool,
    }

    proptest! {
        /// A remembered verdict is the table's, whatever was purged since, and however much.
        #[test]
        fn remembered_verdicts_are_the_tables(
            capacity in 2usize..12,
            steps in proptest::collection::vec(step(), 1..200),
        ) {
            let live = Live::new(TagTable::at(Epoch::new(1, 0), capacity));
            let name = |tag: &u64| Tag::product(&tag.to_string());
            let mut objects: [Stored; 3] = Default::default();
            for step in steps {
                let (applied, hashes) = (live.applied(), |tags: &[u64]| tags.iter().map(|tag| name(tag).hash()).collect::<Vec<_>>());
                match step {
                    Step::Feed(tags, mode) => {
                        let tags = tags.iter().map(name).collect();
                        let purge = Purge { seq: applied.seq + 1, mode, tags, everything: false, event: None };
                        live.apply(&Batch::new(applied.term, applied, vec![purge]).unwrap()).unwrap();
                    }
                    Step::Own(tags, mode) => drop(live.purge(&hashes(&tags), false, mode)),
                    Step::All(mode) => drop(live.purge(&[], true, mode)),
                    Step::Position => live.take_position(Epoch::new(applied.term, applied.seq + 2)),
                    Step::Elsewhere(object) => {
                        objects[object].is_invalidated = true;
                        live.changed_elsewhere();
                    }
                    Step::Store(object, tags) => {
                        objects[object] = Stored { stamp: live.stamp(), tags: hashes(&tags), ..Stored::default() };
                    }
                    Step::Check(object) => {
                        let object = &objects[object];
                        let elsewhere = if object.is_invalidated { Verdict::Purged } else { Verdict::Servable };
                        let cached = live.verdict_cached(&object.checked, || (object.stamp, &object.tags), || elsewhere);
                        prop_assert_eq!(cached, live.verdict(object.stamp, &object.tags).max(elsewhere));
                    }
                }
            }
        }
    }
}
