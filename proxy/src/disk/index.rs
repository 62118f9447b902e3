//! Where each object lies on the disk, in memory: found by the hash of its key, and all of one URL together.
//!
//! It costs about [`BYTES`] for each record. A record that lies in a segment and would come back when the segments are read anew is
//! always in here, even where it may not be read any more ([`State::Dead`]): by that an invalidation of its URL knows that it has to
//! be remembered.

use hashbrown::HashTable;
use parking_lot::{Mutex, MutexGuard};

use super::layout::{Kind, Listed};

/// About what a record costs here: its slot, and its places in two tables.
pub(super) const BYTES: u64 = 88;

/// Parts of the index, so that requests rarely wait for one another, and none for a large table that grows.
const SHARDS: usize = 64;
/// No slot.
const NONE: u32 = u32::MAX;

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The number of its segment.
    pub(super) segment: u32,
    /// Where in it.
    pub(super) offset: u32,
    /// How long it is.
    pub(super) len: u32,
}

/// What is known under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Where it lies.
    pub(super) place: Place,
    /// The end of its freshness in Unix seconds.
    pub(super) fresh: u32,
    /// What may be done with it.
    pub(super) state: State,
}

/// What may be done with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A response that can be read.
    Response,
    /// The fields by which responses differ; it can be read.
    Variants,
    /// It is being written.
    Pending(Kind),
    /// It must not be read: it was replaced, or could not be read.
    Dead,
}

/// The whole index.
#[derive(Debug)]
pub(super) struct Index {
    shards: [Mutex<Shard>; SHARDS],
}

/// The records of some URLs.
#[derive(Debug, Default)]
pub(super) struct Shard {
    slots: Vec<Slot>,
    /// The first of the slots that are free, which are chained by `next`.
    free: Option<u32>,
    by_hash: HashTable<u32>,
    /// The first slot of each URL.
    by_url: HashTable<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u64,
    url: u64,
    place: Place,
    fresh: u32,
    next: u32,
    previous: u32,
    state: State,
    /// Whether it was asked for since its segment was written.
    hit: bool,
}

// === impl Index ===

impl Default for Index {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl Index {
    /// The part that holds a URL.
    pub(super) fn shard(&self, url: u64) -> MutexGuard<'_, Shard> {
        // The tag is a hash already; its low bits are as good as any.
        self.shards[usize::try_from(url % SHARDS as u64).unwrap_or(0)].lock()
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().by_hash.len()).sum()
    }

    /// Takes out all that leads to a segment, wherever it stands: for a segment whose list cannot be read.
    pub(super) fn forget_segment(&self, segment: u32) {
        for shard in &self.shards {
            shard.lock().forget_segment(segment);
        }
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            *shard.lock() = Shard::default();
        }
    }
}

// === impl Shard ===

impl Shard {
    /// What is known under a key.
    pub(super) fn get(&self, url: u64, hash: u64) -> Option<Known> {
        self.find(url, hash).map(|at| self.slots[at as usize].known())
    }

    /// What can be read under a key, for a request: it is kept the longer.
    pub(super) fn use_it(&mut self, url: u64, hash: u64) -> Option<Known> {
        let at = self.find(url, hash)?;
        let slot = &mut self.slots[at as usize];
        slot.state.can_be_read().then(|| {
            slot.hit = true;
            slot.known()
        })
    }

    /// Whether there is anything of a URL.
    pub(super) fn has_url(&self, url: u64) -> bool {
        self.first(url).is_some()
    }

    /// Puts a record in the place of what was known under its key.
    pub(super) fn put(&mut self, segment: u32, listed: &Listed, state: State) {
        let place = Place { segment, offset: listed.offset, len: listed.len };
        let slot = |next, previous| Slot {
            hash: listed.hash,
            url: listed.url,
            place,
            fresh: listed.fresh,
            next,
            previous,
            state,
            hit: false,
        };
        if let Some(at) = self.find(listed.url, listed.hash) {
            let old = &mut self.slots[at as usize];
            *old = slot(old.next, old.previous);
            return;
        }
        let first = self.first(listed.url);
        let at = self.take_slot(slot(first.unwrap_or(NONE), NONE));
        let slots = &self.slots;
        self.by_hash.insert_unique(listed.hash, at, |&other| slots[other as usize].hash);
        match first {
            None => {
                self.by_url.insert_unique(spread(listed.url), at, |&other| spread(slots[other as usize].url));
            }
            Some(first) => {
                self.slots[first as usize].previous = at;
                self.replace_first(listed.url, first, at);
            }
        }
    }

