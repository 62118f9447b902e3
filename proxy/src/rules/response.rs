//! What a response changes of its rule's settings: TTLs by status or media type, and what is never stored.

use super::conditions::Condition;
use super::decision::{BrowserTtl, EdgeTtl, SetCookie, StaleTtl};

use http::HeaderName;

/// One entry of a rule's `responses`. What it does not say is as the rule says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseRule {
    /// Statuses, as ranges with both ends in them; empty for all.
    pub statuses: Vec<(u16, u16)>,
    /// Media types in lower case: `text/html`, or `image/` for all that begin so; empty for all.
    pub content_types: Vec<Box<str>>,
    /// Conditions on response fields.
    pub headers: Vec<(HeaderName, Condition)>,
    /// `false`: it is not stored.
    pub store: Option<bool>,
    /// See [`CacheSettings::edge_ttl`](super::CacheSettings::edge_ttl). A duration here applies to any status.
    pub edge_ttl: Option<EdgeTtl>,
    /// See [`CacheSettings::browser_ttl`](super::CacheSettings::browser_ttl).
    pub browser_ttl: Option<BrowserTtl>,
    /// See [`CacheSettings::stale_while_revalidate`](super::CacheSettings::stale_while_revalidate).
    pub stale_while_revalidate: Option<StaleTtl>,
    /// See [`CacheSettings::stale_if_error`](super::CacheSettings::stale_if_error).
    pub stale_if_error: Option<StaleTtl>,
    /// See [`CacheSettings::max_object_bytes`](super::CacheSettings::max_object_bytes).
    pub max_object_bytes: Option<u64>,
    /// See [`CacheSettings::set_cookie`](super::CacheSettings::set_cookie).
    pub set_cookie: Option<SetCookie>,
}
