//! A complete body: in one piece with a small object, or in pieces of its own that are shared with whoever sends them.

use std::sync::Arc;

use bytes::Bytes;

use super::budget::Charge;
use super::object::{Object, number};
use super::size_class::{class_within, rounded};

/// Bytes that a piece costs besides its content: its handle, here and with the reader, and its count.
pub(crate) const PIECE_OVERHEAD: usize = 96;
/// Bytes that a body in pieces costs besides them.
const BODY_OVERHEAD: usize = 192;
/// Bodies up to this size that came in pieces are put together anew, so that a hit writes few of them.
const JOINED: usize = 256 << 10;
/// Pieces of a longer body are put together where they are smaller than this on average.
const TOO_SMALL: usize = 4 << 10;
/// Pieces that are put together are of this size, and the last of what is left.
const PIECE: usize = 64 << 10;

/// A complete body. To clone it counts one up and copies nothing.
#[derive(Clone, Debug)]
pub struct StoredBody(Held);

#[derive(Clone, Debug)]
enum Held {
    Within(Object),
    Pieces(Arc<Pieces>),
}

/// A body in pieces of its own.
#[derive(Debug)]
pub(super) struct Pieces {
    id: u64,
    len: u64,
    each: Arc<[Bytes]>,
    /// What counts its bytes; without it, whoever holds it does.
    charge: Option<Arc<Charge>>,
}

/// A piece that lies within an object, held by itself.
struct Within {
    object: Object,
    part: usize,
}

// === impl StoredBody ===

impl StoredBody {
    /// Of pieces that nobody has counted yet: who stores it does.
    pub fn new(pieces: Vec<Bytes>) -> Self {
        Self::of(pieces, None)
    }

    /// Of pieces that are counted as long as either this or who else holds the charge is there.
    pub fn charged(pieces: Vec<Bytes>, charge: Arc<Charge>) -> Self {
        Self::of(pieces, Some(charge))
    }

    fn of(pieces: Vec<Bytes>, charge: Option<Arc<Charge>>) -> Self {
        let len: usize = pieces.iter().map(Bytes::len).sum();
        let is_scattered = pieces.len() > 1 && (len <= JOINED || len / pieces.len() < TOO_SMALL);
        // Copies are not what the charge counts.
        let (pieces, charge) = if is_scattered { (joined(&pieces, len), None) } else { (pieces.into(), charge) };
        Self(Held::Pieces(Arc::new(Pieces { id: number(), len: len as u64, each: pieces, charge })))
    }

    /// That of an object.
    pub(super) fn within(object: Object) -> Self {
        Self(Held::Within(object))
    }

    pub(super) fn of_pieces(pieces: Arc<Pieces>) -> Self {
        Self(Held::Pieces(pieces))
    }

    pub(super) fn pieces(&self) -> Option<&Arc<Pieces>> {
        match &self.0 {
            Held::Within(_) => None,
            Held::Pieces(pieces) => Some(pieces),
        }
    }

    /// Its number in this process, which no other body gets: by it what was derived from it is found.
    pub fn id(&self) -> u64 {
        match &self.0 {
            Held::Within(object) => object.body_id(),
            Held::Pieces(pieces) => pieces.id,
        }
    }

