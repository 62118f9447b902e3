//! Which products a page of a list has, and how long the list is, in this process.
//!
//! Only writes that change who is in a list, or where, end a page of it: a product that is changed otherwise stays where it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use vitrine_shared::coherence::{Checked, Live, Verdict};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::{Tag, TagHash};

use crate::query::compile::Ask;
use crate::query::compile::{Statement, compile};

/// Longest name of a page, in bytes: strangers choose parts of it.
const MAX_NAME: usize = 4_096;
/// What an entry takes besides its keys.
const OVERHEAD: usize = 256;
const TYPICAL: usize = 2 << 10;

/// A page: the keys of its products in their order, and how long the list is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) total: i64,
    pub(super) keys: Vec<String>,
}

/// Pages within a budget of bytes; those that were least used go first.
#[derive(Debug)]
pub struct PageCache {
    entries: Cache<String, Arc<Entry>, ByWeight>,
}

#[derive(Debug)]
struct Entry {
    keys: Arc<Keys>,
    stamp: Epoch,
    tags: Vec<TagHash>,
    checked: Checked,
}

#[derive(Debug, Clone)]
struct ByWeight;

/// What tells pages apart: the statement that asks for their keys, with its values.
pub(super) fn name(keys_only: &Ask<'_>) -> Option<String> {
    let Statement { sql, values, .. } = compile(keys_only);
    let name = format!("{sql}{values:?}");
    (name.len() <= MAX_NAME).then_some(name)
}

// === impl PageCache ===

impl PageCache {
    /// Holds about so many bytes.
    pub fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes).unwrap_or(usize::MAX) / TYPICAL;
        Self { entries: Cache::with_weighter(items.max(16), bytes, ByWeight) }
    }

    /// The page, if nothing was purged since that could have changed it. The caller has checked its lease.
    pub(super) fn get(&self, name: &str, live: &Live) -> Option<Arc<Keys>> {
        let entry = self.entries.get(name)?;
        let verdict = live.verdict_cached(&entry.checked, || (entry.stamp.into(), &entry.tags), || Verdict::Servable);
        (verdict == Verdict::Servable).then(|| entry.keys.clone())
    }

    /// Keeps a page that was read after `stamp` was applied.
    pub(super) fn put(&self, name: String, keys: Arc<Keys>, stamp: Epoch, tags: &BTreeSet<Tag>) {
        let tags = tags.iter().map(Tag::hash).collect();
        self.entries.insert(name, Arc::new(Entry { keys, stamp, tags, checked: Checked::default() }));
    }
}

impl Weighter<String, Arc<Entry>> for ByWeight {
    fn weight(&self, name: &String, entry: &Arc<Entry>) -> u64 {
        let keys: usize = entry.keys.keys.iter().map(|key| key.len() + size_of::<String>()).sum();
        u64::try_from(name.len() + keys + entry.tags.len() * size_of::<TagHash>() + OVERHEAD).unwrap_or(u64::MAX)
    }
}
