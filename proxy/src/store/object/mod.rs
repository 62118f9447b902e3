//! A stored object: immutable, complete, with everything parsed that a hit asks about.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, StatusCode};
use triomphe::ThinArc;
use vitrine_shared::coherence::{Checked, Live, Stamp, Verdict};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::TagHash;

use super::body::{Pieces, StoredBody};
use super::budget::Kind;
use super::fields::{StoredFields, pack};
use super::node::Node;
use super::packed::Packed;
use super::size_class::{class_within, rounded};
use super::table::{Entry, part_of};
use crate::encoding::{Form, form_of};
use crate::key::CacheKey;
use crate::policy::{FreshnessSource, Lifetime};
use crate::purge::{Present, Provenance, URL_BYTES};

/// Bodies up to this size lie in one piece with the rest of their object.
const WITHIN: u64 = 8 << 10;
/// What an allocation with a count holds besides its content.
const COUNTED: usize = 16;
/// Ways to cut a small body that are looked at.
const CUTS: usize = 8;

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

/// A complete response, in one allocation where it is small. To clone it counts one up and copies nothing.
#[derive(Clone)]
pub struct Object(ThinArc<Head, u8>);

/// The tags of an object, sorted. A view: to copy it costs nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tags<'o>(&'o [u8]);

/// What is at the front of an object. As bytes follow: the key, which each look compares and which is fetched with the front; fields, the
/// name of a field, tags, and a body where that is small.
struct Head {
    id: u64,
    url: Arc<Present>,
    /// At which generation of the tag table it was last found servable.
    checked: Checked,
    epoch: u64,
    local: u64,
    rest: Rest,
    /// How far the number of a body that lies within is below that of the object.
    body: u32,
    term: u32,
    short: u32,
    tags: u32,
    key: u32,
    fields: u32,
    node: Node,
    packed: Packed,
    status: StatusCode,
    targeted: u8,
}

/// What of a body does not lie within.
enum Rest {
    /// All does.
    None,
    /// The end of a small one, where an allocator's next class would leave more unused than this costs.
    Tail(ThinArc<(), u8>),
    /// All of it.
    Body(Arc<Pieces>),
}

/// The next number, of an object or of a body.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A number that nothing else in this process gets.
pub(super) fn number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

// === impl Object ===

impl Object {
    /// Puts a response together. A small body is copied; others are shared.
    #[allow(clippy::needless_pass_by_value, reason = "a large body is kept; that a small one is copied is a detail")]
    pub fn new(meta: Meta, body: StoredBody) -> Self {
        let Meta { key, status, fields, provenance, promise, lifetime, source } = meta;
        let form = form_of(status, &fields);
        let targeted = source.targeted.as_ref().map(HeaderName::as_str).filter(|name| name.len() <= 0xff);
        let targeted = targeted.unwrap_or_default().as_bytes();
        let mut bytes = Vec::with_capacity(provenance.tags.len() * 8 + key.as_bytes().len() + 1024);
        bytes.extend_from_slice(key.as_bytes());
        let before = bytes.len();
        pack(&fields, &mut bytes);
        let fields = bytes.len() - before;
        bytes.extend_from_slice(targeted);
        bytes.extend(provenance.tags.iter().flat_map(|tag| tag.0.to_le_bytes()));
        let rest = match body.pieces() {
            Some(pieces) if body.len() > WITHIN => Rest::Body(pieces.clone()),
            Some(_) | None => {
                body.slices().for_each(|slice| bytes.extend_from_slice(slice));
                Self::cut(&mut bytes, usize::try_from(body.len()).unwrap_or(0))
            }
        };
        let id = number();
        let head = Head {
            id,
            // Past that many others it is another body: what was derived from it is derived anew.
            body: u32::try_from(id.saturating_sub(body.id())).unwrap_or(0),
            url: provenance.url,
            checked: Checked::default(),
            epoch: provenance.stamp.epoch.seq,
            local: provenance.stamp.local,
            rest,
            term: provenance.stamp.epoch.term,
            short: short(key.hash()),
            tags: length(provenance.tags.len()),
            key: length(key.as_bytes().len()),
            fields: length(fields),
            node: Node::default(),
            packed: Packed::of(&lifetime, &source, promise, form),
            status,
            // It was made sure that it fits.
            targeted: u8::try_from(targeted.len()).unwrap_or(0),
        };
        Self(ThinArc::from_header_and_slice(head, &bytes))
    }

