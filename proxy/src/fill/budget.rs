//! The bytes that running fills hold: a part of the store's one budget, for which what is stored makes room.

use std::sync::Arc;

use crate::store::{Charge, Kind, Store};

/// The bytes that running fills hold; cheap to clone.
#[derive(Clone, Debug)]
pub struct FillBudget(Arc<Store>);

/// One fill's part of them, given back when it is dropped.
#[derive(Debug)]
pub struct Reservation {
    store: Arc<Store>,
    charge: Arc<Charge>,
}

// === impl FillBudget ===

impl FillBudget {
    /// A part of the budget of this store.
    pub fn new(store: Arc<Store>) -> Self {
        Self(store)
    }

    /// An empty part of it.
    pub fn reserve(&self) -> Reservation {
        Reservation { store: self.0.clone(), charge: Arc::new(self.0.charge_fill()) }
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        self.0.bytes_of(Kind::Fills)
    }
}

// === impl Reservation ===

impl Reservation {
    /// Adds `bytes`, for which what is stored makes room; `false`, and nothing added, where that does not help.
    pub fn grow(&self, bytes: u64) -> bool {
        self.store.grow_fill(&self.charge, bytes)
    }

    /// Adds `bytes` that are held in any case.
    pub fn force(&self, bytes: u64) {
        self.store.force_fill(&self.charge, bytes);
    }

    /// Gives `bytes` back.
    pub fn shrink(&self, bytes: u64) {
        self.charge.give_back(bytes);
    }

    /// Whether more is taken than there is room for.
    pub fn is_over(&self) -> bool {
        self.store.is_over()
    }

    /// What counts the bytes, for a body that is whole: they stay counted as long as either is there.
    pub fn whole(&self) -> Arc<Charge> {
        self.charge.becomes(Kind::Bodies);
        self.charge.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::store;

    #[test]
    fn what_is_dropped_is_given_back_and_what_is_whole_is_counted_by_who_keeps_it() {
        let budget = FillBudget::new(Arc::new(store(1_000)));
        let (first, second) = (budget.reserve(), budget.reserve());
        assert!(first.grow(300) && !second.grow(201), "fills may take a half");
        assert!(second.grow(200));
        drop(first);
        assert!(second.grow(300) && !second.grow(1));
        second.force(600);
        assert!(second.is_over() && budget.used() == 1_100, "what must be held is counted though there is no room");
        let whole = second.whole();
        drop(second);
        assert_eq!((budget.used(), budget.0.bytes_of(Kind::Bodies)), (0, 1_100));
        drop(whole);
        assert_eq!(budget.0.bytes(), 0);
    }
}
