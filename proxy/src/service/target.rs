//! What a request asks for: host and path of its head, the scheme and host of what a trusted proxy says of it.

use http::{Method, header};
use pingora::http::RequestHeader;

use crate::client::Client;
use crate::downstream::Limits;
use crate::key::{Target, TargetError};

/// The target in normal form. Pingora has refused heads whose Host lines or authorities contradict each other.
pub(crate) fn target(head: &RequestHeader, client: &Client, limits: &Limits) -> Result<Target<'static>, TargetError> {
    // RFC 9110 §9.3.8: the upstream would send back what this edge and others add, to whoever can make a browser ask.
    if head.method == Method::TRACE {
        return Err(TargetError::Method);
    }
    if head.raw_path().len() > limits.target {
        return Err(TargetError::TooLong);
    }
    let raw = std::str::from_utf8(head.raw_path()).map_err(|_| TargetError::Path)?;
    let mut lines = head.headers.get_all(header::HOST).iter();
    let host = match (&client.host, head.uri.authority(), lines.next(), lines.next()) {
        (Some(believed), ..) => believed,
        (None, Some(authority), ..) => authority.as_str(),
        (None, None, Some(host), None) => host.to_str().map_err(|_| TargetError::Host)?,
        (None, None, ..) => return Err(TargetError::Host),
    };
    // The absolute form (RFC 9112 §3.2.2) is a proxy's; its path is what follows the authority. Of other forms none names a resource.
    let path = if raw.starts_with('/') {
        raw
    } else if is_absolute(raw) {
        head.uri.path_and_query().map_or("/", |path_and_query| path_and_query.as_str())
    } else {
        return Err(TargetError::Path);
    };
    Target::parse(client.scheme, host, path).map(Target::into_owned)
}

/// Whether it begins with one of this edge's schemes.
fn is_absolute(raw: &str) -> bool {
    let scheme = raw.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}