    /// Cuts off the end, of which `body` bytes may be, where that saves memory.
    fn cut(bytes: &mut Vec<u8>, body: usize) -> Rest {
        let whole = COUNTED + size_of::<Head>() + bytes.len();
        // The largest classes that leave no more than the body over.
        let classes =
            std::iter::successors(Some(class_within(whole)), |class| Some(class_within(class.checked_sub(1)?)));
        let cuts = classes.take_while(|class| *class > 0 && whole - class <= body).take(CUTS);
        let cost = |class: usize| class + rounded(COUNTED + whole - class);
        match cuts.filter(|class| *class < whole).min_by_key(|class| cost(*class)) {
            Some(class) if cost(class) < rounded(whole) => {
                let kept = bytes.len() - (whole - class);
                let tail = ThinArc::from_header_and_slice((), &bytes[kept..]);
                bytes.truncate(kept);
                Rest::Tail(tail)
            }
            Some(_) | None => Rest::None,
        }
    }

    /// Its number in this process, which no other object gets, nor the same after a 304 has freshened it.
    pub fn id(&self) -> u64 {
        self.head().id
    }

    /// The part of the store in which it stands.
    pub fn part(&self) -> usize {
        part_of(self.head().short)
    }

    /// Whether this is the same object, and not only an equal one.
    pub fn is(&self, other: &Self) -> bool {
        self.id() == other.id()
    }

    /// The key that it stands under: the primary one, or a variant's. Allocates.
    pub fn key(&self) -> CacheKey {
        CacheKey::from_bytes(self.framed_key().into())
    }

    /// The [framed parts](CacheKey::as_bytes) of its key.
    pub fn framed_key(&self) -> &[u8] {
        &self.0.slice[..self.head().key as usize]
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.head().status
    }

    /// Its fields, as they are stored.
    pub fn fields(&self) -> StoredFields<'_> {
        let start = self.head().key as usize;
        StoredFields::of(&self.0.slice[start..start + self.head().fields as usize])
    }

    /// Whether the invalidation protocol vouches for it.
    pub fn promise(&self) -> Promise {
        self.head().packed.promise()
    }

    /// When it was made and until when it may be used.
    pub fn lifetime(&self) -> Lifetime {
        self.head().packed.lifetime()
    }

    /// Where the end of its freshness comes from.
    pub fn freshness_source(&self) -> FreshnessSource {
        let end = self.tags_start();
        let targeted = &self.0.slice[end - usize::from(self.head().targeted)..end];
        let targeted = if targeted.is_empty() { None } else { HeaderName::from_bytes(targeted).ok() };
        self.head().packed.source(targeted)
    }

    /// In which form its body is; `None` where it may not be brought into another.
    pub fn form(&self) -> Option<Form> {
        self.head().packed.form()
    }

    /// Its body.
    pub fn body(&self) -> StoredBody {
        match &self.head().rest {
            Rest::Body(pieces) => StoredBody::of_pieces(pieces.clone()),
            Rest::None | Rest::Tail(_) => StoredBody::within(self.clone()),
        }
    }

    /// Its body; counts nothing up where that lies within.
    pub fn into_body(self) -> StoredBody {
        match &self.head().rest {
            Rest::Body(pieces) => StoredBody::of_pieces(pieces.clone()),
            Rest::None | Rest::Tail(_) => StoredBody::within(self),
        }
    }

    /// The [number](StoredBody::id) of its body, which a 304 does not change.
    pub fn body_id(&self) -> u64 {
        match &self.head().rest {
            Rest::Body(pieces) => pieces.id(),
            Rest::None | Rest::Tail(_) => self.id() - u64::from(self.head().body),
        }
    }

    /// The length of its body in bytes.
    pub fn body_len(&self) -> u64 {
        match &self.head().rest {
            Rest::Body(pieces) => pieces.len(),
            Rest::None | Rest::Tail(_) => self.body_parts().map(<[u8]>::len).iter().sum::<usize>() as u64,
        }
    }

    /// A body that lies within; one that does not has no bytes here.
    pub(super) fn body_parts(&self) -> [&[u8]; 2] {
        let within = &self.0.slice[self.fixed_end()..];
        match &self.head().rest {
            Rest::Tail(tail) => [within, &tail.slice],
            Rest::None | Rest::Body(_) => [within, &[]],
        }
    }

    /// Where this edge stood before the upstream was asked for it.
    pub fn stamp(&self) -> Stamp {
        let head = self.head();
        Stamp { epoch: Epoch::new(head.term, head.epoch), local: head.local }
    }

    /// The tags that it was made of.
    pub fn tags(&self) -> Tags<'_> {
        Tags(&self.0.slice[self.tags_start()..self.fixed_end()])
    }

    /// Its URL, among those of which something is stored.
    pub fn url(&self) -> &Arc<Present> {
        &self.head().url
    }

    /// Of when and of what it is. Allocates.
    pub fn provenance(&self) -> Provenance {
        Provenance { stamp: self.stamp(), tags: self.tags().iter().collect(), url: self.url().clone() }
    }

    /// May it be served? (Rule 4.)
    pub fn verdict(&self, live: &Live) -> Verdict {
        live.verdict(self.stamp(), self.tags()).max(self.url().verdict(self.stamp()))
    }

    /// As [`Object::verdict`], remembered in the object: between purges this compares two numbers.
    pub fn verdict_cached(&self, live: &Live) -> Verdict {
        let elsewhere = || self.url().verdict(self.stamp());
        live.verdict_cached(&self.head().checked, || (self.stamp(), self.tags()), elsewhere)
    }

    /// See [`Provenance::serves`].
    pub fn serves(&self, joined_at: Stamp, live: &Live) -> bool {
        self.stamp().covers(joined_at) || self.verdict(live) == Verdict::Servable
    }

    /// What it costs in memory, in bytes: body, fields, key, tags and overhead.
    pub fn weight(&self) -> u64 {
        Entry::weight(self)
    }

    /// Whether a request found it, as far as is known.
    pub fn was_used(&self) -> bool {
        self.head().node.is_used()
    }

    /// Whether another has taken its place in memory, or it was withdrawn from there. What made room for others is not.
    pub fn is_superseded(&self) -> bool {
        self.head().node.is_superseded()
    }

    fn head(&self) -> &Head {
        &self.0.header.header
    }

    fn tags_start(&self) -> usize {
        let head = self.head();
        head.key as usize + head.fields as usize + usize::from(head.targeted)
    }

    /// Where the body begins.
    fn fixed_end(&self) -> usize {
        self.tags_start() + self.head().tags as usize * size_of::<TagHash>()
    }
}

