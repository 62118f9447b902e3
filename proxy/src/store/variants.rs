//! The variants of one URL: by which fields its objects differ, and which of them are kept.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::HeaderMap;
use parking_lot::Mutex;

use super::budget::Kind;
use super::node::Node;
use super::object::short;
use super::table::Entry;
use crate::key::{CacheKey, Framer};
use crate::vary::VarySpec;

/// Bytes that a field's name costs besides itself.
const NAME_OVERHEAD: usize = 96;
/// Bytes that it costs besides what it holds.
const FIXED: usize = 256;

/// The fields by which the objects below a primary key differ, and the objects that are kept of them.
#[derive(Debug)]
pub struct Variants {
    /// The primary key.
    pub key: CacheKey,
    /// The fields.
    pub spec: VarySpec,
    /// Hashes of the variants' keys, the oldest first. One whose object was evicted stays until it is the oldest.
    kept: Mutex<VecDeque<u128>>,
    /// The most that are kept, by which it is weighed; set when it is stored.
    most: AtomicUsize,
    node: Node,
}

impl Variants {
    /// Of a primary key; no variant is kept yet.
    pub fn new(key: CacheKey, spec: VarySpec) -> Self {
        Self { key, spec, kept: Mutex::default(), most: AtomicUsize::new(0), node: Node::default() }
    }

    /// The key of the variant for these fields, as a fill sends them.
    pub fn variant(&self, sent: &HeaderMap) -> CacheKey {
        let mut framer = Framer::with_capacity(self.key.as_bytes().len() + 64);
        // A primary key begins with its layout's number, which is never zero.
        framer.number(0);
        framer.part(self.key.as_bytes());
        framer.part(self.spec.variant(sent).as_bytes());
        framer.finish()
    }

    /// At most so many are going to be kept.
    pub(super) fn reserve(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// The variants that are kept, the oldest first.
    pub fn kept(&self) -> Vec<u128> {
        self.kept.lock().iter().copied().collect()
    }

    /// Notes a variant; where there are more than `most`, gives back one that has to go: the oldest that `in_use` denies, which
    /// is asked once for each, so that strangers who invent variants push out their own and not those that others ask for.
    pub(super) fn keep(&self, variant: u128, most: usize, mut in_use: impl FnMut(u128) -> bool) -> Option<u128> {
        let mut kept = self.kept.lock();
        if kept.contains(&variant) {
            return None;
        }
        let mut goes = None;
        if kept.len() >= most.max(1) {
            for _ in 0..kept.len() {
                let oldest = kept.pop_front()?;
                if in_use(oldest) {
                    kept.push_back(oldest);
                } else {
                    goes = Some(oldest);
                    break;
                }
            }
            // All are in use: the oldest goes all the same.
            goes = goes.or_else(|| kept.pop_front());
        }
        kept.push_back(variant);
        goes
    }
}

impl Entry for Arc<Variants> {
    const TABLE: u8 = 2;
    const KIND: Kind = Kind::Derived;

    fn short(&self) -> u32 {
        short(self.key.hash())
    }

    fn node(&self) -> &Node {
        &self.node
    }

    fn weight(&self) -> u64 {
        let names: usize = self.spec.names().iter().map(|name| name.as_str().len() + NAME_OVERHEAD).sum();
        let most = self.most.load(Ordering::Relaxed);
        (FIXED + size_of::<Variants>() + self.key.as_bytes().len() + names + most * size_of::<u128>()) as u64
    }

    fn own(&self) -> u64 {
        self.weight()
    }

    fn is_held(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_nobody_asks_for_makes_room() {
        let mut framer = Framer::with_capacity(8);
        framer.number(1);
        let variants = Variants::new(framer.finish(), VarySpec::default());
        let keep = |variant, used: &[u128]| variants.keep(variant, 3, |asked| used.contains(&asked));
        for variant in [1, 2, 3, 2] {
            assert_eq!(keep(variant, &[]), None);
        }
        assert_eq!(keep(4, &[1]), Some(2), "1 is in use");
        assert_eq!(keep(5, &[]), Some(3));
        assert_eq!(keep(6, &[1, 4, 5]), Some(1), "all are in use");
        assert_eq!(variants.kept(), [4, 5, 6]);
    }
}
