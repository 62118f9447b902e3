//! Counts by worker, rule and outcome. Each worker thread writes to cells of its own, which nobody else writes to; they are added up
//! when they are read.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::reason::Outcome;

/// Most worker threads with cells of their own; beyond, they share.
const MAX_WORKERS: usize = 1024;
/// Most rules that are counted under names of their own.
pub(super) const MAX_RULES: usize = 4096;
/// Of so many requests one is timed.
const TIMED: u64 = 64;

/// All counts.
#[derive(Debug)]
pub(super) struct Cells {
    workers: Box<[OnceLock<Box<Worker>>]>,
    /// Of all others.
    shared: Worker,
}

/// The counts of one thread. Lines of the cache are not shared, by pairs even, as they are fetched.
#[derive(Debug)]
#[repr(align(128))]
struct Worker {
    rules: Box<[OnceLock<Box<Row>>]>,
    bytes: AtomicU64,
    begun: AtomicU64,
}

/// The counts of one rule, by outcome.
#[derive(Debug)]
#[repr(align(128))]
struct Row([AtomicU64; Outcome::COUNT]);

// === impl Cells ===

impl Cells {
    pub(super) fn new() -> Self {
        Self { workers: (0..MAX_WORKERS).map(|_| OnceLock::new()).collect(), shared: Worker::new() }
    }

    /// Counts one request by a thread that is alone with this number.
    pub(super) fn count_alone(&self, worker: usize, rule: usize, outcome: Outcome, bytes: u64) {
        let Some(worker) = self.worker(worker) else {
            return self.count(rule, outcome, bytes);
        };
        if let Some(cell) = worker.cell(rule, outcome) {
            add_alone(cell, 1);
        }
        add_alone(&worker.bytes, bytes);
    }

    /// Counts one request by any thread.
    pub(super) fn count(&self, rule: usize, outcome: Outcome, bytes: u64) {
        if let Some(cell) = self.shared.cell(rule, outcome) {
            cell.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether the request that begins now is one of those that are timed.
    pub(super) fn is_timed(&self, worker: usize) -> bool {
        self.worker(worker).is_some_and(|worker| add_alone(&worker.begun, 1).is_multiple_of(TIMED))
    }

    /// How many requests of this rule had this outcome.
    pub(super) fn requests(&self, rule: usize, outcome: Outcome) -> u64 {
        let rows = self.all().filter_map(|worker| worker.rules.get(rule)?.get());
        rows.map(|row| row.0[outcome.index()].load(Ordering::Relaxed)).sum()
    }

    /// Bytes of bodies.
    pub(super) fn bytes(&self) -> u64 {
        self.all().map(|worker| worker.bytes.load(Ordering::Relaxed)).sum()
    }

    /// Begins anew for a rule that nobody counts under.
    pub(super) fn clear(&self, rule: usize) {
        for row in self.all().filter_map(|worker| worker.rules.get(rule)?.get()) {
            row.0.iter().for_each(|cell| cell.store(0, Ordering::Relaxed));
        }
    }

    fn all(&self) -> impl Iterator<Item = &Worker> {
        self.workers.iter().filter_map(|worker| worker.get().map(Box::as_ref)).chain([&self.shared])
    }

    fn worker(&self, number: usize) -> Option<&Worker> {
        self.workers.get(number).map(|worker| worker.get_or_init(|| Box::new(Worker::new())).as_ref())
    }
}

// === impl Worker ===

impl Worker {
    fn new() -> Self {
        let rules = (0..MAX_RULES).map(|_| OnceLock::new()).collect();
        Self { rules, bytes: AtomicU64::new(0), begun: AtomicU64::new(0) }
    }

    fn cell(&self, rule: usize, outcome: Outcome) -> Option<&AtomicU64> {
        let row = self.rules.get(rule)?.get_or_init(|| Box::new(Row([const { AtomicU64::new(0) }; Outcome::COUNT])));
        row.0.get(outcome.index())
    }
}

/// Adds where no other thread does, without a locked instruction; gives back what was there.
fn add_alone(cell: &AtomicU64, more: u64) -> u64 {
    let before = cell.load(Ordering::Relaxed);
    cell.store(before.wrapping_add(more), Ordering::Relaxed);
    before
}
