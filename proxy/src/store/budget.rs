//! The bytes that everything stored, and everything on its way, takes together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// What bytes are taken by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Objects: keys, heads, tags, marks of URLs, and bodies that lie in one piece with them.
    Objects,
    /// Other bodies of objects.
    Bodies,
    /// Bodies that were derived from others, and by what objects vary.
    Derived,
    /// Bodies on their way.
    Fills,
    /// Tables and queues.
    Index,
    /// All else that the process has in use: connections, buffers, tags, templates.
    Process,
}

/// How many kinds there are.
const KINDS: usize = 6;

/// Bytes, counted by kind, and how many there may be.
#[derive(Debug)]
pub(super) struct Budget {
    capacity: u64,
    total: AtomicU64,
    by_kind: [AtomicU64; KINDS],
}

/// Bytes that are counted as long as this is there.
#[derive(Debug)]
pub struct Charge {
    budget: Arc<Budget>,
    counted: Mutex<(Kind, u64)>,
}

// === impl Kind ===

impl Kind {
    /// All of them.
    pub const ALL: [Self; KINDS] =
        [Self::Objects, Self::Bodies, Self::Derived, Self::Fills, Self::Index, Self::Process];

    /// As the metrics name it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Bodies => "bodies",
            Self::Derived => "derived",
            Self::Fills => "fills",
            Self::Index => "index",
            Self::Process => "process",
        }
    }
}

// === impl Budget ===

impl Budget {
    pub(super) fn new(capacity: u64) -> Arc<Self> {
        Arc::new(Self { capacity, total: AtomicU64::new(0), by_kind: std::array::from_fn(|_| AtomicU64::new(0)) })
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    pub(super) fn of(&self, kind: Kind) -> u64 {
        self.by_kind[kind as usize].load(Ordering::Relaxed)
    }

    /// Whether so many more fit in.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.total().saturating_add(bytes) <= self.capacity
    }

    /// Counts more where there is room for it.
    fn try_add(&self, kind: Kind, bytes: u64) -> bool {
        let grown = |total: u64| total.checked_add(bytes).filter(|total| *total <= self.capacity);
        let has_room = self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok();
        if has_room {
            self.by_kind[kind as usize].fetch_add(bytes, Ordering::Relaxed);
        }
        has_room
    }

    pub(super) fn add(&self, kind: Kind, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
        self.by_kind[kind as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn sub(&self, kind: Kind, bytes: u64) {
        self.total.fetch_sub(bytes, Ordering::Relaxed);
        self.by_kind[kind as usize].fetch_sub(bytes, Ordering::Relaxed);
    }

    /// What took `before` takes `after` now.
    pub(super) fn change(&self, kind: Kind, before: u64, after: u64) {
        if after > before {
            self.add(kind, after - before);
        } else {
            self.sub(kind, before - after);
        }
    }

    /// A charge of nothing yet.
    pub(super) fn charge(self: &Arc<Self>, kind: Kind) -> Charge {
        Charge { budget: self.clone(), counted: Mutex::new((kind, 0)) }
    }
}

// === impl Charge ===

impl Charge {
    /// Counts more; `false`, and nothing counted, where there is no room.
    pub(super) fn try_add(&self, more: u64) -> bool {
        let (kind, bytes) = &mut *self.counted.lock();
        let has_room = self.budget.try_add(*kind, more);
        if has_room {
            *bytes += more;
        }
        has_room
    }

    /// Counts more, whether there is room or not.
    pub(super) fn add(&self, more: u64) {
        let (kind, bytes) = &mut *self.counted.lock();
        self.budget.add(*kind, more);
        *bytes += more;
    }

    /// Counts less.
    pub(crate) fn give_back(&self, less: u64) {
        let (kind, bytes) = &mut *self.counted.lock();
        let less = less.min(*bytes);
        self.budget.sub(*kind, less);
        *bytes -= less;
    }

    /// The same bytes are taken by something else now.
    pub(crate) fn becomes(&self, kind: Kind) {
        let (before, bytes) = &mut *self.counted.lock();
        self.budget.add(kind, *bytes);
        self.budget.sub(*before, *bytes);
        *before = kind;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let (kind, bytes) = *self.counted.get_mut();
        self.budget.sub(kind, bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_given_back_to_its_kind() {
        let budget = Budget::new(100);
        let fill = budget.charge(Kind::Fills);
        assert!(!fill.try_add(101) && fill.try_add(40));
        fill.add(20);
        fill.give_back(10);
        assert!((budget.total(), budget.of(Kind::Fills)) == (50, 50) && budget.has_room(50) && !budget.has_room(51));
        fill.becomes(Kind::Bodies);
        assert_eq!((budget.total(), budget.of(Kind::Fills), budget.of(Kind::Bodies)), (50, 0, 50));
        drop(fill);
        assert_eq!((budget.total(), budget.of(Kind::Bodies)), (0, 0));
    }
}
