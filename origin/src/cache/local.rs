//! A small map in this process whose values obey purges.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use vitrine_shared::coherence::{Checked, Live, Verdict};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::{Tag, TagHash};

/// Longest key that is kept, in bytes: strangers choose parts of some.
const MAX_KEY: usize = 512;

/// Values with the stamp and tags that say whether they may still be used.
#[derive(Debug)]
pub struct Local<V> {
    entries: RwLock<HashMap<String, Entry<V>>>,
    capacity: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: Arc<V>,
    stamp: Epoch,
    tags: Vec<TagHash>,
    checked: Checked,
}

// === impl Local ===

impl<V> Local<V> {
    /// For at most `capacity` values; when it is full it begins anew.
    pub fn new(capacity: usize) -> Self {
        Self { entries: RwLock::new(HashMap::new()), capacity }
    }

    /// The value, if nothing of it was purged since it was read. The caller has checked its lease.
    pub fn get(&self, key: &str, live: &Live) -> Option<Arc<V>> {
        let entries = self.entries.read();
        let entry = entries.get(key)?;
        let verdict = live.verdict_cached(&entry.checked, || (entry.stamp.into(), &entry.tags), || Verdict::Servable);
        (verdict == Verdict::Servable).then(|| entry.value.clone())
    }

    /// Keeps a value that was read after `stamp` was applied, unless there is one with a later stamp.
    pub fn put(&self, key: &str, value: Arc<V>, stamp: Epoch, tags: impl IntoIterator<Item = Tag>) {
        if key.len() > MAX_KEY {
            return;
        }
        let tags = tags.into_iter().map(|tag| tag.hash()).collect();
        let entry = Entry { value, stamp, tags, checked: Checked::default() };
        let mut entries = self.entries.write();
        match entries.get_mut(key) {
            Some(known) if known.stamp > stamp => {}
            Some(known) => *known = entry,
            None => {
                if entries.len() >= self.capacity {
                    entries.clear();
                }
                entries.insert(key.to_owned(), entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use vitrine_shared::coherence::TagTable;
    use vitrine_shared::feed::{Batch, Mode, Purge};

    use super::*;

    fn purge(live: &Live, seq: u64, tag: Tag) {
        let purge = Purge { seq, mode: Mode::Hard, tags: vec![tag], everything: false, event: None };
        live.apply(&Batch::new(1, Epoch::new(1, seq - 1), vec![purge]).unwrap()).unwrap();
    }

    #[test]
    fn a_purge_ends_a_value_and_a_late_older_one_does_not_come_back() {
        let live = Live::new(TagTable::at(Epoch::new(1, 0), 10));
        let cache = Local::new(10);
        let tags = || [Tag::api_key("k")];
        let before = live.applied();
        cache.put("a", Arc::new(1), before, tags());
        assert_eq!(cache.get("a", &live).as_deref(), Some(&1));
        purge(&live, 1, Tag::api_key("k"));
        assert_eq!(cache.get("a", &live), None);
        cache.put("a", Arc::new(1), before, tags());
        assert_eq!(cache.get("a", &live), None);
        cache.put("a", Arc::new(2), live.applied(), tags());
        cache.put("a", Arc::new(1), before, tags());
        assert_eq!(cache.get("a", &live).as_deref(), Some(&2));
    }

    #[test]
    fn it_stays_within_its_capacity() {
        let live = Live::new(TagTable::at(Epoch::new(1, 0), 10));
        let cache = Local::new(2);
        for key in ["a", "b", "c"] {
            cache.put(key, Arc::new(()), live.applied(), []);
        }
        assert!(cache.get("c", &live).is_some());
        assert!(cache.entries.read().len() <= 2);
    }
}
