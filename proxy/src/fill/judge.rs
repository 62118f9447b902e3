//! What a response to a fill is: its stamp and tags by the invalidation protocol, its lifetime by RFC 9111.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, StatusCode, header};
use vitrine_shared::coherence::Stamp;
use vitrine_shared::headers::VITRINE_TAGS;
use vitrine_shared::tag::{Tag, TagHash};

use super::reply::{Reply, Share, Source, Storable, Variant};
use super::verdict::{Kept, Said, length, unstored_fields};
use crate::key::CacheKey;
use crate::policy::{self, Exchange};
use crate::purge::{Present, Provenance};
use crate::reason::NotStored;
use crate::rules::{CacheSettings, Forward};
use crate::store::{Meta, Object, Promise, Variants};
use crate::upstream::Upstream;
use crate::vary::VarySpec;

/// Fields that a fill sends whether the key holds them or not, and those who wait with it may have others of.
const UNKEYED: [HeaderName; 3] = [header::AUTHORIZATION, header::CACHE_CONTROL, header::PRAGMA];

/// What a fill knows besides the response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'f> {
    /// Who was asked.
    pub(super) upstream: &'f Upstream,
    /// By which settings.
    pub(super) settings: &'f CacheSettings,
    /// The primary key.
    pub(super) primary: &'f CacheKey,
    /// The client's fields that were sent.
    pub(super) sent: &'f HeaderMap,
    /// Whether the client forbids storing.
    pub(super) no_store: bool,
    /// The tags of its rule and of its address.
    pub(super) tags: &'f [Tag],
    /// Its URL, among those of which something is stored.
    pub(super) url: &'f Arc<Present>,
    /// Its scheme, host and port, to which cache groups are bound (RFC 9875 §2.1).
    pub(super) origin: &'f str,
    /// Where this edge stood before this attempt (rule 6).
    pub(super) stamp: Stamp,
    /// When the attempt was made, in Unix milliseconds.
    pub(super) requested_at: u64,
    /// When the head came, in Unix milliseconds.
    pub(super) received_at: u64,
}

/// What the protocol's fields say.
struct Protocol {
    provenance: Provenance,
    promise: Promise,
}

// === impl Asked ===

