//! A stored object: immutable, complete, with everything parsed that a hit asks about.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use vitrine_shared::coherence::Checked;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::TagHash;

use super::memory::ENTRY_OVERHEAD;
use crate::key::{CacheKey, Framer, KeySpec};
use crate::policy::Lifetime;
use crate::vary::VarySpec;

/// Bodies of many small chunks are copied into one piece up to this size, so that a hit is one write.
const JOINED: usize = 1 << 20;
/// Bytes that a header field costs in a map besides its name and value.
const FIELD_OVERHEAD: usize = 96;
/// Bytes that a chunk costs besides its content.
const CHUNK_OVERHEAD: usize = 64;

/// Everything of a response but its body.
#[derive(Debug)]
pub struct Meta {
    /// The key that it stands under: the primary one, or a variant's.
    pub key: CacheKey,
    /// Its status.
    pub status: StatusCode,
    /// Its fields, as they are stored.
    pub fields: HeaderMap,
    /// `applied` as it was read before the upstream was asked, or older where the upstream said so (rule 6).
    pub stamp: Epoch,
    /// What it was made of.
    pub tags: Box<[TagHash]>,
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
    /// At which generation of the tag table it was last found servable.
    pub checked: Checked,
    weight: u64,
}

/// The fields by which the objects below a primary key differ.
#[derive(Clone, Debug)]
pub struct Variants {
    /// The primary key.
    pub key: CacheKey,
    /// The fields.
    pub spec: VarySpec,
}

// === impl StoredBody ===

impl StoredBody {
    /// From the chunks of a complete fill.
    pub fn new(chunks: Vec<Bytes>) -> Self {
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
        Self { chunks, len: len as u64 }
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
}

// === impl Object ===

impl Object {
    /// Puts a response together.
    pub fn new(meta: Meta, body: StoredBody) -> Self {
        let fields: usize =
            meta.fields.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD).sum();
        let tags = size_of_val::<[TagHash]>(&meta.tags);
        let chunks = body.chunks.len() * CHUNK_OVERHEAD;
        let fixed = size_of::<Self>() + meta.key.as_bytes().len() + fields + tags + chunks;
        let weight = ENTRY_OVERHEAD + fixed as u64 + body.len;
        Self { meta, body, checked: Checked::default(), weight }
    }

    /// What it costs in memory, in bytes: body, fields, key, tags and overhead.
    pub fn weight(&self) -> u64 {
        self.weight
    }
}

// === impl Variants ===

impl Variants {
    /// The key of the variant for these fields, as a fill sends them.
    pub fn variant(&self, sent: &HeaderMap, key: &KeySpec) -> CacheKey {
        let mut framer = Framer::with_capacity(self.key.as_bytes().len() + 64);
        // A primary key begins with its layout's number, which is never zero.
        framer.number(0);
        framer.part(self.key.as_bytes());
        framer.part(self.spec.variant(sent, key).as_bytes());
        framer.finish()
    }

    pub(super) fn weight(&self) -> u64 {
        let names: usize = self.spec.names().iter().map(|name| name.as_str().len() + FIELD_OVERHEAD).sum();
        ENTRY_OVERHEAD + (size_of::<Self>() + self.key.as_bytes().len() + names) as u64
    }
}
