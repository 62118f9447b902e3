//! A cacheable request, as the engine sees it.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use crate::fill::request::ClientFields;
use crate::key::{CacheKey, Canonical, Target};
use crate::rules::CacheSettings;
use crate::upstream::Upstream;

/// A GET or HEAD that a rule caches.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'r> {
    /// The rule that caches it.
    pub rule: &'r str,
    /// Who is asked where the cache cannot answer.
    pub upstream: &'r Arc<Upstream>,
    /// The settings of its rule.
    pub settings: &'r Arc<CacheSettings>,
    /// Its target in normal form.
    pub target: &'r Target,
    /// Its key, and what the upstream is asked for it.
    pub canonical: &'r Canonical,
    /// The client's fields.
    pub headers: &'r HeaderMap,
    /// Its name in logs.
    pub request_id: &'r HeaderValue,
}

impl Asked<'_> {
    pub(super) fn primary(&self) -> &CacheKey {
        &self.canonical.key
    }

    /// Its fields as fills send them; made where they are needed, since most hits do not need them.
    pub(super) fn fields(&self) -> ClientFields {
        ClientFields::of(self.headers, self.settings)
    }
}
