//! A stored object: immutable, complete, with everything parsed that a hit asks about.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http::{HeaderMap, StatusCode};
use triomphe::ThinArc;
use vitrine_shared::coherence::{Checked, Live, Stamp, Verdict};
use vitrine_shared::tag::TagHash;

use super::body::StoredBody;
use super::fields::{StoredFields, pack};
use super::memory::ENTRY_OVERHEAD;
use crate::encoding::{Form, form_of};
use crate::key::CacheKey;
use crate::policy::{FreshnessSource, Lifetime};
use crate::purge::{Present, Provenance};

/// Bytes that the mark of its URL costs, and its place among the others.
const URL_OVERHEAD: usize = 128;

/// Everything of a response but its body, to make an object of.
#[derive(Clone, Debug)]
pub struct Meta {
    /// The key that it stands under: the primary one, or a variant's.
    pub key: CacheKey,
    /// Its status.
    pub status: StatusCode,
    /// Its fields, as they are stored.
    pub fields: HeaderMap,
    /// Of when and of what it is.
    pub provenance: Provenance,
    /// Whether the invalidation protocol vouches for it.
    pub promise: Promise,
    /// When it was made and until when it may be used.
    pub lifetime: Lifetime,
    /// Where the end of its freshness comes from.
    pub source: FreshnessSource,
}

/// Whether the invalidation protocol vouches for a response (rule 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// The upstream named the epoch of its answer, or reads through to the truth.
    Within,
    /// It may have come out of a cache of which the protocol knows nothing.
    Outside,
}

/// A complete response, in one allocation with its key and fields. To clone it counts one up and copies nothing.
#[derive(Clone)]
pub struct Object(ThinArc<Head, u8>);

/// What is at the front of an object; key and fields follow as bytes.
struct Head {
    id: u64,
    hash: u128,
    key: usize,
    status: StatusCode,
    provenance: Provenance,
    promise: Promise,
    lifetime: Lifetime,
    source: FreshnessSource,
    body: StoredBody,
    form: Option<Form>,
    /// At which generation of the tag table it was last found servable.
    checked: Checked,
    /// Whether it was found since it was last considered for making room.
    found: AtomicBool,
}

// === impl Object ===

impl Object {
    /// Puts a response together.
    pub fn new(meta: Meta, body: StoredBody) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let Meta { key, status, fields, provenance, promise, lifetime, source } = meta;
        let form = form_of(status, &fields);
        let mut bytes = key.as_bytes().to_vec();
        pack(&fields, &mut bytes);
        let head = Head {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            hash: key.hash(),
            key: key.as_bytes().len(),
            status,
            provenance,
            promise,
            lifetime,
            source,
            body,
            form,
            checked: Checked::default(),
            found: AtomicBool::new(false),
        };
        Self(ThinArc::from_header_and_slice(head, &bytes))
    }

    /// Its number in this process, which no other object gets, nor the same after a 304 has freshened it.
    pub fn id(&self) -> u64 {
        self.head().id
    }

    /// Whether this is the same object, and not only an equal one.
    pub fn is(&self, other: &Self) -> bool {
        self.id() == other.id()
    }

    /// The key that it stands under: the primary one, or a variant's. Allocates.
    pub fn key(&self) -> CacheKey {
        CacheKey::from_bytes(self.framed_key().into())
    }

    /// The [hash](CacheKey::hash) of its key.
    pub fn hash(&self) -> u128 {
        self.head().hash
    }

    /// The [framed parts](CacheKey::as_bytes) of its key.
    pub fn framed_key(&self) -> &[u8] {
        &self.0.slice[..self.head().key]
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.head().status
    }

    /// Its fields, as they are stored.
    pub fn fields(&self) -> StoredFields<'_> {
        StoredFields::of(&self.0.slice[self.head().key..])
    }

    /// Whether the invalidation protocol vouches for it.
    pub fn promise(&self) -> Promise {
        self.head().promise
    }

    /// When it was made and until when it may be used.
    pub fn lifetime(&self) -> Lifetime {
        self.head().lifetime
    }

    /// Where the end of its freshness comes from.
    pub fn freshness_source(&self) -> FreshnessSource {
        self.head().source.clone()
    }

    /// In which form its body is; `None` where it may not be brought into another.
    pub fn form(&self) -> Option<Form> {
        self.head().form
    }

    /// Its body, shared with what it was before a 304 freshened it.
    pub fn body(&self) -> StoredBody {
        self.head().body.clone()
    }

    /// The length of its body in bytes.
    pub fn body_len(&self) -> u64 {
        self.head().body.len()
    }

    /// Where this edge stood before the upstream was asked for it.
    pub fn stamp(&self) -> Stamp {
        self.head().provenance.stamp
    }

    /// The tags that it was made of, sorted.
    pub fn tags(&self) -> &[TagHash] {
        &self.head().provenance.tags
    }

    /// Its URL, among those of which something is stored.
    pub fn url(&self) -> &Arc<Present> {
        &self.head().provenance.url
    }

    /// Of when and of what it is. Allocates.
    pub fn provenance(&self) -> Provenance {
        self.head().provenance.clone()
    }

    /// See [`Provenance::verdict`].
    pub fn verdict(&self, live: &Live) -> Verdict {
        self.head().provenance.verdict(live)
    }

    /// See [`Provenance::verdict_cached`]; remembered in the object.
    pub fn verdict_cached(&self, live: &Live) -> Verdict {
        self.head().provenance.verdict_cached(live, &self.head().checked)
    }

    /// See [`Provenance::serves`].
    pub fn serves(&self, joined_at: Stamp, live: &Live) -> bool {
        self.head().provenance.serves(joined_at, live)
    }

    /// Whether a request found it, as far as is known.
    pub fn was_used(&self) -> bool {
        self.head().found.load(Ordering::Relaxed)
    }

    /// Notes that a request found it.
    pub(super) fn note_found(&self) {
        // Most hits find it noted already, and a plain read leaves the line shared between cores.
        if !self.head().found.load(Ordering::Relaxed) {
            self.head().found.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was found since this was last asked.
    pub(super) fn was_found(&self) -> bool {
        self.head().found.swap(false, Ordering::Relaxed)
    }

    /// What it costs in memory, in bytes: body, fields, key, tags and overhead.
    pub fn weight(&self) -> u64 {
        let fixed = size_of::<Head>() + self.0.slice.len() + size_of_val(self.tags()) + URL_OVERHEAD;
        ENTRY_OVERHEAD + fixed as u64 + self.head().body.weight()
    }

    fn head(&self) -> &Head {
        &self.0.header.header
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object")
            .field("id", &self.id())
            .field("status", &self.status())
            .field("fields", &self.fields())
            .field("bytes", &self.body_len())
            .finish_non_exhaustive()
    }
}
