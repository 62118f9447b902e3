//! How many bytes the bodies of running fills may keep, all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes that running fills may keep; cheap to clone.
#[derive(Clone, Debug)]
pub struct FillBudget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: u64,
    used: AtomicU64,
}

/// One fill's part of the budget, given back when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: FillBudget,
    bytes: u64,
}

// === impl FillBudget ===

impl FillBudget {
    /// A budget of `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self(Arc::new(Inner { limit, used: AtomicU64::new(0) }))
    }

    /// An empty part of it.
    pub fn reserve(&self) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }
}

// === impl Reservation ===

impl Reservation {
    /// Adds `bytes`; `false`, and nothing added, where the budget is used up.
    pub fn grow(&mut self, bytes: u64) -> bool {
        let inner = &self.budget.0;
        let grown = inner.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|&sum| sum <= inner.limit)
        });
        if grown.is_ok() {
            self.bytes += bytes;
        }
        grown.is_ok()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_given_back() {
        let budget = FillBudget::new(10);
        let mut first = budget.reserve();
        let mut second = budget.reserve();
        assert!(first.grow(6));
        assert!(!second.grow(5));
        assert!(second.grow(4));
        drop(first);
        assert!(second.grow(6));
        assert_eq!(budget.used(), 10);
        drop(second);
        assert_eq!(budget.used(), 0);
    }
}
