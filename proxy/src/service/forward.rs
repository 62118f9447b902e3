//! What a passed request tells the upstream of its client, and what it must not.
//!
//! What strangers claim in `X-Forwarded-*`, `Forwarded`, `X-Original-URL` and their like, and in the protocol's own fields, is
//! replaced or dropped: an upstream that trusts this edge must not be told something else by the client through it (invalidation
//! protocol, rule 16). Then the rule's own edits are made.

use http::{HeaderName, HeaderValue, header};
use pingora::http::{RequestHeader, ResponseHeader};
use vitrine_shared::headers::{FROM_EDGE, FROM_ORIGIN, X_REQUEST_ID};

use crate::client::{Client, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
use crate::fill::request::VIA;
use crate::key::Target;
use crate::rules::HeaderEdits;
use crate::upstream::Upstream;

/// The name of this cache's member (RFC 9211).
pub(super) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Whose request is passed, and by which name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct From<'r> {
    /// The client.
    pub(crate) client: &'r Client,
    /// The request's name in logs.
    pub(crate) request_id: &'r HeaderValue,
}

/// Makes a client's request fit for the upstream: its Host and path, who the client is, and what the rule edits.
pub(crate) fn prepare(
    request: &mut RequestHeader,
    upstream: &Upstream,
    target: &Target,
    from: From<'_>,
    edits: &HeaderEdits,
) -> pingora::Result<()> {
    request.set_raw_path(upstream.request_target(&target.passed()).as_bytes())?;
    request.insert_header(header::HOST, upstream.host.as_deref().unwrap_or(target.host()))?;
    let withheld = request.headers.keys().filter(|name| from.client.withholds(name)).cloned();
    let withheld: Vec<HeaderName> = withheld.collect();
    for name in FROM_EDGE.iter().chain(&FROM_ORIGIN).chain(&withheld) {
        request.remove_header(name);
    }
    if let Some(chain) = from.client.forwarded_for() {
        request.insert_header(X_FORWARDED_FOR, chain)?;
    }
    request.insert_header(X_FORWARDED_PROTO, target.scheme().as_str())?;
    request.insert_header(X_FORWARDED_HOST, target.host())?;
    request.insert_header(X_REQUEST_ID, from.request_id.clone())?;
    request.append_header(header::VIA, VIA)?;
    edits.apply(request);
    Ok(())
}

/// Takes off a response what only edges may read: the protocol's fields, and those that carry this upstream's tags.
pub(super) fn strip(response: &mut ResponseHeader, upstream: Option<&Upstream>) {
    for name in &FROM_ORIGIN {
        response.remove_header(name);
    }
    for field in upstream.into_iter().flat_map(|upstream| &upstream.tag_headers) {
        if let Some(name) = field.hidden() {
            response.remove_header(name);
        }
    }
}
