//! What a fill asks the upstream: nothing that the key does not hold, since the answer is shared.
//!
//! Sent are: Host; the headers and cookies that the rule keys; the fields that a known Vary names, since they are part of the
//! variant's key; `X-Forwarded-Proto` and `X-Forwarded-Host`, which are the scheme and host of the key; the validators of
//! the stored object; `Cache-Min-Epoch`. Three fields stand outside the key: `Via` and `User-Agent` are constants, and
//! `X-Request-Id` names the request in logs (an upstream that put it into a body would share it).
//!
//! So `Accept-Language` and the like reach the upstream only where a rule keys them or the upstream's Vary named them:
//! the first response with a new Vary is not used for a client that sent such a field; it is asked for again, with it.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, header};
use pingora::http::RequestHeader;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::headers::{CACHE_MIN_EPOCH, X_REQUEST_ID, epoch_value};

use crate::key::{KeySpec, Target};
use crate::upstream::Upstream;

/// What this edge calls itself in Via (RFC 9110 §7.6.3).
pub const VIA: HeaderValue = HeaderValue::from_static("1.1 vitrine");
/// Sent in place of the clients' own, which are not in the key.
const USER_AGENT: HeaderValue = HeaderValue::from_static("vitrine");
/// The client's scheme, for the upstream.
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The client's host, for the upstream.
pub const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// The client's address, for the upstream; only for requests that are passed.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The validators of a stored object, sent so that the upstream may answer 304 (RFC 9110 §13.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// Its ETag, for If-None-Match.
    pub etag: Option<HeaderValue>,
    /// Its Last-Modified, for If-Modified-Since.
    pub last_modified: Option<HeaderValue>,
}

/// A request that can be sent more than once, each time with the epoch of that attempt.
#[derive(Debug)]
pub struct FillRequest {
    upstream: Arc<Upstream>,
    header: RequestHeader,
}

/// What a request is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'r> {
    /// Who is asked.
    pub upstream: &'r Arc<Upstream>,
    /// Scheme and host of the key.
    pub target: &'r Target,
    /// Path and query of the key.
    pub path_and_query: &'r str,
    /// Which headers and cookies are keyed.
    pub key: &'r KeySpec,
    /// Fields that are part of the variant's key, as they are to be sent.
    pub varied: &'r [(HeaderName, HeaderValue)],
    /// The client's fields.
    pub client: &'r http::HeaderMap,
    /// The request's name in logs.
    pub request_id: &'r HeaderValue,
    /// Of the stored object.
    pub validators: &'r Validators,
}

// === impl Validators ===

impl Validators {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

// === impl FillRequest ===

impl FillRequest {
    /// Builds it. Fails only where the path or a value cannot be sent.
    pub fn build(parts: Parts<'_>) -> pingora::Result<Self> {
        let path = parts.upstream.request_target(parts.path_and_query);
        let mut header = RequestHeader::build(Method::GET, path.as_bytes(), Some(16))?;
        let host = parts.upstream.host.as_deref().unwrap_or(parts.target.host());
        header.insert_header(header::HOST, host)?;
        for key in &parts.key.headers {
            for line in key.lines(parts.client) {
                header.append_header(key.name.clone(), line.clone())?;
            }
        }
        for (name, value) in parts.varied {
            if !parts.key.headers.iter().any(|key| key.name == *name) {
                header.append_header(name.clone(), value.clone())?;
            }
        }
        if let Some(cookie) = parts.key.cookie_field(parts.client) {
            header.insert_header(header::COOKIE, cookie)?;
        }
        if !header.headers.contains_key(header::USER_AGENT) {
            header.insert_header(header::USER_AGENT, USER_AGENT)?;
        }
        header.insert_header(header::VIA, VIA)?;
        header.insert_header(X_FORWARDED_PROTO, parts.target.scheme().as_str())?;
        header.insert_header(X_FORWARDED_HOST, parts.target.host())?;
        header.insert_header(X_REQUEST_ID, parts.request_id.clone())?;
        if let Some(etag) = &parts.validators.etag {
            header.insert_header(header::IF_NONE_MATCH, etag.clone())?;
        }
        if let Some(date) = &parts.validators.last_modified {
            header.insert_header(header::IF_MODIFIED_SINCE, date.clone())?;
        }
        Ok(Self { upstream: parts.upstream.clone(), header })
    }

    /// Who is asked.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// The request for one attempt, made while `applied` was this edge's position (rule 6).
    pub fn attempt(&self, applied: Epoch) -> RequestHeader {
        let mut header = self.header.clone();
        if self.upstream.speaks_epochs {
            // An epoch is always a valid value.
            let _ = header.insert_header(CACHE_MIN_EPOCH, epoch_value(applied));
        }
        header
    }
}
