//! Why a request was answered as it was: the words that metrics, access log and Cache-Status share.
//!
//! Labels are stable: dashboards and alerts are written against them.

/// Why a request was passed and not looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PassReason {
    /// Its rule says `action = "pass"`.
    Rule,
    /// No rule matched it.
    NoRule,
    /// Its method is neither GET nor HEAD (RFC 9110 §9.2.3).
    Method,
    /// It carries content, which has no meaning in a GET and is in no key (RFC 9110 §9.3.1).
    Body,
    /// It wants to switch protocols (RFC 9110 §7.8).
    Upgrade,
    /// It carries Authorization (RFC 9111 §3.5).
    Authorization,
    /// It carries a cookie that the rule names.
    Cookie,
    /// It carries a header that the rule names.
    Header,
    /// It carries a query parameter that the rule names.
    Query,
    /// Its path may mean another one to the upstream, which would be sent the client's cookies (`forward = "all"`).
    Path,
    /// It asks for a part of a response that is not stored, so that the upstream is asked for that part (RFC 9110 §14).
    Range,
    /// It is a HEAD for a response that is not stored, so that the upstream is asked for no more.
    HeadOnly,
}

/// Why a request that could have been answered from the cache went to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissReason {
    /// Nothing is stored under its key.
    Uri,
    /// Something is stored under its key, but for other values of the fields that Vary names.
    Vary,
    /// What is stored is stale.
    Stale,
    /// What is stored was purged (invalidation protocol, rules 4 and 5).
    Purged,
    /// This edge has no lease, and must ask (rule 11).
    Disconnected,
    /// What is stored is fresh, but the client's directives want the upstream asked (RFC 9111 §5.2.1).
    Request,
    /// The fill that it had joined was overtaken by a purge (rule 7).
    Overtaken,
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("not stored: {}", self.label())]
#[non_exhaustive]
pub enum NotStored {
    /// `no-store` (RFC 9111 §5.2.2.5).
    NoStore,
    /// `private`, with or without field names (§5.2.2.7).
    Private,
    /// It sets a cookie.
    SetCookie,
    /// The request carried cookies that are not in the key, and the response does not say that it may be kept.
    Cookie,
    /// The request carried Authorization and the response does not allow reuse (§3.5).
    Authorization,
    /// Vary holds `*`, or more names than are kept (§4.1).
    Vary,
    /// It varies by a field that the rule's `vary` does not know.
    UnknownVary,
    /// Its status is not stored under this rule.
    Status,
    /// An entry of the rule's `responses` says so.
    ResponseRule,
    /// It has neither freshness nor a validator, so it could never be reused.
    NoFreshness,
    /// A field of the invalidation protocol cannot be read.
    Protocol,
    /// It has more tags than are kept: one that is dropped would be a purge that is lost.
    TooManyTags,
    /// Its body is larger than the rule allows.
    TooLarge,
    /// The client asked that it is not (`no-store`, RFC 9111 §5.2.1.5), under a rule that heeds clients.
    RequestNoStore,
}

/// On what ground a stale object was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StaleReason {
    /// While a refresh runs behind (RFC 5861 §3).
    WhileRevalidate,
    /// Because the upstream failed (RFC 5861 §4).
    IfError,
    /// Softly purged, while a refresh runs behind (invalidation protocol, rule 4).
    SoftPurged,
    /// Neither feed nor upstream can be reached, and the rule has `serve_for` (rule 11).
    ServeFor,
    /// The client takes it so: `max-stale` (RFC 9111 §5.2.1.2).
    MaxStale,
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// From the cache, fresh.
    Hit,
    /// From the cache while cut off, by `on_disconnect = "serve"`.
    HitDisconnected,
    /// From the cache, stale.
    Stale(StaleReason),
    /// From the cache, after the upstream said 304.
    Revalidated(MissReason),
    /// From the upstream, through the cache.
    Miss(MissReason),
    /// From the upstream, past the cache.
    Pass(PassReason),
    /// By this edge itself: a preflight under a rule with `cors` (the Fetch standard, §3.3.2).
    Preflight,
    /// Not at all: it was a PURGE.
    Purge,
    /// Not at all: the request was refused.
    Refused,
    /// Not at all: the client wanted a stored response alone, and none may be served (`only-if-cached`, RFC 9111 §5.2.1.7).
    NotCached,
    /// Not at all: the upstream failed and nothing stored may be served.
    Unavailable(MissReason),
}

// === impl labels ===

impl PassReason {
    /// Its stable label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::NoRule => "no_rule",
            Self::Method => "method",
            Self::Body => "body",
            Self::Upgrade => "upgrade",
            Self::Authorization => "authorization",
            Self::Cookie => "cookie",
            Self::Header => "header",
            Self::Query => "query",
            Self::Path => "path",
            Self::Range => "range",
            Self::HeadOnly => "head_only",
        }
    }
}

impl MissReason {
    /// Its stable label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Uri => "uri_miss",
            Self::Vary => "vary_miss",
            Self::Stale => "stale",
            Self::Purged => "purged",
            Self::Disconnected => "disconnected",
            Self::Request => "request",
            Self::Overtaken => "overtaken",
        }
    }
}

impl NotStored {
    /// Its stable label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::NoStore => "no_store",
            Self::Private => "private",
            Self::SetCookie => "set_cookie",
            Self::Cookie => "cookie",
            Self::Authorization => "authorization",
            Self::Vary => "vary",
            Self::UnknownVary => "unknown_vary",
            Self::Status => "status",
            Self::ResponseRule => "response_rule",
            Self::NoFreshness => "no_freshness",
            Self::Protocol => "protocol",
            Self::TooManyTags => "too_many_tags",
            Self::TooLarge => "too_large",
            Self::RequestNoStore => "request_no_store",
        }
    }
}

impl StaleReason {
    /// Its stable label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::WhileRevalidate => "swr",
            Self::IfError => "sie",
            Self::SoftPurged => "soft_purged",
            Self::ServeFor => "serve_for",
            Self::MaxStale => "max_stale",
        }
    }
}

impl Outcome {
    /// Its stable label, without the reason.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hit | Self::HitDisconnected => "hit",
            Self::Stale(_) => "stale",
            Self::Revalidated(_) => "revalidated",
            Self::Miss(_) => "miss",
            Self::Pass(_) => "pass",
            Self::Preflight => "preflight",
            Self::Purge => "purge",
            Self::Refused => "refused",
            Self::NotCached | Self::Unavailable(_) => "unavailable",
        }
    }

    /// The label of its reason; empty where it needs none.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Hit | Self::Preflight | Self::Purge | Self::Refused => "",
            Self::HitDisconnected => "disconnected",
            Self::NotCached => "only_if_cached",
            Self::Stale(reason) => reason.label(),
            Self::Miss(reason) | Self::Revalidated(reason) | Self::Unavailable(reason) => reason.label(),
            Self::Pass(reason) => reason.label(),
        }
    }
}
