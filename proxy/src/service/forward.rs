//! What a passed request tells the upstream of its client, and what it must not.
//!
//! What strangers claim in `X-Forwarded-*`, `Forwarded` and the protocol's own fields is replaced or dropped: an upstream
//! that trusts this edge must not be told something else by the client through it (invalidation protocol, rule 16).

use std::net::IpAddr;

use http::{HeaderName, HeaderValue, header};
use pingora::http::{RequestHeader, ResponseHeader};
use vitrine_shared::headers::{FROM_EDGE, FROM_ORIGIN, X_REQUEST_ID};

use crate::fill::request::{VIA, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
use crate::key::Target;
use crate::upstream::Upstream;

/// The name of this cache's member (RFC 9211).
pub(super) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// RFC 7239, and a field that commonly says the same.
const CLAIMS: [HeaderName; 2] = [HeaderName::from_static("forwarded"), HeaderName::from_static("x-real-ip")];
/// What the other claims begin with: host, port, proto, scheme, ssl, prefix and whatever a framework adds.
const CLAIM_PREFIX: &str = "x-forwarded-";

/// Makes a client's request fit for the upstream: its Host and path, and who the client is.
pub(super) fn prepare(
    request: &mut RequestHeader,
    upstream: &Upstream,
    target: &Target,
    client: Option<IpAddr>,
    request_id: &HeaderValue,
) -> pingora::Result<()> {
    request.set_raw_path(upstream.request_target(&target.passed()).as_bytes())?;
    request.insert_header(header::HOST, upstream.host.as_deref().unwrap_or(target.host()))?;
    let claims = request.headers.keys().filter(|name| name.as_str().starts_with(CLAIM_PREFIX)).cloned();
    let claims: Vec<HeaderName> = claims.collect();
    for name in FROM_EDGE.iter().chain(&FROM_ORIGIN).chain(&CLAIMS).chain(&claims) {
        request.remove_header(name);
    }
    match client {
        Some(client) => request.insert_header(X_FORWARDED_FOR, client.to_canonical().to_string())?,
        None => {
            request.remove_header(&X_FORWARDED_FOR);
        }
    }
    request.insert_header(X_FORWARDED_PROTO, target.scheme().as_str())?;
    request.insert_header(X_FORWARDED_HOST, target.host())?;
    request.insert_header(X_REQUEST_ID, request_id.clone())?;
    request.append_header(header::VIA, VIA)?;
    Ok(())
}

/// Takes off a response what only edges may read.
pub(super) fn strip(response: &mut ResponseHeader) {
    for name in &FROM_ORIGIN {
        response.remove_header(name);
    }
}
