//! A complete body.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};

/// Bodies of many small chunks are copied into one piece up to this size, so that a hit is one write.
const JOINED: usize = 1 << 20;
/// Bytes that a chunk costs besides its content.
const CHUNK_OVERHEAD: usize = 64;

/// A complete body. To clone it counts one up and copies nothing.
#[derive(Clone, Debug)]
pub struct StoredBody {
    id: u64,
    chunks: Arc<[Bytes]>,
    len: u64,
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

    /// Its pieces, in order, to be written from. Allocates nothing.
    pub fn slices(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.chunks.iter().map(|chunk| &**chunk)
    }

    /// Its pieces, in order, each to be held by itself. May allocate.
    pub fn chunks(&self) -> Arc<[Bytes]> {
        self.chunks.clone()
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
