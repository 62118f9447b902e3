//! Entries by hash: sharded, so that who looks rarely waits for who stores, and never for another who looks.

use hashbrown::HashTable;
use parking_lot::RwLock;

use super::budget::{Budget, Kind};
use super::node::Node;

/// Parts of a table; a power of two.
pub const PARTS: usize = 64;

/// What stands in a table. To clone it counts one up.
pub(super) trait Entry: Clone {
    /// Which table: a part of its policy's ticket.
    const TABLE: u8;
    /// What its own bytes are counted as.
    const KIND: Kind;
    /// A part of the hash of its key.
    fn short(&self) -> u32;
    /// Its standing with the policy.
    fn node(&self) -> &Node;
    /// What it weighs, in bytes; the same as long as it is there.
    fn weight(&self) -> u64;
    /// What of that is not counted elsewhere.
    fn own(&self) -> u64;
    /// Whether others hold on to it, so that its memory would not come free.
    fn is_held(&self) -> bool;
}

/// Entries by the short hash of their key.
pub(super) struct Table<E> {
    shards: [Shard<E>; PARTS],
}

/// A walk through one part of a table, a little at a time.
#[derive(Clone, Debug)]
pub struct Part {
    number: usize,
    bucket: usize,
    /// How many places there were when it was last looked at.
    buckets: Option<usize>,
    is_whole: bool,
}

/// On a cache line of its own: a reader counts itself in.
#[repr(align(64))]
struct Shard<E>(RwLock<HashTable<E>>);

// === impl Part ===

impl Part {
    /// From the beginning of one of the [`PARTS`].
    pub fn of(number: usize) -> Self {
        Self { number, bucket: 0, buckets: None, is_whole: true }
    }

    /// Whether each entry was seen once that was there all the while: what grows or shrinks moves its entries.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
}

// === impl Table ===

impl<E> Default for Table<E> {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Shard(RwLock::new(HashTable::new()))) }
    }
}

impl<E: Entry> Table<E> {
    /// Lets `with` look at the entry that `is` recognises, under the lock that all readers share.
    pub(super) fn find<T>(&self, short: u32, is: impl Fn(&E) -> bool, with: impl FnOnce(&E) -> T) -> Option<T> {
        self.shard(short).read().find(spread(short), is).map(with)
    }

    /// Puts an entry in, in the place of the one that `is` recognises.
    pub(super) fn put(&self, entry: E, is: impl Fn(&E) -> bool, budget: &Budget) -> Option<E> {
        let mut shard = self.shard(entry.short()).write();
        let hash = spread(entry.short());
        if let Some(stored) = shard.find_mut(hash, is) {
            return Some(std::mem::replace(stored, entry));
        }
        let before = shard.allocation_size();
        shard.insert_unique(hash, entry, |entry| spread(entry.short()));
        budget.change(Kind::Index, before as u64, shard.allocation_size() as u64);
        None
    }

    /// Takes out the entry that `is` recognises.
    pub(super) fn take(&self, short: u32, is: impl Fn(&E) -> bool, budget: &Budget) -> Option<E> {
        let mut shard = self.shard(short).write();
        let (entry, _) = shard.find_entry(spread(short), is).ok()?.remove();
        // What was many small entries may be few large ones now.
        if shard.capacity() > 256 && shard.len() * 8 < shard.capacity() {
            let before = shard.allocation_size();
            let room = shard.len() * 2;
            shard.shrink_to(room, |entry| spread(entry.short()));
            budget.change(Kind::Index, before as u64, shard.allocation_size() as u64);
        }
        Some(entry)
    }

    /// Clones of all entries, shard by shard: what comes or goes meanwhile may be among them or not.
    pub(super) fn iter(&self) -> impl Iterator<Item = E> {
        self.shards.iter().flat_map(|shard| shard.0.read().iter().cloned().collect::<Vec<_>>())
    }

    /// Clones of the next entries of a part, from at most so many places; `None` at its end.
    pub(super) fn next(&self, from: &mut Part, places: usize) -> Option<Vec<E>> {
        let shard = self.shards.get(from.number)?.0.read();
        let buckets = shard.num_buckets();
        from.is_whole &= from.buckets.is_none_or(|before| before == buckets);
        from.buckets = Some(buckets);
        let begin = from.bucket;
        let end = begin.saturating_add(places).min(buckets);
        from.bucket = end;
        (begin < end).then(|| (begin..end).filter_map(|bucket| shard.get_bucket(bucket).cloned()).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.read().len()).sum()
    }

    fn shard(&self, short: u32) -> &RwLock<HashTable<E>> {
        &self.shards[part_of(short)].0
    }
}

/// The part of a table in which an entry stands.
pub(super) fn part_of(short: u32) -> usize {
    short as usize % PARTS
}

/// The shards take the lowest bits, and the tables want 64 of which the lowest and the highest count: each from all bits.
fn spread(short: u32) -> u64 {
    let spread = u64::from(short).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    spread ^ spread >> 32
}
