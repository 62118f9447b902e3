//! One tag table, shared by the tasks of a process, so that between purges a check costs one atomic load.

use std::borrow::Borrow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{ApplyError, Reached, Snapshot, Stamp, TagTable, Verdict};
use crate::epoch::Epoch;
use crate::feed::{Batch, Mode};
use crate::tag::TagHash;

/// A [`TagTable`] behind a lock, with a generation that grows whenever a verdict may have changed.
#[derive(Debug)]
pub struct Live {
    table: RwLock<TagTable>,
    generation: AtomicU64,
}

/// At which generation an object was last found servable; kept beside the object.
#[derive(Debug, Default)]
pub struct Checked(AtomicU64);

// === impl Live ===

impl Live {
    /// Shares `table`.
    pub fn new(table: TagTable) -> Self {
        Self {
            table: RwLock::new(table),
            // A fresh `Checked` holds 0 and must not pass for checked.
            generation: AtomicU64::new(1),
        }
    }

    /// Where this member stands, by both clocks: read it *before* asking for content (rule 6).
    pub fn stamp(&self) -> Stamp {
        self.read().stamp()
    }

    /// The epoch up to which every purge of the feed was applied; a stamp where only the feed purges.
    pub fn applied(&self) -> Epoch {
        self.read().applied()
    }

    /// The current floor.
    pub fn floor(&self) -> Epoch {
        self.read().floor()
    }

    /// How many tags the table holds.
    pub fn tags(&self) -> usize {
        self.read().len()
    }

    /// Applies a batch; when this returns, no later verdict ignores it.
    pub fn apply(&self, batch: &Batch) -> Result<usize, ApplyError> {
        let mut table = self.write();
        let new = table.apply(batch)?;
        if new > 0 {
            self.generation.fetch_add(1, Ordering::Release);
        }
        Ok(new)
    }

    /// A purge that is made at this member; returns its number. When this returns, no later verdict ignores it.
    pub fn purge(&self, tags: &[TagHash], everything: bool, mode: Mode) -> u64 {
        let mut table = self.write();
        let at = table.purge(tags, everything, mode);
        self.generation.fetch_add(1, Ordering::Release);
        at
    }

    /// See [`TagTable::tick`].
    pub fn tick(&self) -> u64 {
        self.write().tick()
    }

    /// See [`TagTable::take_position`].
    pub fn take_position(&self, position: Epoch) {
        let mut table = self.write();
        table.take_position(position);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// See [`TagTable::start_over`].
    pub fn start_over(&self, position: Epoch) -> u64 {
        let mut table = self.write();
        let at = table.start_over(position);
        self.generation.fetch_add(1, Ordering::Release);
        at
    }

    /// See [`TagTable::snapshot`]. Purges wait while it is taken, which takes some milliseconds where there are a million tags.
    pub fn snapshot(&self) -> Snapshot {
        self.read().snapshot()
    }

    /// May an object with this stamp and these tags be served?
    pub fn verdict(&self, stamp: impl Into<Stamp>, tags: impl IntoIterator<Item: Borrow<TagHash>> + Copy) -> Verdict {
        self.read().verdict(stamp.into(), tags)
    }

    /// See [`TagTable::reached`].
    pub fn reached(&self, stamp: Stamp, tags: &[TagHash]) -> Vec<Reached> {
        self.read().reached(stamp, tags)
    }

    /// As [`Live::verdict`], remembered in `checked`: between purges this compares one number instead of all tags.
    pub fn verdict_cached(
        &self,
        checked: &Checked,
        stamp: impl Into<Stamp>,
        tags: impl IntoIterator<Item: Borrow<TagHash>> + Copy,
    ) -> Verdict {
        let generation = self.generation.load(Ordering::Acquire);
        if checked.0.load(Ordering::Relaxed) == generation {
            return Verdict::Servable;
        }
        let table = self.read();
        // Read under the lock: writers change it only while they hold the lock, so it belongs to this very table.
        let generation = self.generation.load(Ordering::Acquire);
        let verdict = table.verdict(stamp.into(), tags);
        if verdict == Verdict::Servable {
            checked.0.store(generation, Ordering::Relaxed);
        }
        verdict
    }

    // A poisoned lock means a panic between two plain assignments; the table is then at worst purging too much.
    fn read(&self) -> RwLockReadGuard<'_, TagTable> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, TagTable> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::{Mode, Purge};
    use crate::tag::Tag;

    #[test]
    fn a_remembered_verdict_does_not_outlive_a_purge() {
        let live = Live::new(TagTable::at(Epoch::new(1, 0), 10));
        let checked = Checked::default();
        let tags = [Tag::product("1").hash()];
        let stamp = live.applied();
        assert_eq!(live.verdict_cached(&checked, stamp, &tags), Verdict::Servable);
        assert_eq!(live.verdict_cached(&checked, stamp, &tags), Verdict::Servable);
        let purge = Purge { seq: 1, mode: Mode::Hard, tags: vec![Tag::product("1")], everything: false, event: None };
        live.apply(&Batch::new(1, Epoch::new(1, 0), vec![purge]).unwrap()).unwrap();
        assert_eq!(live.verdict_cached(&checked, stamp, &tags), Verdict::Purged);
        assert_eq!(live.verdict_cached(&checked, live.applied(), &tags), Verdict::Servable);
        let stamp = live.stamp();
        assert_eq!(live.purge(&tags, false, Mode::Soft), 1);
        assert_eq!(live.verdict_cached(&checked, stamp, &tags), Verdict::SoftPurged);
        assert_eq!(live.verdict_cached(&checked, live.stamp(), &tags), Verdict::Servable);
    }
}
