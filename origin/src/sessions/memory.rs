//! Sessions of a process that has no Redis.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::api::auth::Claims;

/// Sessions by the hash of their id.
#[derive(Debug)]
pub(super) struct Memory {
    all: Mutex<HashMap<String, Held>>,
    capacity: usize,
}

#[derive(Debug)]
struct Held {
    claims: Claims,
    ends_at: u64,
}

// === impl Memory ===

impl Memory {
    pub(super) fn new(capacity: usize) -> Self {
        Self { all: Mutex::default(), capacity }
    }

    /// All begun sessions last equally long, so that what ends first is the oldest.
    pub(super) fn open(&self, id: String, claims: Claims, ends_at: u64, each: usize) {
        let mut all = self.all.lock();
        let identity = claims.auth_identity_id.clone();
        end_oldest(&mut all, each, |held| held.claims.auth_identity_id == identity);
        end_oldest(&mut all, self.capacity, |_| true);
        all.insert(id, Held { claims, ends_at });
    }

    pub(super) fn find(&self, id: &str, now: u64) -> Option<Claims> {
        let mut all = self.all.lock();
        if all.get(id)?.ends_at <= now {
            all.remove(id);
            return None;
        }
        all.get(id).map(|held| held.claims.clone())
    }

    pub(super) fn close(&self, id: &str) {
        self.all.lock().remove(id);
    }

    pub(super) fn close_all_of(&self, identity: &str) {
        self.all.lock().retain(|_, held| held.claims.auth_identity_id != identity);
    }
}

/// Ends the oldest of those that count until there is room for one more.
fn end_oldest(all: &mut HashMap<String, Held>, most: usize, counts: impl Fn(&Held) -> bool) {
    let mut counted: Vec<(u64, String)> =
        all.iter().filter(|(_, held)| counts(held)).map(|(id, held)| (held.ends_at, id.clone())).collect();
    let excess = (counted.len() + 1).saturating_sub(most);
    counted.sort();
    for (_, id) in counted.into_iter().take(excess) {
        all.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(identity: &str) -> Claims {
        Claims { auth_identity_id: identity.to_owned(), ..Claims::default() }
    }

    #[test]
    fn a_session_ends_at_its_time_and_with_its_identity() {
        let memory = Memory::new(10);
        memory.open("a".into(), claims("one"), 100, 10);
        assert_eq!(memory.find("a", 99), Some(claims("one")));
        assert_eq!(memory.find("a", 100), None);
        memory.open("b".into(), claims("one"), 200, 10);
        memory.open("c".into(), claims("two"), 200, 10);
        memory.close_all_of("one");
        assert_eq!((memory.find("b", 1), memory.find("c", 1)), (None, Some(claims("two"))));
    }

    #[test]
    fn the_oldest_make_room() {
        let memory = Memory::new(3);
        for (id, identity, end) in [("a", "one", 1), ("b", "one", 2), ("c", "one", 3), ("d", "two", 4)] {
            memory.open(id.into(), claims(identity), end, 2);
        }
        let kept = |id| memory.find(id, 0).is_some();
        assert_eq!(["a", "b", "c", "d"].map(kept), [false, true, true, true]);
        memory.open("e".into(), claims("three"), 5, 2);
        assert_eq!(["b", "c", "d", "e"].map(kept), [false, true, true, true]);
    }
}