/// The part of a key's hash by which its entry is found; the key itself is compared.
pub(super) fn short(hash: u128) -> u32 {
    (hash >> 96) as u32
}

/// Parts of requests and responses are bounded by their sizes (megabytes), so four bytes hold every length.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Entry for Object {
    const TABLE: u8 = 0;
    const KIND: Kind = Kind::Objects;

    fn short(&self) -> u32 {
        self.head().short
    }

    fn node(&self) -> &Node {
        &self.head().node
    }

    fn weight(&self) -> u64 {
        let own = self.own();
        match &self.head().rest {
            Rest::Body(pieces) => own + pieces.weight() - pieces.uncounted(),
            Rest::None | Rest::Tail(_) => own,
        }
    }

    fn own(&self) -> u64 {
        let front = rounded(COUNTED + size_of::<Head>() + self.0.slice.len()) + URL_BYTES;
        let rest = match &self.head().rest {
            Rest::None => 0,
            Rest::Tail(tail) => rounded(COUNTED + tail.slice.len()) as u64,
            Rest::Body(pieces) => pieces.uncounted(),
        };
        front as u64 + rest
    }

    fn is_held(&self) -> bool {
        match &self.head().rest {
            // One for this object; its predecessor of before a 304 may be another, which does not last.
            Rest::Body(pieces) => Arc::strong_count(pieces) > 1,
            Rest::None | Rest::Tail(_) => false,
        }
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

// === impl Tags ===

impl std::fmt::Debug for Tags<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

impl Tags<'_> {
    /// All of them, in order.
    pub fn iter(self) -> <Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// All of them, each by itself. Allocates.
    pub fn to_vec(self) -> Vec<TagHash> {
        self.iter().collect()
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.0.len() / size_of::<TagHash>()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Whether this one is among them.
    pub fn contains(self, tag: TagHash) -> bool {
        self.iter().any(|other| other == tag)
    }
}

impl<'o> IntoIterator for Tags<'o> {
    type Item = TagHash;
    type IntoIter = std::iter::Map<std::slice::ChunksExact<'o, u8>, fn(&'o [u8]) -> TagHash>;

    fn into_iter(self) -> Self::IntoIter {
        // The bytes of a tag are always eight.
        self.0.chunks_exact(size_of::<TagHash>()).map(|bytes| TagHash(bytes.try_into().map_or(0, u64::from_le_bytes)))
    }
}

#[cfg(test)]
mod tests;
