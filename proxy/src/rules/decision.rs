//! What the rules say of one request, before anything is looked up.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use ipnet::IpNet;
use vitrine_shared::tag::Tag;

use super::response::ResponseRule;
use super::template::TagTemplates;
use super::transform::{HeaderEdits, Transform};
use crate::encoding::Compression;
use crate::key::{KeySpec, QuerySpec};
use crate::reason::PassReason;
use crate::upstream::Upstream;
use crate::vary::VaryRules;

/// The targeted field that RFC 9213 §3.1 defines for all CDNs.
pub const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// What to do with one request, and by which rule.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The place of the rule that decided, from 0; the number of rules where none matches.
    pub place: usize,
    /// Name of the rule that decided, for logs, metrics and Cache-Status.
    pub rule: Arc<str>,
    /// Who is asked where the cache cannot answer.
    pub upstream: Arc<Upstream>,
    /// What is changed of the messages, whatever the action.
    pub transform: Arc<Transform>,
    /// Networks from which PURGE is taken; empty for none.
    pub purge_from: Arc<[IpNet]>,
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
    /// What fills send of the client's fields.
    pub forward: Forward,
    /// Then changed by these.
    pub request_edits: Arc<HeaderEdits>,
    /// How the fields that a response's Vary names are compared.
    pub vary: VaryRules,
    /// Freshness of responses that say nothing of it (RFC 9111 §4.2.2); absent for none.
    pub heuristic: Option<Heuristic>,
    /// Targeted fields (RFC 9213), the most specific first.
    pub targeted: Arc<[HeaderName]>,
    /// Whether the client's Cache-Control counts (RFC 9111 §5.2.1).
    pub request_directives: RequestDirectives,
    /// What becomes of a response that sets a cookie.
    pub set_cookie: SetCookie,
    /// Compression at the edge; absent for none.
    pub compression: Option<Arc<Compression>>,
    /// What the response changes of these settings; the first that matches decides.
    pub responses: Arc<[ResponseRule]>,
}

/// What fills send of the client's fields, besides Host and the protocol's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forward {
    /// Those that the key holds, or a known Vary names: nothing unkeyed can shape an answer that others get.
    #[default]
    Keyed,
    /// All end-to-end fields but Cookie, of which the keyed ones are sent: the upstream must name in Vary what it reads.
    Headers,
    /// All end-to-end fields, as RFC 9110 §7.6 has it: the upstream must say `private` or Vary where it reads a cookie.
    All,
}

/// Heuristic freshness (RFC 9111 §4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heuristic {
    /// Part of the time since Last-Modified, in percent.
    pub percent: u32,
    /// The upper bound.
    pub max: Duration,
}

/// Whether a client's Cache-Control and Pragma count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestDirectives {
    /// They do not: strangers would decide how hard the upstream works. (But for `only-if-cached`, which spares it.)
    #[default]
    Ignore,
    /// `no-cache`, `no-store`, `max-age`, `min-fresh`, `max-stale`, `only-if-cached` count (RFC 9111 §5.2.1).
    Obey,
}

/// What becomes of a response that sets a cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SetCookie {
    /// It is not stored.
    #[default]
    Refuse,
    /// The cookie is taken out of it, for every client, and it may be stored.
    Strip,
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
    /// The same, and this where the response neither says nor forbids it (RFC 9111 §4.2.4: a cache without its origin may).
    Default(Duration),
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

// === impl CacheSettings ===

/// Largest body that is stored, where nothing is said: 8 MiB.
pub const DEFAULT_MAX_OBJECT: u64 = 8 << 20;
/// What a 404 or 410 gets under a rule's own TTL, where nothing is said: long enough to absorb a storm, short enough for an
/// origin that does not purge what comes into being.
pub const DEFAULT_NEGATIVE_TTL: Duration = Duration::from_mins(1);

impl CacheSettings {
    /// The settings of a rule that says nothing but `action = "cache"`, for the upstream that `scope` names.
    pub fn of_scope(scope: Arc<str>) -> Self {
        Self {
            key: KeySpec {
                scope,
                query: QuerySpec::default(),
                headers: Vec::new(),
                cookies: Vec::new(),
                device: false,
            },
            edge_ttl: EdgeTtl::Respect,
            negative_ttl: DEFAULT_NEGATIVE_TTL,
            browser_ttl: BrowserTtl::Respect,
            on_disconnect: OnDisconnect::default(),
            serve_for: None,
            stale_while_revalidate: StaleTtl::Respect,
            stale_if_error: StaleTtl::Respect,
            max_object_bytes: DEFAULT_MAX_OBJECT,
            tags: TagTemplates::default(),
            forward: Forward::default(),
            request_edits: Arc::default(),
            vary: VaryRules::default(),
            heuristic: None,
            targeted: Arc::from([CDN_CACHE_CONTROL]),
            request_directives: RequestDirectives::default(),
            set_cookie: SetCookie::default(),
            compression: None,
            responses: Arc::default(),
        }
    }
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
