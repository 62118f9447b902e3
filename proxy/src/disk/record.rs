//! What is kept of one response: plain data, so that the files do not depend on how memory holds it.
//!
//! A record is a head and a body. The head holds everything but the body's bytes, with a checksum of each [`CHUNK`] of them; who
//! has a head that is right can read the body piece by piece, and know of each piece whether it is.

use vitrine_shared::coherence::Stamp;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::TagHash;

use super::wire::{Put, Take, checksum};

/// The pieces in which a body is written, read and checked, in bytes; the last one is shorter.
pub const CHUNK: usize = 256 << 10;

/// Grows when a head's form changes; one of another form is no record.
const FORM: u8 = 1;

/// Everything of what stands under a key but a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The framed parts of its key, which are the same in every process.
    pub key: Box<[u8]>,
    /// The tag of its URL.
    pub url: TagHash,
    /// What it is.
    pub content: Content,
}

/// What stands under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The names of the request fields by which the responses below this key differ.
    Variants(Vec<Box<str>>),
    /// A response.
    Response(Box<Response>),
}

/// A response but its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its fields line by line, in their order.
    pub fields: Vec<Line>,
    /// Up to which purges it is true.
    pub stamp: Stamp,
    /// What it was made of.
    pub tags: Vec<TagHash>,
    /// Whether the invalidation protocol vouches for it.
    pub is_within_promise: bool,
    /// When it was made, and until when it may be used.
    pub times: Times,
    /// Where its freshness comes from, to be told.
    pub basis: Basis,
    /// The length of its body in bytes.
    pub body_len: u64,
    /// The checksum of each of the body's [chunks](CHUNK).
    pub sums: Vec<u64>,
}

/// A field's name and one of its values.
pub type Line = (Box<[u8]>, Box<[u8]>);

/// When a response was made, and until when it may be used, in Unix milliseconds: see [`Lifetime`](crate::policy::Lifetime).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When its age was zero.
    pub born: u64,
    /// The end of its freshness.
    pub fresh_until: u64,
    /// The end of serving it stale while it is refreshed.
    pub revalidate_until: u64,
    /// The end of serving it stale when the upstream fails.
    pub error_until: u64,
    /// When its content ends by the clock.
    pub ends: Option<u64>,
    /// Whether it forbids that it be served stale.
    pub stale_forbidden: bool,
    /// What downstream caches are told, where that is the response's own.
    pub browser: Option<Browser>,
}

/// What downstream caches are told: see [`BrowserTtl`](crate::rules::BrowserTtl).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browser {
    /// What the upstream said.
    Respect,
    /// So many milliseconds.
    Override(u64),
    /// To ask each time.
    Revalidate,
}

/// Where freshness comes from: see [`FreshnessSource`](crate::policy::FreshnessSource).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The number of its kind.
    pub kind: u8,
    /// The targeted field that spoke.
    pub targeted: Option<Box<str>>,
    /// The entry of the rule's `responses` that held.
    pub entry: Option<u64>,
    /// Whether a cap was less than what the response says.
    pub is_capped: bool,
    /// Whether its content ends earlier by the clock.
    pub is_ended: bool,
}

// === impl Head ===

impl Head {
    /// As it stands on the disk.
    pub fn encode(&self) -> Vec<u8> {
        let mut put = Put::with_capacity(256 + self.key.len());
        put.u8(FORM);
        put.bytes(&self.key);
        put.u64(self.url.0);
        match &self.content {
            Content::Variants(names) => {
                put.u8(0);
                put.count(names.len());
                for name in names {
                    put.bytes(name.as_bytes());
                }
            }
            Content::Response(response) => {
                put.u8(1);
                response.encode(&mut put);
            }
        }
        put.finish()
    }

    /// Reads it back; `None` where the bytes are none, or are of another form.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut take = Take::of(bytes);
        if take.u8()? != FORM {
            return None;
        }
        let key = take.bytes()?.into();
        let url = TagHash(take.u64()?);
        let content = match take.u8()? {
            0 => Content::Variants(take.list(4, |take| take.text().map(Box::from))?),
            1 => Content::Response(Box::new(Response::decode(&mut take)?)),
            _ => return None,
        };
        take.is_at_end().then_some(Self { key, url, content })
    }

    /// The length of the body that belongs to it.
    pub fn body_len(&self) -> u64 {
        match &self.content {
            Content::Variants(_) => 0,
            Content::Response(response) => response.body_len,
        }
    }
}

