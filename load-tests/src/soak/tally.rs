//! What is counted while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// How many wrong answers are told in words.
const TOLD: usize = 5;

/// Counters that all clients share.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Answers with a head, or none where one was due.
    pub(super) requests: Count,
    pub(super) hits: Count,
    /// Bytes of contents.
    pub(super) bytes: Count,
    /// Answers that ended before they were whole, which clients can tell.
    pub(super) cut: Count,
    /// Answers of the proxy itself, where the origin gave none.
    pub(super) failed: Count,
    /// Answers that clients left.
    pub(super) left: Count,
    /// Connections that were held and that the proxy ended.
    pub(super) ended: Count,
    wrong: Count,
    told: Mutex<Vec<String>>,
}

/// One number.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

// === impl Tally ===

impl Tally {
    /// An answer that is not what the origin has.
    pub(super) fn wrong(&self, what: String) {
        self.wrong.add(1);
        let mut told = self.told.lock();
        if told.len() < TOLD {
            told.push(what);
        }
    }

    pub(super) fn wrong_answers(&self) -> u64 {
        self.wrong.get()
    }

    /// The first of them, in words.
    pub(super) fn told(&self) -> Vec<String> {
        self.told.lock().clone()
    }
}

// === impl Count ===

impl Count {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
