//! What the rules say of one request, before anything is looked up.

use std::sync::Arc;
use std::time::Duration;

use vitrine_shared::tag::Tag;

use super::template::TagTemplates;
use crate::key::KeySpec;
use crate::reason::PassReason;
use crate::upstream::Upstream;

/// What to do with one request, and by which rule.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Name of the rule that decided, for logs, metrics and Cache-Status.
    pub rule: Arc<str>,
    /// Who is asked where the cache cannot answer.
    pub upstream: Arc<Upstream>,
    /// Cache or pass.
    pub action: Action,
}

/// Cache or pass.
#[derive(Clone, Debug)]
pub enum Action {
    /// Answer from the cache, or fill it.
    Cache(CachePlan),
    /// Stream through Pingora's own proxying; nothing is looked up or stored.
    Pass(PassReason),
}

/// How a cacheable request is keyed, stored and reused.
#[derive(Clone, Debug)]
pub struct CachePlan {
    /// The settings of the rule, shared by its requests.
    pub settings: Arc<CacheSettings>,
}

/// The part of a rule that does not depend on the request.
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// What enters the key.
    pub key: KeySpec,
    /// Freshness at the edge.
    pub edge_ttl: EdgeTtl,
    /// Under [`EdgeTtl::Override`], the most that a 404 or 410 gets.
    pub negative_ttl: Duration,
    /// What browsers and foreign caches are told.
    pub browser_ttl: BrowserTtl,
    /// What to do while this edge has no lease (invalidation protocol, rule 11).
    pub on_disconnect: OnDisconnect,
    /// How long an old object may be served, labelled, while neither the feed nor the upstream can be reached.
    pub serve_for: Option<Duration>,
    /// How long a stale object may be served while one refresh runs behind (RFC 5861 §3).
    pub stale_while_revalidate: StaleTtl,
    /// How long a stale object may be served when the upstream fails (RFC 5861 §4).
    pub stale_if_error: StaleTtl,
    /// Largest body that is stored, in bytes.
    pub max_object_bytes: u64,
    /// The rule's tag templates; see [`CachePlan::tags`].
    pub tags: TagTemplates,
}

/// Where an object's freshness lifetime comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeTtl {
    /// From the response (RFC 9111 §4.2); not fresh without explicit freshness.
    Respect,
    /// Always this, whatever the response says (but for `no-store`, `private` and Set-Cookie, which are never stored).
    Override(Duration),
    /// From the response, at most this.
    Cap(Duration),
}

/// For how long past its freshness an object may still be served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaleTtl {
    /// As the response's directive of RFC 5861 says, where no other directive of it forbids that; without one, never.
    #[default]
    Respect,
    /// Always this, the operator's word being above the response's (RFC 9111 §4.2.4); zero for never.
    Override(Duration),
}

/// What downstream caches are told in Cache-Control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrowserTtl {
    /// What the upstream said.
    Respect,
    /// `public, max-age=N` so that this much freshness is left on arrival, less where `valid-until` or the edge's own
    /// freshness ends earlier.
    Override(Duration),
    /// `no-cache`: keep, but ask each time (the `ETag` makes it cheap).
    Revalidate,
}

/// What to do with stored objects while this edge has no lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDisconnect {
    /// Ask the upstream, conditionally where possible.
    #[default]
    Revalidate,
    /// Serve: for content-addressed files, which never change under their name.
    Serve,
}

// === impl CachePlan ===

impl CachePlan {
    /// Tags by the rule's templates, such as `product-handle:{handle}`, put in for this canonical path.
    ///
    /// Only a fill needs them, so they are not made for every hit.
    pub fn tags(&self, path: &str) -> Vec<Tag> {
        self.settings.tags.expand(path)
    }
}
