//! Which URLs something is stored for, or on its way: what an unsafe method's success may have to invalidate (RFC 9111 §4.4).
//!
//! Strangers choose the URLs of such requests. In the tag table each would take a place, and enough of them would push out
//! real purges, which makes floors rise and everything older go. So these invalidations are remembered beside what they
//! reach: a fill and the object that it brings hold on to their URL's [`Present`], and the invalidation of a URL of which
//! nobody holds one has nothing to do. There are never more of them than objects and fills.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashTable;
use parking_lot::Mutex;
use vitrine_shared::coherence::{Live, Stamp, Verdict};
use vitrine_shared::tag::TagHash;

/// Parts of the map, so that fills of different URLs rarely wait for one another.
const SHARDS: usize = 16;
/// A part of the map is gone through when it has grown by a quarter since, and by so many.
const SWEPT: usize = 64;

/// The bytes that a URL costs: its mark, and its place among the others, some of which may be waiting for their sweep.
pub const URL_BYTES: usize = 64;

/// The URLs of what is stored or on its way.
#[derive(Debug, Default)]
pub struct Presence {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    /// Marks that nobody else holds stay until the next sweep: a holder knows nothing of this map, which keeps it small.
    marks: HashTable<Arc<Present>>,
    /// How many there were after the last sweep.
    left: usize,
}

/// One URL of which something is stored or on its way; held by that.
#[derive(Debug)]
pub struct Present {
    url: TagHash,
    /// The local number of its last invalidation; 0 for none.
    invalidated: AtomicU64,
}

// === impl Presence ===

impl Presence {
    /// The mark of a URL, by its tag. To be held *before* the stamp is read and the upstream is asked.
    pub fn of(&self, url: TagHash) -> Arc<Present> {
        let mut shard = self.shard(url).lock();
        if let Some(present) = shard.marks.find(url.0, |present| present.url == url) {
            return present.clone();
        }
        shard.sweep_where_due();
        let present = Arc::new(Present { url, invalidated: AtomicU64::new(0) });
        shard.marks.insert_unique(url.0, present.clone(), |present| present.url.0);
        present
    }

    /// Invalidates what is stored or on its way for a URL; returns the local number under which that was done, or `None`
    /// where there was nothing.
    pub fn invalidate(&self, url: TagHash, live: &Live) -> Option<u64> {
        let present = self.held(url)?;
        let at = live.tick();
        present.invalidated.fetch_max(at, Ordering::Release);
        live.changed_elsewhere();
        Some(at)
    }

    /// Whether something is stored or on its way for a URL.
    pub(crate) fn holds(&self, url: TagHash) -> bool {
        self.held(url).is_some()
    }

    /// Marks what is stored or on its way for a URL as invalidated under a local number that was given for it.
    pub(crate) fn mark(&self, url: TagHash, at: u64, live: &Live) {
        if let Some(present) = self.held(url) {
            present.invalidated.fetch_max(at, Ordering::Release);
            live.changed_elsewhere();
        }
    }

    /// How many URLs there are.
    pub fn len(&self) -> usize {
        let held = |shard: &Mutex<Shard>| shard.lock().marks.iter().filter(|present| present.is_held()).count();
        self.shards.iter().map(held).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The mark of a URL, where anybody holds it. Nobody gets hold of one but under the lock.
    fn held(&self, url: TagHash) -> Option<Arc<Present>> {
        let shard = self.shard(url).lock();
        shard.marks.find(url.0, |present| present.url == url).filter(|present| present.is_held()).cloned()
    }

    fn shard(&self, url: TagHash) -> &Mutex<Shard> {
        // The tag is a hash already; of its bits the tables use the others more.
        &self.shards[usize::try_from((url.0 >> 32) % SHARDS as u64).unwrap_or(0)]
    }
}

impl Shard {
    fn sweep_where_due(&mut self) {
        if self.marks.len() >= self.left + self.left / 4 + SWEPT {
            self.marks.retain(|present| present.is_held());
            self.left = self.marks.len();
            if self.left * 4 < self.marks.capacity() {
                self.marks.shrink_to(self.left * 2, |present| present.url.0);
            }
        }
    }
}

// === impl Present ===

impl Present {
    /// The URL's tag.
    pub fn tag(&self) -> TagHash {
        self.url
    }

    /// The local number of the invalidation that reached what has this stamp.
    pub fn invalidated_since(&self, stamp: Stamp) -> Option<u64> {
        let at = self.invalidated.load(Ordering::Acquire);
        (stamp.local < at).then_some(at)
    }

    /// Whether an invalidation reached what has this stamp.
    pub fn verdict(&self, stamp: Stamp) -> Verdict {
        self.invalidated_since(stamp).map_or(Verdict::Servable, |_| Verdict::Purged)
    }

    /// Whether anybody but the map holds it.
    fn is_held(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1
    }
}

#[cfg(test)]
mod tests {
    use vitrine_shared::coherence::TagTable;
    use vitrine_shared::epoch::Epoch;

    use super::*;

    #[test]
    fn an_invalidation_reaches_what_began_before_it_and_takes_no_room_where_nothing_is() {
        let live = Live::new(TagTable::at(Epoch::ZERO, 10));
        let presence = Presence::default();
        let (url, other) = (TagHash(1), TagHash(1 << 36));
        assert_eq!(presence.invalidate(url, &live), None);
        let fill = presence.of(url);
        let beside = presence.of(other);
        let before = live.stamp();
        assert_eq!(presence.invalidate(url, &live), Some(1));
        assert_eq!(fill.invalidated_since(before), Some(1));
        assert_eq!(fill.invalidated_since(live.stamp()), None);
        assert_eq!(beside.invalidated_since(before), None);
        // What comes while the first is still held shares its fate.
        assert_eq!(presence.of(url).invalidated_since(before), Some(1));
        assert_eq!(presence.len(), 2);
        drop((fill, beside));
        assert!(presence.is_empty());
        assert_eq!(presence.invalidate(url, &live), None);
    }

    #[test]
    fn the_last_holder_leaving_while_another_comes_loses_nothing() {
        let live = Arc::new(Live::new(TagTable::at(Epoch::ZERO, 10)));
        let presence = Presence::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..2_000 {
                        let held = presence.of(TagHash(round % 3));
                        let before = live.stamp();
                        let at = presence.invalidate(TagHash(round % 3), &live).expect("it is held here");
                        assert!(at > before.local && held.invalidated_since(before) >= Some(at));
                    }
                });
            }
        });
        assert!(presence.is_empty());
    }

    #[test]
    fn marks_that_nobody_holds_do_not_pile_up() {
        let presence = Presence::default();
        let held: Vec<_> = (0..100).map(|url| presence.of(TagHash(url << 28))).collect();
        for url in 1_000..100_000 {
            presence.of(TagHash(url << 28));
        }
        let marks: usize = presence.shards.iter().map(|shard| shard.lock().marks.len()).sum();
        assert!(marks < held.len() * 2 + SHARDS * SWEPT * 2, "{marks}");
        assert_eq!(presence.len(), 100);
    }
}