// === impl Response ===

impl Response {
    fn encode(&self, put: &mut Put) {
        put.u16(self.status);
        put.count(self.fields.len());
        for (name, value) in &self.fields {
            put.bytes(name);
            put.bytes(value);
        }
        put.u32(self.stamp.epoch.term);
        put.u64(self.stamp.epoch.seq);
        put.u64(self.stamp.local);
        put.count(self.tags.len());
        for tag in &self.tags {
            put.u64(tag.0);
        }
        put.flag(self.is_within_promise);
        self.times.encode(put);
        self.basis.encode(put);
        put.u64(self.body_len);
        put.count(self.sums.len());
        for sum in &self.sums {
            put.u64(*sum);
        }
    }

    fn decode(take: &mut Take<'_>) -> Option<Self> {
        let status = take.u16()?;
        let fields = take.list(8, |take| Some((take.bytes()?.into(), take.bytes()?.into())))?;
        let stamp = Stamp { epoch: Epoch::new(take.u32()?, take.u64()?), local: take.u64()? };
        let tags = take.list(8, |take| take.u64().map(TagHash))?;
        let is_within_promise = take.flag()?;
        let times = Times::decode(take)?;
        let basis = Basis::decode(take)?;
        let body_len = take.u64()?;
        let sums = take.list(8, Take::u64)?;
        let whole = body_len.div_ceil(CHUNK as u64) == sums.len() as u64;
        whole.then_some(Self { status, fields, stamp, tags, is_within_promise, times, basis, body_len, sums })
    }

    /// Whether these bytes are the body's chunk of this number, whole.
    pub fn is_chunk(&self, number: usize, bytes: &[u8]) -> bool {
        self.sums.get(number).is_some_and(|sum| *sum == sum_of_chunk(number, bytes))
    }

    /// Where a chunk of the body begins and how long it is; `None` past the last.
    pub fn chunk(&self, number: usize) -> Option<(u64, usize)> {
        let at = (number as u64).checked_mul(CHUNK as u64).filter(|at| *at < self.body_len)?;
        let length = usize::try_from(self.body_len - at).unwrap_or(usize::MAX).min(CHUNK);
        Some((at, length))
    }
}

/// The checksum of a body's chunk: with its number, so that two that changed places are noticed.
pub fn sum_of_chunk(number: usize, bytes: &[u8]) -> u64 {
    checksum(number as u64 + 1, bytes)
}

// === impl Times and Basis ===

impl Times {
    fn encode(&self, put: &mut Put) {
        for time in [self.born, self.fresh_until, self.revalidate_until, self.error_until] {
            put.u64(time);
        }
        put.optional(self.ends);
        put.flag(self.stale_forbidden);
        let (kind, millis) = match self.browser {
            None => (0, 0),
            Some(Browser::Respect) => (1, 0),
            Some(Browser::Override(millis)) => (2, millis),
            Some(Browser::Revalidate) => (3, 0),
        };
        put.u8(kind);
        put.u64(millis);
    }

    fn decode(take: &mut Take<'_>) -> Option<Self> {
        Some(Self {
            born: take.u64()?,
            fresh_until: take.u64()?,
            revalidate_until: take.u64()?,
            error_until: take.u64()?,
            ends: take.optional()?,
            stale_forbidden: take.flag()?,
            browser: match (take.u8()?, take.u64()?) {
                (0, _) => None,
                (1, _) => Some(Browser::Respect),
                (2, millis) => Some(Browser::Override(millis)),
                (3, _) => Some(Browser::Revalidate),
                _ => return None,
            },
        })
    }
}

impl Basis {
    fn encode(&self, put: &mut Put) {
        put.u8(self.kind);
        put.flag(self.targeted.is_some());
        put.bytes(self.targeted.as_deref().unwrap_or_default().as_bytes());
        put.optional(self.entry);
        put.flag(self.is_capped);
        put.flag(self.is_ended);
    }

