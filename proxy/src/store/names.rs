//! Names of fields that most responses have: stored as one byte each.

/// In the order of their bytes, so that a name is found by halving. What is stored never leaves the process, so they may change.
const NAMES: [&str; 52] = [
    "accept-ranges",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "age",
    "allow",
    "alt-svc",
    "cache-control",
    "cdn-cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-security-policy",
    "content-type",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "link",
    "location",
    "permissions-policy",
    "pragma",
    "referrer-policy",
    "retry-after",
    "server",
    "server-timing",
    "set-cookie",
    "strict-transport-security",
    "surrogate-control",
    "timing-allow-origin",
    "vary",
    "via",
    "x-amz-id-2",
    "x-amz-request-id",
    "x-cache",
    "x-content-type-options",
    "x-dns-prefetch-control",
    "x-download-options",
    "x-frame-options",
    "x-powered-by",
    "x-request-id",
    "x-xss-protection",
];

/// Numbers below this are names; it leaves some free.
pub(super) const CODES: usize = 64;

/// The number of a name.
pub(super) fn code(name: &str) -> Option<usize> {
    NAMES.binary_search(&name).ok()
}

/// The name of a number; `None` where it has none.
pub(super) fn name(code: usize) -> Option<&'static str> {
    NAMES.get(code).copied()
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[test]
    fn each_has_a_number_and_is_written_as_fields_are_stored() {
        assert!(NAMES.is_sorted() && NAMES.len() <= CODES);
        for (number, stored) in NAMES.iter().enumerate() {
            assert_eq!((code(stored), name(number)), (Some(number), Some(*stored)));
            assert_eq!(HeaderName::from_bytes(stored.as_bytes()).unwrap().as_str(), *stored);
        }
        assert_eq!((code("x-other"), code(""), name(NAMES.len())), (None, None, None));
    }
}
