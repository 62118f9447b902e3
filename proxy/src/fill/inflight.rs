//! The fills under way, by key: what makes many first requests one request to the upstream.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use parking_lot::Mutex;

use super::running::{Fill, Started};

/// Parts of the map, so that fills of different keys rarely wait for one another.
const SHARDS: usize = 16;

/// The fills that may be joined.
#[derive(Debug)]
pub struct Inflight {
    shards: [Mutex<HashMap<u128, Arc<Fill>>>; SHARDS],
}

/// What a request found.
#[derive(Debug)]
pub enum Place {
    /// A fill that was already under way.
    Joined(Arc<Fill>),
    /// This request began it, and must see to it that it runs.
    Started(Started),
    /// None was begun: what it would bring has been stored in the meantime.
    NotNeeded,
}

// === impl Inflight ===

impl Default for Inflight {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl Inflight {
    /// Joins the fill under `key`, or puts the one that `start` makes in its place.
    ///
    /// A fill that `refused` names, by address, was found unusable by this request and is replaced; others may still be
    /// reading from it. `start` runs under the map's lock and a fill is taken out of the map only after it has stored its
    /// object, so that `start` can look into the store once more and never repeats a fill that has just ended.
    pub fn join_or_start(
        &self,
        key: u128,
        refused: Option<&Arc<Fill>>,
        start: impl FnOnce() -> Option<Started>,
    ) -> Place {
        match self.shard(key).lock().entry(key) {
            Entry::Occupied(mut entry) => {
                if refused.is_some_and(|refused| Arc::ptr_eq(refused, entry.get())) {
                    start().map_or(Place::NotNeeded, |started| {
                        entry.insert(started.fill.clone());
                        Place::Started(started)
                    })
                } else {
                    Place::Joined(entry.get().clone())
                }
            }
            Entry::Vacant(entry) => start().map_or(Place::NotNeeded, |started| {
                entry.insert(started.fill.clone());
                Place::Started(started)
            }),
        }
    }

    /// Starts a fill unless one is under way; for refreshing behind.
    pub fn start_alone(&self, key: u128, start: impl FnOnce() -> Option<Started>) -> Option<Started> {
        match self.shard(key).lock().entry(key) {
            Entry::Occupied(_) => None,
            Entry::Vacant(entry) => {
                let started = start()?;
                entry.insert(started.fill.clone());
                Some(started)
            }
        }
    }

    /// Puts a fill that is under way under one more key, unless another one is there.
    pub fn add(&self, key: u128, fill: &Arc<Fill>) {
        self.shard(key).lock().entry(key).or_insert_with(|| fill.clone());
    }

    /// Takes a fill out, unless another one has taken its place.
    pub fn remove(&self, key: u128, fill: &Arc<Fill>) {
        if let Entry::Occupied(entry) = self.shard(key).lock().entry(key)
            && Arc::ptr_eq(entry.get(), fill)
        {
            entry.remove();
        }
    }

    /// Whether one is under way for a key.
    pub fn has(&self, key: u128) -> bool {
        self.shard(key).lock().contains_key(&key)
    }

    /// How many are under way.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: u128) -> &Mutex<HashMap<u128, Arc<Fill>>> {
        // The key is a hash already; its low bits are as good as any.
        let index = usize::try_from(key % SHARDS as u128).unwrap_or(0);
        &self.shards[index]
    }
}