    fn decode(take: &mut Take<'_>) -> Option<Self> {
        let kind = take.u8()?;
        let (has_targeted, targeted) = (take.flag()?, take.text()?);
        let targeted = has_targeted.then(|| targeted.into());
        Some(Self { kind, targeted, entry: take.optional()?, is_capped: take.flag()?, is_ended: take.flag()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times() -> impl Strategy<Value = Times> {
        let browser = prop_oneof![
            Just(None),
            Just(Some(Browser::Respect)),
            any::<u64>().prop_map(|millis| Some(Browser::Override(millis))),
            Just(Some(Browser::Revalidate)),
        ];
        (any::<[u64; 4]>(), any::<Option<u64>>(), any::<bool>(), browser).prop_map(
            |([born, fresh_until, revalidate_until, error_until], ends, stale_forbidden, browser)| Times {
                born,
                fresh_until,
                revalidate_until,
                error_until,
                ends,
                stale_forbidden,
                browser,
            },
        )
    }

    fn basis() -> impl Strategy<Value = Basis> {
        (any::<u8>(), proptest::option::of("[a-z-]{0,12}"), any::<Option<u64>>(), any::<[bool; 2]>()).prop_map(
            |(kind, targeted, entry, [is_capped, is_ended])| Basis {
                kind,
                targeted: targeted.map(Into::into),
                entry,
                is_capped,
                is_ended,
            },
        )
    }

    fn response() -> impl Strategy<Value = Response> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..12).prop_map(Vec::into_boxed_slice);
        let fields = proptest::collection::vec((bytes(), bytes()), 0..5);
        let tags = proptest::collection::vec(any::<u64>().prop_map(TagHash), 0..5);
        (any::<u16>(), fields, any::<(u32, u64, u64)>(), tags, any::<bool>(), times(), basis(), 0..4_u64 * CHUNK as u64)
            .prop_map(|(status, fields, (term, seq, local), tags, is_within_promise, times, basis, body_len)| {
                Response {
                    status,
                    fields,
                    stamp: Stamp { epoch: Epoch::new(term, seq), local },
                    tags,
                    is_within_promise,
                    times,
                    basis,
                    body_len,
                    sums: (0..body_len.div_ceil(CHUNK as u64)).collect(),
                }
            })
    }

    pub(in crate::disk) fn head() -> impl Strategy<Value = Head> {
        let names = proptest::collection::vec("[a-z-]{1,9}".prop_map(Into::into), 0..4);
        let content = prop_oneof![
            names.prop_map(Content::Variants),
            response().prop_map(|response| Content::Response(Box::new(response))),
        ];
        (proptest::collection::vec(any::<u8>(), 0..40), any::<u64>(), content).prop_map(|(key, url, content)| Head {
            key: key.into(),
            url: TagHash(url),
            content,
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(head in head()) {
            prop_assert_eq!(Head::decode(&head.encode()), Some(head));
        }

        /// Checksums stand around a head; yet no bytes at all may make reading fail in another way than with `None`, or take more
        /// memory than a few times their own length.
        #[test]
        fn no_bytes_make_reading_fail(head in head(), cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = head.encode();
            prop_assert_eq!(Head::decode(&bytes[..cut.index(bytes.len())]), None);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Head::decode(&bytes);
        }
    }

    #[test]
    fn chunks_have_their_places() {
        let response = Response {
            status: 200,
            fields: vec![],
            stamp: Stamp::default(),
            tags: vec![],
            is_within_promise: false,
            times: Times::default(),
            basis: Basis::default(),
            body_len: CHUNK as u64 + 1,
            sums: vec![sum_of_chunk(0, b"same"), sum_of_chunk(1, b"same")],
        };
        assert_eq!(response.chunk(0), Some((0, CHUNK)));
        assert_eq!(response.chunk(1), Some((CHUNK as u64, 1)));
        assert_eq!((response.chunk(2), response.chunk(usize::MAX)), (None, None));
        assert!(response.is_chunk(0, b"same") && response.is_chunk(1, b"same"));
        assert_ne!(response.sums[0], response.sums[1]);
        assert!(!response.is_chunk(0, b"sane") && !response.is_chunk(2, b"same"));
        assert_eq!(Response { body_len: 0, ..response }.chunk(0), None);
    }
}
