//! Whether a response may be stored, and as what: one order of checks, for fills and for the cases beside a rules file.

use http::{HeaderMap, header};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::headers::{self, CACHE_EPOCH};
use vitrine_shared::tag::Tag;

use crate::policy::{self, Exchange, FreshnessSource, Lifetime};
use crate::reason::NotStored;
use crate::rules::{CacheSettings, SetCookie};
use crate::upstream::Upstream;
use crate::vary::VarySpec;

/// What the upstream says that a response was made of.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// The position that it was read at, where it names one.
    pub(crate) epoch: Option<Epoch>,
    /// Its tags, in its order.
    pub(crate) tags: Vec<Tag>,
}

/// As what a response may be stored.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// Until when it may be used.
    pub(crate) lifetime: Lifetime,
    /// Where the end of its freshness comes from.
    pub(crate) source: FreshnessSource,
    /// By what it varies.
    pub(crate) spec: VarySpec,
    /// The longest that its body may be, in bytes.
    pub(crate) max_bytes: u64,
}

// === impl Said ===

impl Said {
    /// A tag or epoch that cannot be read would be a purge that is lost, so nothing is stored then. `origin` is the scheme, host
    /// and port of the URL.
    pub(crate) fn of(response: &HeaderMap, upstream: &Upstream, origin: &str) -> Result<Self, NotStored> {
        let epoch = headers::epoch(response, &CACHE_EPOCH).map_err(|_| NotStored::Protocol)?;
        let mut tags = headers::tags(response).map_err(|_| NotStored::Protocol)?;
        tags.extend(policy::tags_of(response, &upstream.tag_headers, origin)?);
        Ok(Self { epoch, tags })
    }
}

// === impl Kept ===

impl Kept {
    /// Judges a response of which is known what it [says](Said); `no_store` where the client forbids storing.
    pub(crate) fn of(exchange: &Exchange<'_>, settings: &CacheSettings, no_store: bool) -> Result<Self, NotStored> {
        if no_store {
            return Err(NotStored::RequestNoStore);
        }
        let (lifetime, source) = policy::assess(exchange, settings)?;
        let max_bytes = settings.effective(exchange.status, exchange.response).max_object_bytes;
        if length(exchange.response).is_some_and(|length| length > max_bytes) {
            return Err(NotStored::TooLarge);
        }
        let spec = VarySpec::of(exchange.response, settings)?;
        Ok(Self { lifetime, source, spec, max_bytes })
    }
}

/// The length of a response's body, where the upstream said it.
pub(super) fn length(response: &HeaderMap) -> Option<u64> {
    response.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The fields of a response that is sent on and not stored.
pub(crate) fn unstored_fields(response: &HeaderMap, set_cookie: SetCookie) -> HeaderMap {
    let mut fields = policy::passed_fields(response);
    if set_cookie == SetCookie::Strip {
        fields.remove(header::SET_COOKIE);
    }
    fields
}
