//! Entity tags in Express's weak form, and the condition on them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::{HeaderMap, HeaderValue, header};

/// Bytes of the digest that are printed.
const DIGEST: usize = 20;

/// `W/"<length in hex>-<digest>"` of a body.
pub fn of(body: &[u8]) -> HeaderValue {
    let digest = blake3::hash(body);
    let text = format!("W/\"{:x}-{}\"", body.len(), STANDARD_NO_PAD.encode(&digest.as_bytes()[..DIGEST]));
    // Hex, Base64 and quotes are all visible ASCII.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("W/\"0\""))
}

/// Whether the caller has this already (`If-None-Match`, weak comparison).
pub fn matches(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(ours) = etag.to_str().map(bare) else {
        return false;
    };
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|tag| tag.trim() == "*" || bare(tag) == ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_compare_weakly() {
        let etag = of(b"{}");
        let strong = etag.to_str().unwrap().trim_start_matches("W/").to_owned();
        let table = [
            (etag.to_str().unwrap().to_owned(), true),
            (strong.clone(), true),
            (format!("\"x\", {strong}"), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
        ];
        for (given, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, given.parse().unwrap());
            assert_eq!(matches(&headers, &etag), expected, "{given}");
        }
        assert_ne!(of(b"{}"), of(b"[]"));
    }
}
