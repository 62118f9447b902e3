//! Which URLs something is stored for, or on its way: what an unsafe method's success may have to invalidate (RFC 9111 §4.4).
//!
//! Strangers choose the URLs of such requests. In the tag table each would take a place, and enough of them would push out
//! real purges, which makes floors rise and everything older go. So these invalidations are remembered beside what they
//! reach: a fill and the object that it brings hold on to their URL's [`Present`], and the invalidation of a URL of which
//! nobody holds one has nothing to do. There are never more of them than objects and fills.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use vitrine_shared::coherence::{Live, Stamp};
use vitrine_shared::tag::TagHash;

/// Parts of the map, so that fills of different URLs rarely wait for one another.
const SHARDS: usize = 16;

/// The URLs of what is stored or on its way.
#[derive(Debug, Default)]
pub struct Presence {
    shards: [Mutex<HashMap<TagHash, Weak<Present>>>; SHARDS],
}

/// One URL of which something is stored or on its way; held by that.
#[derive(Debug)]
pub struct Present {
    url: TagHash,
    /// The local number of its last invalidation; 0 for none.
    invalidated: AtomicU64,
    home: Arc<Presence>,
}

// === impl Presence ===

impl Presence {
    /// The mark of a URL, by its tag. To be held *before* the stamp is read and the upstream is asked.
    pub fn of(self: &Arc<Self>, url: TagHash) -> Arc<Present> {
        let new = || Arc::new(Present { url, invalidated: AtomicU64::new(0), home: self.clone() });
        match self.shard(url).lock().entry(url) {
            Entry::Occupied(mut entry) => entry.get().upgrade().unwrap_or_else(|| {
                let present = new();
                entry.insert(Arc::downgrade(&present));
                present
            }),
            Entry::Vacant(entry) => {
                let present = new();
                entry.insert(Arc::downgrade(&present));
                present
            }
        }
    }

    /// Invalidates what is stored or on its way for a URL; returns the local number under which that was done, or `None`
    /// where there was nothing.
    pub fn invalidate(&self, url: TagHash, live: &Live) -> Option<u64> {
        // Not under the lock: the last holder may leave meanwhile, and its leaving takes the lock.
        let present = self.shard(url).lock().get(&url).and_then(Weak::upgrade)?;
        let at = live.tick();
        present.invalidated.fetch_max(at, Ordering::Release);
        Some(at)
    }

    /// Whether something is stored or on its way for a URL.
    pub(crate) fn holds(&self, url: TagHash) -> bool {
        self.shard(url).lock().get(&url).is_some_and(|present| present.strong_count() > 0)
    }

    /// Marks what is stored or on its way for a URL as invalidated under a local number that was given for it.
    pub(crate) fn mark(&self, url: TagHash, at: u64) {
        let present = self.shard(url).lock().get(&url).and_then(Weak::upgrade);
        if let Some(present) = present {
            present.invalidated.fetch_max(at, Ordering::Release);
        }
    }

    /// How many URLs there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, url: TagHash) -> &Mutex<HashMap<TagHash, Weak<Present>>> {
        // The tag is a hash already; its low bits are as good as any.
        &self.shards[usize::try_from(url.0 % SHARDS as u64).unwrap_or(0)]
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
}

impl Drop for Present {
    fn drop(&mut self) {
        if let Entry::Occupied(entry) = self.home.shard(self.url).lock().entry(self.url)
            // Another one may have taken the place between the last holder's leaving and here.
            && entry.get().strong_count() == 0
        {
            entry.remove();
        }
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
        let presence = Arc::new(Presence::default());
        let (url, other) = (TagHash(1), TagHash(17));
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
        let presence = Arc::new(Presence::default());
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
}