    /// Puts a record where nothing is known under its key: for what is found when the segments are read anew, the newest first.
    pub(super) fn put_older(&mut self, segment: u32, listed: &Listed) {
        if self.find(listed.url, listed.hash).is_none() {
            self.put(segment, listed, State::of(listed.kind));
        }
    }

    /// Changes what may be done with a record, if it still is what is known under its key; whether it is.
    pub(super) fn set(&mut self, url: u64, hash: u64, place: Place, state: State) -> bool {
        let Some(slot) = self.find(url, hash).map(|at| &mut self.slots[at as usize]).filter(|slot| slot.place == place)
        else {
            return false;
        };
        slot.state = state;
        true
    }

    /// What was being written is whole, or is not; whether it still is what is known under its key, and was not replaced meanwhile.
    pub(super) fn end_writing(&mut self, url: u64, hash: u64, place: Place, state: State) -> bool {
        let is_pending = self.get(url, hash).is_some_and(|known| matches!(known.state, State::Pending(_)));
        is_pending && self.set(url, hash, place, state)
    }

    /// Takes out a record whose segment goes, if it still is what is known under its key; what is known of it, and whether it was
    /// asked for.
    pub(super) fn take(&mut self, url: u64, hash: u64, place: Place) -> Option<(Known, bool)> {
        let at = self.find(url, hash).filter(|at| self.slots[*at as usize].place == place)?;
        let slot = self.slots[at as usize];
        self.remove(at);
        Some((slot.known(), slot.hit))
    }

    /// Leads to another place, if the old one still is what is known under the key.
    pub(super) fn replace(&mut self, url: u64, hash: u64, old: Place, segment: u32, listed: &Listed) {
        if self.peek(url, hash, old).is_some() {
            self.put(segment, listed, State::of(listed.kind));
        }
    }

    /// What `take` would find.
    pub(super) fn peek(&self, url: u64, hash: u64, place: Place) -> Option<(Known, bool)> {
        let slot = self.slots[self.find(url, hash)? as usize];
        (slot.place == place).then(|| (slot.known(), slot.hit))
    }

    /// Takes out all of a URL; how many there were.
    pub(super) fn remove_url(&mut self, url: u64) -> usize {
        let mut removed = 0;
        while let Some(first) = self.first(url) {
            self.remove(first);
            removed += 1;
        }
        removed
    }

    fn forget_segment(&mut self, segment: u32) {
        let leads_there = |at: &&u32| self.slots[**at as usize].place.segment == segment;
        let gone: Vec<u32> = self.by_hash.iter().filter(leads_there).copied().collect();
        for at in gone {
            self.remove(at);
        }
    }

    fn find(&self, url: u64, hash: u64) -> Option<u32> {
        let is_it = |at: &u32| {
            let slot = &self.slots[*at as usize];
            slot.hash == hash && slot.url == url
        };
        self.by_hash.find(hash, is_it).copied()
    }

    fn first(&self, url: u64) -> Option<u32> {
        self.by_url.find(spread(url), |&at| self.slots[at as usize].url == url).copied()
    }

    fn replace_first(&mut self, url: u64, old: u32, new: u32) {
        if let Some(first) = self.by_url.find_mut(spread(url), |&at| at == old) {
            *first = new;
        }
    }

    fn take_slot(&mut self, slot: Slot) -> u32 {
        if let Some(at) = self.free {
            let place = &mut self.slots[at as usize];
            self.free = Some(place.next).filter(|&next| next != NONE);
            *place = slot;
            return at;
        }
        self.slots.push(slot);
        // The index is bounded far below what 32 bits count.
        u32::try_from(self.slots.len() - 1).unwrap_or(NONE - 1)
    }

    fn remove(&mut self, at: u32) {
        let slot = self.slots[at as usize];
        if let Ok(entry) = self.by_hash.find_entry(slot.hash, |&other| other == at) {
            entry.remove();
        }
        if slot.next != NONE {
            self.slots[slot.next as usize].previous = slot.previous;
        }
        match (slot.previous, slot.next) {
            (NONE, NONE) => {
                if let Ok(entry) = self.by_url.find_entry(spread(slot.url), |&other| other == at) {
                    entry.remove();
                }
            }
            (NONE, next) => self.replace_first(slot.url, at, next),
            (previous, next) => self.slots[previous as usize].next = next,
        }
        self.slots[at as usize].next = self.free.unwrap_or(NONE);
        self.free = Some(at);
    }
}

