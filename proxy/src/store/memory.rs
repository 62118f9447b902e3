//! Objects in memory: sharded, bounded by weight, evicted by the policy of `quick_cache` (akin to S3-FIFO). Replaceable behind [`Store`].

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use prometheus::IntCounter;
use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};

use super::body::StoredBody;
use super::derived::Derived;
use super::object::Object;
use super::variants::Variants;
use crate::encoding::Form;
use crate::key::CacheKey;

/// Assumed average weight of an entry, to size the shards' tables.
const AVERAGE_WEIGHT: u64 = 8 * 1024;
/// Shards, where the budget allows: an entry heavier than a shard's part of the budget is not stored.
const SHARDS: usize = 16;
/// Least part of the budget for one shard.
const LEAST_SHARD: u64 = 64 << 20;
/// What an entry costs besides what it holds: the table's slot, the queue's node and the allocations' own heads.
pub(super) const ENTRY_OVERHEAD: u64 = 256;

/// What stands under a key.
#[derive(Clone, Debug)]
pub enum Entry {
    /// An object.
    Object(Object),
    /// The fields on which the objects depend that lie below this key.
    Variants(Arc<Variants>),
    /// A stored body in another form, under its own kind of key.
    Derived(Arc<Derived>),
}

/// What a look under a primary key finds.
#[derive(Clone, Debug)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// An object that does not vary.
    Object(Object),
    /// Variants; the second look is made under the key that they lead to.
    Variants(Arc<Variants>),
}

/// What a look means for the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A request wants it: it is kept the longer.
    Use,
    /// Somebody looks on; nothing changes.
    Peek,
}

/// The memory store.
pub struct Store {
    cache: Cache<u128, Entry, Weight, BuildHasherDefault<Passed>, CountEvictions>,
    largest: u64,
    most_variants: usize,
}

/// The keys are random hashes already.
#[derive(Clone, Copy, Debug, Default)]
struct Passed(u64);

#[derive(Clone, Copy, Debug)]
struct Weight {
    most_variants: usize,
}

#[derive(Clone, Debug)]
struct CountEvictions(IntCounter);

// === impl Store ===

impl Store {
    /// A store of at most `capacity` bytes, everything that an entry costs included, and of at most `most_variants` variants of
    /// one URL.
    pub fn new(capacity: u64, most_variants: usize, evictions: IntCounter) -> Result<Self, StoreError> {
        let shards = usize::try_from(capacity / LEAST_SHARD).unwrap_or(SHARDS).clamp(1, SHARDS).next_power_of_two();
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(usize::try_from(capacity / AVERAGE_WEIGHT).unwrap_or(usize::MAX).max(64))
            .weight_capacity(capacity)
            .build()
            .map_err(|error| StoreError(error.to_string()))?;
        let cache = Cache::with_options(
            options,
            Weight { most_variants },
            BuildHasherDefault::default(),
            CountEvictions(evictions),
        );
        Ok(Self { cache, largest: capacity / shards as u64, most_variants })
    }

    /// Looks under a primary key, for a request.
    pub fn find(&self, key: &CacheKey) -> Found {
        self.look(key, Look::Use)
    }

    /// Looks under a primary key.
    pub fn look(&self, key: &CacheKey, look: Look) -> Found {
        self.find_by(key.hash(), key.as_bytes(), look)
    }

    /// As [`Store::look`], by the [hash](CacheKey::hash) and the [framed parts](CacheKey::as_bytes) of a key. Allocates nothing.
    pub fn find_by(&self, hash: u128, framed: &[u8], look: Look) -> Found {
        let entry = match look {
            Look::Use => self.cache.get(&hash),
            Look::Peek => self.cache.peek(&hash),
        };
        match entry {
            Some(Entry::Object(object)) if object.framed_key() == framed => Found::Object(object),
            Some(Entry::Variants(variants)) if variants.key.as_bytes() == framed => Found::Variants(variants),
            Some(_) | None => Found::Nothing,
        }
    }

