//! What a response to a fill is: its stamp and tags by the invalidation protocol, its lifetime by RFC 9111.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::headers::{self, CACHE_EPOCH};
use vitrine_shared::tag::{Tag, TagHash};

use super::reply::{Reply, Share, Storable};
use crate::key::{CacheKey, KeySpec};
use crate::policy::{self, Exchange, Lifetime};
use crate::reason::NotStored;
use crate::rules::CacheSettings;
use crate::store::{Meta, Object, Promise, Variants};
use crate::upstream::Upstream;
use crate::vary::VarySpec;

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
    /// The tags of its rule and of its address.
    pub(super) tags: &'f [Tag],
    /// `applied` as it was read before this attempt (rule 6).
    pub(super) applied: Epoch,
    /// When the attempt was made, in Unix milliseconds.
    pub(super) requested_at: u64,
    /// When the head came, in Unix milliseconds.
    pub(super) received_at: u64,
}

/// What the protocol's fields say.
struct Protocol {
    stamp: Epoch,
    tags: Box<[TagHash]>,
    promise: Promise,
}

// === impl Asked ===

impl Asked<'_> {
    /// Judges a whole response.
    pub(super) fn judge(&self, status: StatusCode, response: &HeaderMap) -> Reply {
        let length = response.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let protocol = self.protocol(response);
        let judged = protocol.as_ref().map_err(|reason| *reason).and_then(|_| {
            let lifetime = self.assess(status, response)?;
            if length.is_some_and(|length| length > self.settings.max_object_bytes) {
                return Err(NotStored::TooLarge);
            }
            self.storable(response, lifetime)
        });
        // What cannot be read says nothing of what the response was made of.
        let unreadable = Protocol { stamp: self.applied, tags: Box::default(), promise: Promise::Outside };
        let Protocol { stamp, tags, promise } = protocol.unwrap_or(unreadable);
        let (fields, share) = match judged {
            Ok(storable) => (policy::stored_fields(response, self.received_at), Share::All(storable)),
            Err(reason) => (passed_fields(response), unstored(status, reason)),
        };
        Reply { status, fields, length, stamp, tags, promise, share }
    }

    /// Judges a 304: the stored object with its new fields, stamp, tags and lifetime (rule 6; RFC 9111 §4.3.4).
    ///
    /// `Err` where the outcome must not be stored; the fields are then those to be sent on once.
    pub(super) fn freshen(&self, base: &Object, not_modified: &HeaderMap) -> Result<Object, Box<Reply>> {
        let response = policy::freshen(&base.meta.fields, not_modified, self.received_at);
        let mut reply = self.judge(base.meta.status, &response);
        reply.length = Some(base.body.len());
        match reply.share {
            // A 304 that changes what the response varies by: whose variant the body is cannot be known.
            Share::All(storable) if storable.key != base.meta.key => {
                reply.share = Share::Starter(NotStored::Vary);
                Err(Box::new(reply))
            }
            Share::All(storable) => {
                let meta = Meta {
                    key: storable.key,
                    status: reply.status,
                    fields: reply.fields,
                    stamp: reply.stamp,
                    tags: reply.tags,
                    promise: reply.promise,
                    lifetime: storable.lifetime,
                };
                Ok(Object::new(meta, base.body.clone()))
            }
            Share::Waiting(_) | Share::Starter(_) => Err(Box::new(reply)),
        }
    }

    fn assess(&self, status: StatusCode, response: &HeaderMap) -> Result<Lifetime, NotStored> {
        let exchange = Exchange {
            request: self.sent,
            status,
            response,
            requested_at: self.requested_at,
            received_at: self.received_at,
        };
        policy::assess(&exchange, self.settings)
    }

    fn storable(&self, response: &HeaderMap, lifetime: Lifetime) -> Result<Storable, NotStored> {
        let spec = VarySpec::of(response)?;
        if spec.is_empty() {
            return Ok(Storable { key: self.primary.clone(), lifetime, variants: None });
        }
        let variants = Variants { key: self.primary.clone(), spec };
        let key = variants.variant(self.sent, self.key());
        Ok(Storable { key, lifetime, variants: Some(Arc::new(variants)) })
    }

    /// A tag or epoch that cannot be read would be a purge that is lost, so nothing is stored then.
    fn protocol(&self, response: &HeaderMap) -> Result<Protocol, NotStored> {
        let named = headers::epoch(response, &CACHE_EPOCH).map_err(|_| NotStored::Protocol)?;
        let given = headers::tags(response).map_err(|_| NotStored::Protocol)?;
        let mut tags: Vec<TagHash> = given.iter().chain(self.tags).map(Tag::hash).collect();
        tags.sort_unstable();
        tags.dedup();
        let within = named.is_some() || self.upstream.reads_through;
        Ok(Protocol {
            stamp: named.map_or(self.applied, |named| named.min(self.applied)),
            tags: tags.into(),
            promise: if within { Promise::Within } else { Promise::Outside },
        })
    }

    fn key(&self) -> &KeySpec {
        &self.settings.key
    }
}

/// Who may have a response that is not stored.
fn unstored(status: StatusCode, reason: NotStored) -> Share {
    match reason {
        // The request held nothing of one client alone, and the upstream did not say that its failure is private.
        NotStored::Status | NotStored::NoFreshness if status.is_server_error() => Share::Waiting(reason),
        _ => Share::Starter(reason),
    }
}

fn passed_fields(response: &HeaderMap) -> HeaderMap {
    let mut fields = response.clone();
    policy::remove_hop_by_hop(&mut fields);
    policy::remove_protocol(&mut fields);
    fields
}
