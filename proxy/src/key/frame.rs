//! Keys as bytes: parts framed by their length, so that different parts never give the same key, and a keyed hash of them.

use std::hash::Hasher as _;
use std::sync::OnceLock;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// A cache key: the framed parts and their hash.
///
/// The hash finds the object; equality compares the framed bytes too, so a collision is a miss and never another's object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheKey {
    hash: u128,
    framed: Box<[u8]>,
}

/// A key that is looked for, in a buffer of its own.
#[derive(Clone, Copy, Debug)]
pub struct CacheKeyRef<'k> {
    /// Its [hash](CacheKey::hash).
    pub hash: u128,
    /// Its [framed parts](CacheKey::as_bytes).
    pub framed: &'k [u8],
}

/// Writes parts so that they can be told apart again: each is preceded by its length or its number.
#[derive(Debug, Default)]
pub(crate) struct Framer(Vec<u8>);

// === impl CacheKey ===

impl CacheKey {
    /// 128 bits of SipHash-1-3 under a key that is drawn at random at process start, so that nobody outside can aim at a
    /// shard or make collisions.
    pub fn hash(&self) -> u128 {
        self.hash
    }

    /// The framed parts. Equal in every process, unlike the hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.framed
    }

    /// A key from bytes of [`CacheKey::as_bytes`].
    pub fn from_bytes(framed: Box<[u8]>) -> Self {
        Self { hash: keyed_hash(&framed), framed }
    }
}

impl std::hash::Hash for CacheKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u128(self.hash);
    }
}

// === impl Framer ===

impl Framer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// A number of parts, or a choice between kinds of them.
    pub(crate) fn number(&mut self, number: usize) {
        self.0.extend_from_slice(&(number as u64).to_le_bytes()[..4]);
    }

    /// A part that is there.
    pub(crate) fn part(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// A part that is there, written in pieces.
    pub(crate) fn parts(&mut self, write: impl FnOnce(&mut dyn FnMut(&[u8]))) {
        let length_at = self.0.len();
        self.number(0);
        write(&mut |piece| self.0.extend_from_slice(piece));
        let length = (self.0.len() - length_at - 4) as u64;
        self.0[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes()[..4]);
    }

    /// A part that may be absent, which is not the same as empty.
    pub(crate) fn optional(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => {
                self.0.push(1);
                self.part(bytes);
            }
            None => self.0.push(0),
        }
    }

    /// Several parts, as the lines of one field: their number first.
    pub(crate) fn list<'b>(&mut self, parts: impl Iterator<Item = &'b [u8]>) {
        let count_at = self.0.len();
        self.number(0);
        let mut count: u32 = 0;
        for part in parts {
            self.part(part);
            count += 1;
        }
        self.0[count_at..count_at + 4].copy_from_slice(&count.to_le_bytes());
    }

    /// Forgets what was written, and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The key of what was written, as [`Framer::finish`] makes it.
    pub(crate) fn key(&self) -> CacheKeyRef<'_> {
        CacheKeyRef { hash: keyed_hash(&self.0), framed: &self.0 }
    }

    pub(crate) fn finish(self) -> CacheKey {
        CacheKey::from_bytes(self.0.into_boxed_slice())
    }
}

/// Reads back what a [`Framer`] wrote; `None` where the bytes end too early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unframer<'b>(&'b [u8]);

// === impl Unframer ===

impl<'b> Unframer<'b> {
    pub(super) fn of(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn number(&mut self) -> Option<usize> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        usize::try_from(u32::from_le_bytes(*number)).ok()
    }

    pub(super) fn part(&mut self) -> Option<&'b [u8]> {
        let length = self.number()?;
        let (part, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(part)
    }

    pub(super) fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.part()?).ok()
    }

    /// Whether a part follows, of those that may be absent.
    pub(super) fn is_there(&mut self) -> Option<bool> {
        let (&is_there, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(is_there != 0)
    }

    pub(super) fn list(&mut self) -> Option<Vec<&'b [u8]>> {
        (0..self.number()?).map(|_| self.part()).collect()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

/// Parts are bounded by the sizes of requests (megabytes), so four bytes hold every length.
fn keyed_hash(bytes: &[u8]) -> u128 {
    static SECRET: OnceLock<[u64; 2]> = OnceLock::new();
    let &[k0, k1] = SECRET.get_or_init(rand::random);
    let mut hasher = SipHasher13::new_with_keys(k0, k1);
    hasher.write(bytes);
    hasher.finish128().as_u128()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(parts: &[Option<Vec<u8>>], list: &[Vec<u8>]) -> CacheKey {
        let mut framer = Framer::default();
        framer.number(parts.len());
        for part in parts {
            framer.optional(part.as_deref());
        }
        framer.list(list.iter().map(Vec::as_slice));
        framer.finish()
    }

    #[test]
    fn absent_and_empty_differ() {
        assert_ne!(key(&[None], &[]), key(&[Some(Vec::new())], &[]));
        assert_ne!(key(&[], &[]), key(&[], &[Vec::new()]));
    }

    fn parts() -> impl Strategy<Value = (Vec<Option<Vec<u8>>>, Vec<Vec<u8>>)> {
        // Few byte values, zero among them, so that shifted bounds would collide often.
        let bytes = || proptest::collection::vec(0u8..3, 0..5);
        (proptest::collection::vec(proptest::option::of(bytes()), 0..4), proptest::collection::vec(bytes(), 0..4))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn keys_are_equal_exactly_when_their_parts_are(one in parts(), other in parts()) {
            let keys = (key(&one.0, &one.1), key(&other.0, &other.1));
            prop_assert_eq!(keys.0 == keys.1, one == other);
            prop_assert_eq!(keys.0.hash() == keys.1.hash(), one == other);
        }
    }
}