impl Asked<'_> {
    /// Judges a whole response.
    pub(super) fn judge(&self, status: StatusCode, response: &HeaderMap) -> Reply {
        let protocol = self.protocol(response);
        let judged = protocol.as_ref().map_err(|reason| *reason).and_then(|_| self.kept(status, response));
        // What cannot be read says nothing of what the response was made of, but where it was asked for.
        let unreadable = |_| Protocol { provenance: self.provenance(self.stamp, &[]), promise: Promise::Outside };
        let Protocol { provenance, promise } = protocol.unwrap_or_else(unreadable);
        let (mut fields, share) = match judged {
            Ok(kept) => (policy::stored_fields(response, self.received_at), Share::All(self.storable(kept))),
            Err(reason) => {
                let set_cookie = self.settings.effective(status, response).set_cookie;
                (unstored_fields(response, set_cookie), self.unstored(status, reason, response))
            }
        };
        policy::remove_tag_fields(&mut fields, &self.upstream.tag_headers);
        Reply { status, fields, length: length(response), provenance, promise, share, source: Source::Upstream }
    }

    /// Judges a 304: the stored object with its new fields, stamp, tags and lifetime (rule 6; RFC 9111 §4.3.4).
    ///
    /// `Err` where the outcome must not be stored; the fields are then those to be sent on once.
    pub(super) fn freshen(&self, base: &Object, not_modified: &HeaderMap) -> Result<Object, Box<Reply>> {
        let response = policy::freshen(&base.fields().to_map(), not_modified, self.received_at);
        let mut reply = self.judge(base.status(), &response);
        reply.length = Some(base.body_len());
        // A 304 need not repeat what has not changed (RFC 9110 §15.4.5).
        let lacks_tags = !not_modified.contains_key(VITRINE_TAGS);
        if lacks_tags || policy::lacks_tag_fields(not_modified, &self.upstream.tag_headers) {
            reply.provenance.tags = union(&reply.provenance.tags, base.tags().iter());
        }
        match reply.share {
            // A 304 that changes what the response varies by: whose variant the body is cannot be known.
            Share::All(storable) if storable.key.as_bytes() != base.framed_key() => {
                reply.share = Share::Starter(NotStored::Vary);
                Err(Box::new(reply))
            }
            Share::All(storable) => {
                let meta = Meta {
                    key: storable.key,
                    status: reply.status,
                    fields: reply.fields,
                    provenance: reply.provenance,
                    promise: reply.promise,
                    lifetime: storable.lifetime,
                    source: storable.source,
                };
                Ok(Object::new(meta, base.body()))
            }
            Share::Waiting(..) | Share::Starter(_) => Err(Box::new(reply)),
        }
    }

    fn kept(&self, status: StatusCode, response: &HeaderMap) -> Result<Kept, NotStored> {
        let exchange = Exchange {
            request: self.sent,
            status,
            response,
            requested_at: self.requested_at,
            received_at: self.received_at,
        };
        Kept::of(&exchange, self.settings, self.no_store)
    }

    fn storable(&self, Kept { lifetime, source, spec, max_bytes }: Kept) -> Storable {
        if spec.is_empty() {
            return Storable { key: self.primary.clone(), lifetime, source, variants: None, max_bytes };
        }
        let variants = Variants::new(self.primary.clone(), spec);
        let key = variants.variant(self.sent);
        Storable { key, lifetime, source, variants: Some(Arc::new(variants)), max_bytes }
    }

    /// Who may have a response that is not stored.
    fn unstored(&self, status: StatusCode, reason: NotStored, response: &HeaderMap) -> Share {
        match reason {
            // The request held nothing of one client alone, and the upstream did not say that its failure is private.
            NotStored::Status | NotStored::ResponseRule | NotStored::NoFreshness if status.is_server_error() => {
                Share::Waiting(reason, self.variant(response))
            }
            _ => Share::Starter(reason),
        }
    }

    /// Which variant a response is, where those who wait for it may have asked for others.
    fn variant(&self, response: &HeaderMap) -> Option<Variant> {
        let spec = VarySpec::of(response, self.settings).ok()?;
        // Else all of them would have sent the same.
        let may_differ =
            self.settings.forward != Forward::Keyed || UNKEYED.iter().any(|name| spec.names().contains(name));
        let variants = (may_differ && !spec.is_empty()).then(|| Variants::new(self.primary.clone(), spec))?;
        Some(Variant { key: variants.variant(self.sent), variants: Arc::new(variants) })
    }

    fn protocol(&self, response: &HeaderMap) -> Result<Protocol, NotStored> {
        let Said { epoch, tags } = Said::of(response, self.upstream, self.origin)?;
        let within = epoch.is_some() || self.upstream.reads_through;
        Ok(Protocol {
            provenance: self.provenance(epoch.map_or(self.stamp, |epoch| self.stamp.at_most(epoch)), &tags),
            promise: if within { Promise::Within } else { Promise::Outside },
        })
    }

    /// Of when and of what a response is, with the tags that it was `given`.
    fn provenance(&self, stamp: Stamp, given: &[Tag]) -> Provenance {
        let mut tags: Vec<TagHash> = given.iter().chain(self.tags).map(Tag::hash).collect();
        tags.sort_unstable();
        tags.dedup();
        Provenance { stamp, tags: tags.into(), url: self.url.clone() }
    }
}

/// The tags of either, sorted and without repeats.
fn union(one: &[TagHash], other: impl Iterator<Item = TagHash>) -> Arc<[TagHash]> {
    let mut tags: Vec<TagHash> = one.iter().copied().chain(other).collect();
    tags.sort_unstable();
    tags.dedup();
    tags.into()
}
