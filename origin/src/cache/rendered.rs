//! Product documents as answers show them, in this process: neither asked for nor read again as long as they are true.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use vitrine_shared::coherence::{Checked, Live, Verdict};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::TagHash;

use crate::query::Rendered;
use crate::query::compile::{Ask, Prices, Sight};

/// Bytes of the digest of what is shown.
const SHAPE: usize = 16;
/// What an entry takes besides what it shows.
const OVERHEAD: usize = 256;
/// About how large an entry is, to size the cache's own tables.
const TYPICAL: usize = 8 << 10;

/// What is shown of a product, whoever asks: one way of showing it has one digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shape([u8; SHAPE]);

/// Rendered documents within a budget of bytes; those that were least used go first.
#[derive(Debug)]
pub struct RenderedCache {
    entries: Cache<(Shape, String), Arc<Entry>, ByWeight>,
}

#[derive(Debug)]
struct Entry {
    rendered: Arc<Rendered>,
    stamp: Epoch,
    tags: Vec<TagHash>,
    checked: Checked,
}

#[derive(Debug, Clone)]
struct ByWeight;

// === impl Shape ===

impl Shape {
    /// Of what is asked: fields, whether hidden things show, and whether prices come along.
    pub(super) fn of(ask: &Ask<'_>) -> Self {
        let mut text = String::with_capacity(256);
        ask.selection.write_shape(&mut text);
        text.push(if *ask.sight == Sight::Everything { 'e' } else { 's' });
        text.push(if ask.prices == Prices::None { '-' } else { 'p' });
        let mut shape = [0; SHAPE];
        shape.copy_from_slice(&Sha256::digest(text)[..SHAPE]);
        Self(shape)
    }
}

// === impl RenderedCache ===

impl RenderedCache {
    /// Holds about so many bytes.
    pub fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes).unwrap_or(usize::MAX) / TYPICAL;
        Self { entries: Cache::with_weighter(items.max(16), bytes, ByWeight) }
    }

    /// The document, if nothing of it was purged since it was read. The caller has checked its lease.
    pub(super) fn get(&self, shape: Shape, key: &str, live: &Live) -> Option<Arc<Rendered>> {
        let entry = self.entries.get(&(shape, key.to_owned()))?;
        let verdict = live.verdict_cached(&entry.checked, || (entry.stamp.into(), &entry.tags), || Verdict::Servable);
        (verdict == Verdict::Servable).then(|| entry.rendered.clone())
    }

    /// Keeps a document that was read after `stamp` was applied. One that is older than a purge is no longer given out.
    pub(super) fn put(&self, shape: Shape, key: &str, rendered: Arc<Rendered>, stamp: Epoch, tags: Vec<TagHash>) {
        let entry = Entry { rendered, stamp, tags, checked: Checked::default() };
        self.entries.insert((shape, key.to_owned()), Arc::new(entry));
    }
}

impl Weighter<(Shape, String), Arc<Entry>> for ByWeight {
    fn weight(&self, (_, key): &(Shape, String), entry: &Arc<Entry>) -> u64 {
        let bytes = key.len() + entry.rendered.weight() + entry.tags.len() * size_of::<TagHash>() + OVERHEAD;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}
