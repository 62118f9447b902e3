//! What the success of an unsafe method invalidates (RFC 9111 §4.4).

use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

use crate::key::{Scheme, Target as Address};

/// Whether a response to this method invalidates: a non-error one to a method that is not known to be safe.
pub fn invalidates(method: &Method, status: StatusCode) -> bool {
    !method.is_safe() && (status.is_success() || status.is_redirection())
}

/// The targets of Location and Content-Location that have the request's own origin; others must be left alone.
pub fn mentioned(request: &Address, response: &HeaderMap) -> Vec<Address<'static>> {
    let lines = [header::LOCATION, header::CONTENT_LOCATION].map(|name| response.get(name));
    lines.into_iter().flatten().filter_map(|line| same_origin(request, line.to_str().ok()?)).collect()
}

/// A reference (RFC 3986 §4.1) as it stands in a response, where it leads to the request's own origin.
fn same_origin(request: &Address, reference: &str) -> Option<Address<'static>> {
    let base = [request.scheme().as_str(), "://", request.host(), &request.passed()].concat();
    let url = Url::parse(&base).ok()?.join(reference).ok()?;
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return None,
    };
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str()?),
        None => url.host_str()?.to_owned(),
    };
    let path_and_query = url.query().map_or_else(|| url.path().to_owned(), |query| [url.path(), "?", query].concat());
    let found = Address::parse(scheme, &host, &path_and_query).ok()?.into_owned();
    (found.scheme() == request.scheme() && found.host() == request.host()).then_some(found)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_successes_of_unsafe_methods_invalidate() {
        let method = |name: &str| Method::from_bytes(name.as_bytes()).unwrap();
        for (name, status, expected) in [
            ("POST", 200, true),
            ("PUT", 204, true),
            ("DELETE", 303, true),
            ("PATCH", 201, true),
            ("M-SEARCH", 200, true), // unknown methods count as unsafe
            ("POST", 404, false),
            ("POST", 500, false),
            ("GET", 200, false),
            ("HEAD", 200, false),
            ("OPTIONS", 200, false),
            ("TRACE", 200, false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(invalidates(&method(name), status), expected, "{name} {status}");
        }
    }

    #[test]
    fn references_are_resolved_and_other_origins_left_alone() {
        let request = Address::parse(Scheme::Http, "shop.example:8080", "/a/b?x=1").unwrap();
        for (reference, expected) in [
            ("/c?y=2", Some("/c?y=2")),
            ("c", Some("/a/c")),
            ("../c", Some("/c")),
            ("?z", Some("/a/b?z")),
            ("#part", Some("/a/b?x=1")),
            ("http://Shop.Example:8080/d", Some("/d")),
            ("//shop.example:8080/e", Some("/e")),
            ("http://shop.example/d", None),
            ("https://shop.example:8080/d", None),
            ("//other.example:8080/d", None),
            ("mailto:a@b", None),
            ("http://[", None),
        ] {
            let mut response = HeaderMap::new();
            response.insert(header::LOCATION, HeaderValue::from_str(reference).unwrap());
            let found: Vec<String> = mentioned(&request, &response).iter().map(Address::passed).collect();
            assert_eq!(found.first().map(String::as_str), expected, "{reference}");
        }
        let mut both = HeaderMap::new();
        both.insert(header::LOCATION, HeaderValue::from_static("/a"));
        both.insert(header::CONTENT_LOCATION, HeaderValue::from_static("/b"));
        assert_eq!(mentioned(&request, &both).len(), 2);
        both.insert(header::LOCATION, HeaderValue::from_bytes(b"/\xff").unwrap());
        assert_eq!(mentioned(&request, &both).len(), 1);
    }

    proptest! {
        #[test]
        fn no_reference_panics_or_leads_to_another_origin(reference in "(http:|https:)?[/\\\\@:a-z.%0-9?#\\[\\]]{0,24}") {
            let request = Address::parse(Scheme::Http, "shop.example:8080", "/a/b?x=1").unwrap();
            let mut response = HeaderMap::new();
            response.insert(header::LOCATION, HeaderValue::from_str(&reference).unwrap());
            for found in mentioned(&request, &response) {
                prop_assert_eq!((found.scheme(), found.host()), (Scheme::Http, "shop.example:8080"));
            }
        }
    }
}