    /// Looks for an object, under a variant's key, for a request.
    pub fn object(&self, key: &CacheKey) -> Option<Object> {
        self.look_for_object(key, Look::Use)
    }

    /// Looks for an object, under a variant's key.
    pub fn look_for_object(&self, key: &CacheKey, look: Look) -> Option<Object> {
        match self.look(key, look) {
            Found::Object(object) => {
                if look == Look::Use {
                    object.note_found();
                }
                Some(object)
            }
            Found::Variants(_) | Found::Nothing => None,
        }
    }

    /// The object that stands under the key of this one, for a request.
    pub fn same(&self, object: &Object) -> Option<Object> {
        match self.find_by(object.hash(), object.framed_key(), Look::Use) {
            Found::Object(found) => Some(found),
            Found::Variants(_) | Found::Nothing => None,
        }
    }

    /// All objects, in no order that means anything. A shard is locked for the step to one entry; what comes or goes meanwhile
    /// may be among them or not.
    pub fn objects(&self) -> impl Iterator<Item = Object> {
        self.cache.iter().filter_map(|(_, entry)| match entry {
            Entry::Object(object) => Some(object),
            Entry::Variants(_) | Entry::Derived(_) => None,
        })
    }

    /// Stores an object under its own key.
    pub fn insert(&self, object: Object) {
        self.cache.insert(object.hash(), Entry::Object(object));
    }

    /// Stores one of the variants below a primary key, and drops another where there are too many of them.
    pub fn insert_variant(&self, object: Object, primary: &CacheKey) {
        let variant = object.hash();
        self.insert(object);
        if let Found::Variants(variants) = self.find(primary) {
            let in_use = |other: u128| match self.cache.peek(&other) {
                Some(Entry::Object(object)) => object.was_found(),
                Some(_) | None => false,
            };
            if let Some(goes) = variants.keep(variant, self.most_variants, in_use) {
                self.cache.remove(&goes);
            }
        }
    }

    /// Stores what the objects below a primary key depend on, unless that is known.
    pub fn insert_variants(&self, variants: Arc<Variants>) {
        let known = matches!(self.find(&variants.key), Found::Variants(known) if known.spec == variants.spec);
        if !known {
            self.cache.insert(variants.key.hash(), Entry::Variants(variants));
        }
    }

    /// Removes an object, unless another has taken its place.
    pub fn withdraw(&self, object: &Object) {
        let is_it = |entry: &Entry| matches!(entry, Entry::Object(stored) if stored.is(object));
        self.cache.remove_if(&object.hash(), is_it);
    }

    /// A body in another form, where that was derived.
    pub fn derived(&self, body: &StoredBody, form: Form) -> Option<Arc<Derived>> {
        match self.cache.get(&Derived::place(body.id(), form)) {
            Some(Entry::Derived(derived)) if derived.of == body.id() && derived.form == form => Some(derived),
            Some(_) | None => None,
        }
    }

    /// Stores a derived body.
    pub fn insert_derived(&self, derived: Arc<Derived>) {
        self.cache.insert(Derived::place(derived.of, derived.form), Entry::Derived(derived));
    }

    /// The heaviest entry that finds room.
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes in use.
    pub fn bytes(&self) -> u64 {
        self.cache.weight()
    }

    /// Most bytes that may be used.
    pub fn capacity(&self) -> u64 {
        self.cache.capacity()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("len", &self.len()).field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

/// The store cannot be made as configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the memory store cannot be made: {0}")]
pub struct StoreError(String);

// === impl quick_cache's traits ===

impl Weighter<u128, Entry> for Weight {
    fn weight(&self, _: &u128, entry: &Entry) -> u64 {
        match entry {
            Entry::Object(object) => object.weight(),
            Entry::Variants(variants) => variants.weight(self.most_variants),
            Entry::Derived(derived) => derived.weight(),
        }
    }
}

impl Lifecycle<u128, Entry> for CountEvictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: u128, _: Entry) {
        self.0.inc();
    }
}

impl Hasher for Passed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = self.0.rotate_left(32) ^ u64::from_ne_bytes(word);
        }
    }
}
