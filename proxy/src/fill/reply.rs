//! A fill's response once its head has arrived.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use crate::key::CacheKey;
use crate::policy::{FreshnessSource, Lifetime};
use crate::purge::Provenance;
use crate::reason::NotStored;
use crate::store::{Promise, Variants};

/// A response whose body is on its way.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its fields: as stored where it is to be stored, else without those of the connection and the protocol.
    pub fields: HeaderMap,
    /// Its length, where the upstream said it.
    pub length: Option<u64>,
    /// Of when and of what it is.
    pub provenance: Provenance,
    /// Whether the invalidation protocol vouches for it.
    pub promise: Promise,
    /// Who may have it.
    pub share: Share,
    /// Where it comes from.
    pub source: Source,
}

/// Where a response comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The upstream.
    Upstream,
    /// This cache's own disk, where it is fresh.
    Disk,
}

/// Who may have a response.
#[derive(Clone, Debug)]
pub enum Share {
    /// All who ask for its variant: it will be stored.
    All(Storable),
    /// All who wait for it, though it is not stored: an upstream that fails must not be asked once for each of them. Where they
    /// may have asked for different variants, those of its own.
    Waiting(NotStored, Option<Variant>),
    /// Only the request that began the fill.
    Starter(NotStored),
}

/// Which variant of a URL a response is.
#[derive(Clone, Debug)]
pub struct Variant {
    /// By what they differ.
    pub variants: Arc<Variants>,
    /// Its key.
    pub key: CacheKey,
}

/// What is known of a response that will be stored.
#[derive(Clone, Debug)]
pub struct Storable {
    /// The key under which it will stand.
    pub key: CacheKey,
    /// When it was made and until when it may be used.
    pub lifetime: Lifetime,
    /// Where the end of its freshness comes from.
    pub source: FreshnessSource,
    /// By what it varies, where it does.
    pub variants: Option<Arc<Variants>>,
    /// The longest that its body may be, in bytes.
    pub max_bytes: u64,
}
