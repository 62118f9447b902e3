//! A stored object: immutable, complete, with everything parsed that a hit asks about.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use vitrine_shared::coherence::Checked;
use vitrine_shared::tag::TagHash;

use super::memory::ENTRY_OVERHEAD;
use crate::encoding::{Form, form_of};
use crate::key::CacheKey;
use crate::policy::Lifetime;
use crate::purge::Provenance;

/// Bodies of many small chunks are copied into one piece up to this size, so that a hit is one write.
const JOINED: usize = 1 << 20;
/// Bytes that a header field costs in a map besides its name and value.
const FIELD_OVERHEAD: usize = 96;
/// Bytes that a chunk costs besides its content.
const CHUNK_OVERHEAD: usize = 64;

/// Bytes that the mark of its URL costs, and its place among the others.
const URL_OVERHEAD: usize = 128;

/// Everything of a response but its body.
#[derive(Debug)]
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
}

/// Whether the invalidation protocol vouches for a response (rule 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// The upstream named the epoch of its answer, or reads through to the truth.
    Within,
    /// It may have come out of a cache of which the protocol knows nothing.
    Outside,
}

/// A complete body.
#[derive(Clone, Debug)]
pub struct StoredBody {
    id: u64,
    chunks: Arc<[Bytes]>,
    len: u64,
}

/// A complete response.
#[derive(Debug)]
pub struct Object {
    /// Everything but its body.
    pub meta: Meta,
    /// Its body, shared with what it was before a 304 freshened it.
    pub body: StoredBody,
    /// In which form its body is; `None` where it may not be brought into another.
    pub form: Option<Form>,
    /// At which generation of the tag table it was last found servable.
    pub checked: Checked,
    /// Whether it was found since it was last considered for making room.
    found: AtomicBool,
    weight: u64,
}

// === impl StoredBody ===

impl StoredBody {
    /// From the chunks of a complete fill.
    pub fn new(chunks: Vec<Bytes>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let len: usize = chunks.iter().map(Bytes::len).sum();
        let chunks = if chunks.len() > 1 && len <= JOINED {
            let mut joined = BytesMut::with_capacity(len);
            for chunk in &chunks {
                joined.extend_from_slice(chunk);
            }
            Arc::from([joined.freeze()])
        } else {
            chunks.into()
        };
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), chunks, len: len as u64 }
    }

    /// Its number in this process, which no other body gets: by it what was derived from it is found.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Its pieces, in order.
    pub fn chunks(&self) -> &Arc<[Bytes]> {
        &self.chunks
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What it costs in memory, in bytes.
    pub(super) fn weight(&self) -> u64 {
        self.len + (self.chunks.len() * CHUNK_OVERHEAD) as u64
    }
}

// === impl Object ===

impl Object {
    /// Puts a response together.
    pub fn new(meta: Meta, body: StoredBody) -> Self {
        let fields: usize =
            meta.fields.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD).sum();
        let tags = size_of_val::<[TagHash]>(&meta.provenance.tags);
        let fixed = size_of::<Self>() + meta.key.as_bytes().len() + fields + tags + URL_OVERHEAD;
        let weight = ENTRY_OVERHEAD + fixed as u64 + body.weight();
        let form = form_of(meta.status, &meta.fields);
        Self { meta, body, form, checked: Checked::default(), found: AtomicBool::new(false), weight }
    }

    /// Notes that a request found it.
    pub(super) fn note_found(&self) {
        // Most hits find it noted already, and a plain read leaves the line shared between cores.
        if !self.found.load(Ordering::Relaxed) {
            self.found.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was found since this was last asked.
    pub(super) fn was_found(&self) -> bool {
        self.found.swap(false, Ordering::Relaxed)
    }

    /// What it costs in memory, in bytes: body, fields, key, tags and overhead.
    pub fn weight(&self) -> u64 {
        self.weight
    }
}