    /// Its pieces, in order, to be written from. Allocates nothing.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let (within, pieces) = match &self.0 {
            Held::Within(object) => (object.body_parts(), None),
            Held::Pieces(pieces) => ([&[][..]; 2], Some(pieces)),
        };
        let pieces = pieces.into_iter().flat_map(|pieces| pieces.each.iter().map(|piece| &**piece));
        within.into_iter().filter(|part| !part.is_empty()).chain(pieces)
    }

    /// Its pieces, in order, each to be held by itself. Copies nothing; allocates where it lies within an object.
    pub fn chunks(&self) -> Arc<[Bytes]> {
        match &self.0 {
            Held::Pieces(pieces) => pieces.each.clone(),
            Held::Within(_) => self.each_chunk().collect(),
        }
    }

    /// The same, one after the other: allocates no room for all of them.
    pub fn each_chunk(&self) -> impl Iterator<Item = Bytes> {
        let (within, pieces) = match &self.0 {
            Held::Within(object) => (Some(object), None),
            Held::Pieces(pieces) => (None, Some(pieces)),
        };
        let within = within.into_iter().flat_map(|object| {
            (0..2)
                .map(|part| Within { object: object.clone(), part })
                .filter(|within| !within.as_ref().is_empty())
                .map(Bytes::from_owner)
        });
        within.chain(pieces.into_iter().flat_map(|pieces| pieces.each.iter().cloned()))
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Held::Within(object) => object.body_len(),
            Held::Pieces(pieces) => pieces.len,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl AsRef<[u8]> for Within {
    fn as_ref(&self) -> &[u8] {
        self.object.body_parts()[self.part]
    }
}

// === impl Pieces ===

impl Pieces {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// What it takes of memory, in bytes.
    pub(super) fn weight(&self) -> u64 {
        let pieces: usize = self.each.iter().map(|piece| cost(piece.len())).sum();
        (BODY_OVERHEAD + pieces) as u64
    }

    /// What of that its holder has to count.
    pub(super) fn uncounted(&self) -> u64 {
        if self.charge.is_some() { BODY_OVERHEAD as u64 } else { self.weight() }
    }
}

/// What a piece of so many bytes takes of memory.
pub(crate) fn cost(bytes: usize) -> usize {
    rounded(bytes) + PIECE_OVERHEAD
}

/// Pieces put together anew, each of a size that an allocator has a class for, so that nothing is left unused but in the last.
fn joined(pieces: &[Bytes], len: usize) -> Arc<[Bytes]> {
    let mut all = pieces.iter().flat_map(|piece| piece.chunks(PIECE));
    let mut rest: &[u8] = &[];
    let mut put_together = Vec::new();
    let mut left = len;
    while left > 0 {
        // A small remainder is not worth a piece of its own.
        let exact = class_within(left.min(PIECE));
        let size = if left <= PIECE && cost(left) <= cost(exact) + cost(left - exact) { left } else { exact };
        let mut piece = Vec::with_capacity(size);
        while piece.len() < size {
            if rest.is_empty() {
                let Some(next) = all.next() else {
                    break;
                };
                rest = next;
            }
            let (taken, after) = rest.split_at(rest.len().min(size - piece.len()));
            piece.extend_from_slice(taken);
            rest = after;
        }
        put_together.push(Bytes::from(piece));
        left -= size;
    }
    put_together.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn large_pieces_are_shared_and_small_ones_put_together() {
        let large: Vec<Bytes> = (0..8).map(|_| Bytes::from(vec![7; 60_000])).collect();
        let kept = StoredBody::new(large.clone());
        let is_shared = kept.chunks().iter().zip(&large).all(|(kept, given)| kept.as_ptr() == given.as_ptr());
        assert!(is_shared && kept.len() == 480_000);
        let scattered = StoredBody::new((0..2_000).map(|_| Bytes::from(vec![7; 300])).collect());
        assert!(scattered.slices().count() <= 600_000_usize.div_ceil(PIECE) + 1);
        assert_eq!(StoredBody::new(Vec::new()).slices().count(), 0);
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_or_moved(sizes in proptest::collection::vec(0_usize..40_000, 0..12)) {
            let mut next = 0_u8;
            let mut byte = || {
                next = next.wrapping_mul(31).wrapping_add(7);
                next
            };
            let pieces: Vec<Bytes> = sizes.iter().map(|size| (0..*size).map(|_| byte()).collect()).collect();
            let body = StoredBody::new(pieces.clone());
            prop_assert!(body.slices().collect::<Vec<_>>().concat() == pieces.concat());
            prop_assert_eq!(body.chunks().concat().len() as u64, body.len());
            if let Some(pieces) = body.pieces() {
                let kept: usize = pieces.each.iter().map(Bytes::len).sum();
                let taken: usize = pieces.each.iter().map(|piece| rounded(piece.len())).sum();
                prop_assert!(sizes.len() < 2 || kept > JOINED || taken <= kept + kept / 16 + 256, "{taken} for {kept}");
            }
        }
    }
}
