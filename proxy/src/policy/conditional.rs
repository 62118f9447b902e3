//! Conditional requests that the cache answers itself, and those it makes (RFC 9110 §13; RFC 9111 §4.3).

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::freshness::http_date;
use crate::fields::FieldLines;

/// Whether a stored response with these fields answers the request with 304 (Not Modified).
///
/// If-None-Match is compared weakly and, where present, alone decides (RFC 9110 §13.1.2, §13.2.2). If-Modified-Since is taken
/// against Last-Modified, or where that is absent against Date (RFC 9111 §4.3.2). Other preconditions are the origin's and no
/// cache's (§4.3.2). A 304 stands for a 200 only (RFC 9110 §15.4.5); of other statuses preconditions say nothing (§13.2.1).
pub fn is_not_modified<'f>(request: impl Into<FieldLines<'f>>, status: StatusCode, stored: &HeaderMap) -> bool {
    is_not_modified_of(request, status, |name| stored.get(name).map(HeaderValue::as_bytes))
}

/// As [`is_not_modified`], with the first line of each of the stored fields.
pub fn is_not_modified_of<'f, 's>(
    request: impl Into<FieldLines<'f>>,
    status: StatusCode,
    stored: impl Fn(&HeaderName) -> Option<&'s [u8]>,
) -> bool {
    let request = request.into();
    if status != StatusCode::OK {
        return false;
    }
    if request.contains(&header::IF_NONE_MATCH) {
        let etag = stored(&header::ETAG).and_then(|value| opaque(value.trim_ascii()));
        return request.get_all(&header::IF_NONE_MATCH).any(|line| matches_list(line, etag));
    }
    let Some(line) = request.get_one(&header::IF_MODIFIED_SINCE) else {
        return false;
    };
    let modified = stored(&header::LAST_MODIFIED).or_else(|| stored(&header::DATE)).and_then(http_date);
    matches!((http_date(line), modified), (Some(since), Some(modified)) if modified <= since)
}

/// Takes from a response's fields those that a 304 does not carry: they describe content that is not sent (RFC 9110 §15.4.5).
pub fn to_not_modified(head: &mut HeaderMap) {
    for name in [
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::CONTENT_ENCODING,
        header::CONTENT_LANGUAGE,
        header::CONTENT_RANGE,
        header::TRANSFER_ENCODING,
        header::TRAILER,
    ] {
        head.remove(name);
    }
}

/// Adds to a request to the upstream the validators of a stored response (RFC 9111 §4.3.1); false where it has none, so that the
/// upstream is asked for the whole.
pub fn add_validators(stored: &HeaderMap, request: &mut HeaderMap) -> bool {
    let mut add = |name, value: Option<&HeaderValue>| {
        value.is_some_and(|value| {
            request.insert(name, value.clone());
            true
        })
    };
    let etag = stored.get(header::ETAG).filter(|etag| is_one_tag(etag.as_bytes().trim_ascii()));
    let etag = add(header::IF_NONE_MATCH, etag);
    let modified = add(header::IF_MODIFIED_SINCE, stored.get(header::LAST_MODIFIED));
    etag || modified
}

/// Whether this means one response to an upstream that is asked with it: an entity tag, or what some send for one, without quotes.
/// As a list, or as `*`, it would be true of others too (RFC 9110 §13.1.2).
fn is_one_tag(etag: &[u8]) -> bool {
    let is_bare = || !etag.is_empty() && etag != b"*" && !etag.iter().any(|byte| matches!(byte, b',' | b'"'));
    opaque(etag).is_some() || is_bare()
}

/// The opaque part of an entity tag, quotes included: what weak comparison looks at (RFC 9110 §8.8.3.2).
fn opaque(tag: &[u8]) -> Option<&[u8]> {
    let tag = tag.strip_prefix(b"W/").unwrap_or(tag);
    let inner = tag.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    (!inner.contains(&b'"')).then_some(tag)
}

/// Whether two `ETag` fields are equal by weak comparison; an absent or invalid one equals none.
pub(super) fn weakly_equal(one: Option<&HeaderValue>, other: Option<&HeaderValue>) -> bool {
    let part =
        |value: Option<&'_ HeaderValue>| value.and_then(|v| opaque(v.as_bytes().trim_ascii())).map(<[u8]>::to_vec);
    matches!((part(one), part(other)), (Some(one), Some(other)) if one == other)
}

/// Whether two entity tags are equal by strong comparison (RFC 9110 §8.8.3.2); an absent, weak or invalid one equals none.
pub(super) fn is_strongly_equal(one: Option<&HeaderValue>, other: Option<&HeaderValue>) -> bool {
    fn strong(value: Option<&HeaderValue>) -> Option<&[u8]> {
        let tag = value?.as_bytes().trim_ascii();
        opaque(tag).filter(|_| !tag.starts_with(b"W/"))
    }
    matches!((strong(one), strong(other)), (Some(one), Some(other)) if one == other)
}