/// A shard's URLs share their low bits; the table wants all bits to differ.
fn spread(url: u64) -> u64 {
    url.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
}

// === impl Slot and State ===

impl Slot {
    fn known(&self) -> Known {
        Known { place: self.place, fresh: self.fresh, state: self.state }
    }
}

impl State {
    /// Of a record that is whole.
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Response => Self::Response,
            Kind::Variants => Self::Variants,
            Kind::Dead => Self::Dead,
        }
    }

    pub(super) fn can_be_read(self) -> bool {
        matches!(self, Self::Response | Self::Variants)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn listed(hash: u64, url: u64, offset: u32) -> Listed {
        Listed { hash, url, local: 0, offset, len: 64, fresh: 9, kind: Kind::Response }
    }

    fn place(segment: u32, offset: u32) -> Place {
        Place { segment, offset, len: 64 }
    }

    #[test]
    fn the_newest_stands_under_a_key_and_older_ones_do_not_come_back() {
        let mut shard = Shard::default();
        shard.put(2, &listed(1, 7, 100), State::Pending(Kind::Response));
        assert_eq!(shard.use_it(7, 1), None);
        assert!(shard.set(7, 1, place(2, 100), State::Response));
        shard.put_older(1, &listed(1, 7, 50));
        assert_eq!(shard.use_it(7, 1).map(|known| known.place), Some(place(2, 100)));
        assert!(!shard.set(7, 1, place(1, 50), State::Dead));
        assert_eq!(shard.take(7, 1, place(1, 50)), None);
        assert!(shard.set(7, 1, place(2, 100), State::Dead));
        assert_eq!(shard.use_it(7, 1), None);
        assert!(shard.has_url(7));
        let (known, hit) = shard.take(7, 1, place(2, 100)).unwrap();
        assert_eq!((known.state, hit), (State::Dead, true));
        assert!(!shard.has_url(7));
    }

    #[test]
    fn a_url_goes_with_all_that_is_stored_for_it() {
        let mut shard = Shard::default();
        for (hash, url) in [(1, 7), (2, 7), (3, 8), (4, 7)] {
            shard.put(1, &listed(hash, url, 100), State::Response);
        }
        assert_eq!(shard.remove_url(7), 3);
        assert_eq!(shard.remove_url(7), 0);
        assert!(shard.get(7, 1).is_none() && shard.get(8, 3).is_some());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Put(u64, u64),
        Take(u64, u64),
        RemoveUrl(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..20_u64, 0..4_u64).prop_map(|(hash, url)| Step::Put(hash, url)),
            4 => (0..20_u64, 0..4_u64).prop_map(|(hash, url)| Step::Take(hash, url)),
            1 => (0..4_u64).prop_map(Step::RemoveUrl),
        ]
    }

    proptest! {
        /// Keys of equal hash under different URLs stand beside one another, and slots are used again.
        #[test]
        fn it_holds_what_a_map_holds(steps in proptest::collection::vec(step(), 0..200)) {
            let mut shard = Shard::default();
            let mut expected: HashMap<(u64, u64), u32> = HashMap::new();
            for (number, step) in steps.into_iter().enumerate() {
                let offset = u32::try_from(number).unwrap();
                match step {
                    Step::Put(hash, url) => {
                        shard.put(1, &listed(hash, url, offset), State::Response);
                        expected.insert((url, hash), offset);
                    }
                    Step::Take(hash, url) => {
                        let at = expected.remove(&(url, hash));
                        let taken = shard.take(url, hash, place(1, at.unwrap_or(offset)));
                        prop_assert_eq!(taken.is_some(), at.is_some());
                    }
                    Step::RemoveUrl(url) => {
                        let before = expected.len();
                        expected.retain(|(of, _), _| *of != url);
                        prop_assert_eq!(shard.remove_url(url), before - expected.len());
                    }
                }
                prop_assert!(shard.slots.len() <= 80);
                for url in 0..4 {
                    prop_assert_eq!(shard.has_url(url), expected.keys().any(|(of, _)| *of == url));
                    for hash in 0..20 {
                        let known = shard.get(url, hash).map(|known| known.place.offset);
                        prop_assert_eq!(known, expected.get(&(url, hash)).copied());
                    }
                }
                prop_assert_eq!(shard.by_hash.len(), expected.len());
            }
        }
    }
}