/// `*`, or a list of entity tags of which one has this opaque part. What follows a member that is no entity tag is not read.
fn matches_list(line: &[u8], etag: Option<&[u8]>) -> bool {
    let mut rest = line.trim_ascii();
    if rest == b"*" {
        return true;
    }
    let Some(etag) = etag else {
        return false;
    };
    loop {
        rest = rest.trim_ascii_start();
        while let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
        }
        let start = rest.strip_prefix(b"W/").unwrap_or(rest);
        let Some(close) = start.strip_prefix(b"\"").and_then(|inner| memchr::memchr(b'"', inner)) else {
            return false;
        };
        let (tag, after) = start.split_at(close + 2);
        if tag == etag {
            return true;
        }
        rest = after.trim_ascii_start();
        if !rest.starts_with(b",") {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[(header::HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn if_none_match_is_a_weak_comparison_with_a_list() {
        for (stored, asked, expected, why) in [
            ("\"a\"", "\"a\"", true, "RFC 9110 §13.1.2"),
            ("\"a\"", "W/\"a\"", true, "§8.8.3.2: weak comparison"),
            ("W/\"a\"", "\"a\"", true, "§8.8.3.2"),
            ("\"a\"", "\"b\"", false, "another"),
            ("\"a\"", "\"b\", W/\"a\"", true, "a list"),
            ("\"a\"", ",, \"b\" ,\"a\",", true, "§5.6.1: empty members"),
            ("\"a,b\"", "\"x\", \"a,b\"", true, "a comma inside a tag"),
            ("\"a\"", "*", true, "any"),
            ("\"a\"", "a", false, "no entity tag"),
            ("\"a\"", "w/\"a\"", false, "§8.8.3: W/ is case-sensitive"),
            ("\"a\"", "", false, "empty"),
            ("\"a\"", "\"a", false, "unclosed"),
            ("\"a\"", "\"A\"", false, "tags are case-sensitive"),
        ] {
            let request = headers(&[(header::IF_NONE_MATCH, asked)]);
            let stored = headers(&[(header::ETAG, stored)]);
            assert_eq!(is_not_modified(&request, StatusCode::OK, &stored), expected, "{asked}: {why}");
        }
    }

    #[test]
    fn if_modified_since_counts_only_without_if_none_match() {
        let (early, late) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Mon, 07 Nov 1994 08:49:37 GMT");
        let stored = headers(&[(header::LAST_MODIFIED, early), (header::DATE, late), (header::ETAG, "\"a\"")]);
        let dated = headers(&[(header::DATE, early)]);
        let since = |value| headers(&[(header::IF_MODIFIED_SINCE, value)]);
        assert!(is_not_modified(&since(early), StatusCode::OK, &stored));
        assert!(is_not_modified(&since(late), StatusCode::OK, &dated), "RFC 9111 §4.3.2: Date in its place");
        assert!(!is_not_modified(&since("Sat, 05 Nov 1994 08:49:37 GMT"), StatusCode::OK, &stored));
        assert!(!is_not_modified(&since("yesterday"), StatusCode::OK, &stored));
        let both = headers(&[(header::IF_MODIFIED_SINCE, late), (header::IF_NONE_MATCH, "\"b\"")]);
        assert!(!is_not_modified(&both, StatusCode::OK, &stored), "RFC 9110 §13.1.3");
        for status in [StatusCode::NOT_FOUND, StatusCode::NO_CONTENT, StatusCode::MOVED_PERMANENTLY] {
            assert!(!is_not_modified(&since(late), status, &stored), "RFC 9110 §13.2.1, §15.4.5: {status}");
        }
        let rfc850 = since("Sunday, 06-Nov-94 08:49:37 GMT");
        assert!(is_not_modified(&rfc850, StatusCode::OK, &stored), "RFC 9110 §5.6.7: all three forms");
        let twice = headers(&[(header::IF_MODIFIED_SINCE, late), (header::IF_MODIFIED_SINCE, late)]);
        assert!(!is_not_modified(&twice, StatusCode::OK, &stored), "RFC 9110 §13.1.3: no list field");
    }

    #[test]
    fn a_304_tells_what_a_cache_needs_and_nothing_of_content() {
        let mut head = headers(&[
            (header::DATE, "d"),
            (header::ETAG, "e"),
            (header::VARY, "v"),
            (header::CACHE_CONTROL, "c"),
            (header::EXPIRES, "x"),
            (header::CONTENT_LOCATION, "l"),
            (header::CONTENT_LENGTH, "3"),
            (header::CONTENT_TYPE, "t"),
            (header::CONTENT_ENCODING, "gzip"),
        ]);
        to_not_modified(&mut head);
        let mut left: Vec<&str> = head.keys().map(header::HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["cache-control", "content-location", "date", "etag", "expires", "vary"], "RFC 9110 §15.4.5");
    }

    #[test]
    fn validators_are_those_of_the_stored_response() {
        let stored = headers(&[(header::ETAG, "W/\"a\"")]);
        let mut request = headers(&[(header::IF_NONE_MATCH, "\"client\"")]);
        assert!(add_validators(&stored, &mut request));
        assert_eq!(request[header::IF_NONE_MATCH], "W/\"a\"");
        assert!(!add_validators(&HeaderMap::new(), &mut HeaderMap::new()));
    }

    #[test]
    fn what_is_true_of_other_responses_is_no_validator() {
        for (etag, is_sent, why) in [
            ("\"a\"", true, "RFC 9110 §8.8.3"),
            ("W/\"a,b\"", true, "a comma inside a tag"),
            ("\"*\"", true, "a tag like any other"),
            ("a", true, "some send it so, and compare bytes"),
            ("*", false, "§13.1.2: true of any response"),
            (" * ", false, "§13.1.2"),
            ("\"a\", \"b\"", false, "§13.1.2: a list"),
            ("a,*", false, "a list"),
            ("\"a", false, "unclosed"),
            ("", false, "empty"),
        ] {
            let mut request = HeaderMap::new();
            assert_eq!(add_validators(&headers(&[(header::ETAG, etag)]), &mut request), is_sent, "{why}: {etag}");
            assert_eq!(request.contains_key(header::IF_NONE_MATCH), is_sent, "{why}: {etag}");
        }
    }

    proptest! {
        #[test]
        fn no_list_panics(line in "[ \\-~]{0,40}", etag in "[ \\-~]{0,10}") {
            let request = headers(&[(header::IF_NONE_MATCH, &line)]);
            is_not_modified(&request, StatusCode::OK, &headers(&[(header::ETAG, &etag)]));
        }
    }
}
