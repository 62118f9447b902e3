//! Which fields are stored, which a 304 replaces, and which never go on (RFC 9111 §3.1, §3.2; RFC 9110 §7.6.1).

use http::{HeaderMap, HeaderName, header};
use vitrine_shared::headers;

use super::conditional::weakly_equal;
use super::freshness::{http_date, http_date_value};

/// Fields that are for one connection, besides those that Connection names.
pub const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-authentication-info"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Fields that describe the stored bytes; a 304, which brings no bytes, does not replace them (RFC 9111 §3.2).
const OF_STORED_BYTES: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::CONTENT_RANGE,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
];

/// Takes out what is for one connection: the fixed list and what Connection names.
pub(super) fn remove_hop_by_hop(fields: &mut HeaderMap) {
    let named: Vec<HeaderName> = fields
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        // What every message needs cannot be taken out of it by a peer.
        .filter(|name| *name != header::HOST && *name != header::CONTENT_LENGTH && *name != header::CACHE_CONTROL)
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        fields.remove(name);
    }
}

/// Takes the invalidation protocol's response fields out (rule 16).
fn remove_protocol(fields: &mut HeaderMap) {
    for name in headers::FROM_ORIGIN {
        fields.remove(name);
    }
}

/// The fields of a response as they are sent on: without those of the connection and of the protocol.
pub fn passed_fields(response: &HeaderMap) -> HeaderMap {
    let mut fields = response.clone();
    remove_hop_by_hop(&mut fields);
    remove_protocol(&mut fields);
    fields
}

/// The fields of a response as they are stored: [as they are sent on](passed_fields), without Age (it is in the
/// [`Lifetime`](super::Lifetime)) and Set-Cookie, and with a Date in every case (RFC 9110 §6.6.1).
pub fn stored_fields(response: &HeaderMap, received_at: u64) -> HeaderMap {
    let mut fields = passed_fields(response);
    fields.remove(header::AGE);
    fields.remove(header::SET_COOKIE);
    if !fields.contains_key(header::DATE)
        && let Some(date) = http_date_value(received_at)
    {
        fields.insert(header::DATE, date);
    }
    fields
}

/// Whether a 304 is about this stored response (RFC 9111 §4.3.4): where it has an `ETag`, it must be the stored one; where it has
/// none but a Last-Modified, that must be the stored one, if there is one. A file that was put back to an older one answers 304 too.
///
/// Where not, the stored response must be dropped and the upstream asked anew without validators.
pub fn selects(stored: &HeaderMap, not_modified: &HeaderMap) -> bool {
    if let Some(etag) = not_modified.get(header::ETAG) {
        return weakly_equal(Some(etag), stored.get(header::ETAG));
    }
    match (not_modified.get(header::LAST_MODIFIED), stored.get(header::LAST_MODIFIED)) {
        (Some(told), Some(stored)) => {
            told == stored || http_date(told).is_some_and(|told| Some(told) == http_date(stored))
        }
        _ => true,
    }
}

/// The fields of a stored response after a 304: each field that the 304 has replaces the stored one, but for those that describe
/// the stored bytes (RFC 9111 §3.2).
///
/// The result still carries the 304's Age and protocol fields, so that [`assess`](super::assess) sees them; what is stored is
/// [`stored_fields`] of it.
pub fn freshen(stored: &HeaderMap, not_modified: &HeaderMap, received_at: u64) -> HeaderMap {
    let mut update = not_modified.clone();
    remove_hop_by_hop(&mut update);
    for name in OF_STORED_BYTES {
        update.remove(name);
    }
    update.remove(header::SET_COOKIE);
    if !update.contains_key(header::DATE)
        && let Some(date) = http_date_value(received_at)
    {
        update.insert(header::DATE, date);
    }
    let mut fields = stored.clone();
    fields.remove(header::AGE);
    remove_protocol(&mut fields);
    for name in update.keys() {
        fields.remove(name);
    }
    fields.extend(update);
    fields
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        fields
    }

    #[test]
    fn what_is_for_one_connection_goes_no_further() {
        let mut given = fields(&[
            ("connection", "close, X-One,, host"),
            ("connection", "x-two"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("host", "h"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("keep-alive", "timeout=5"),
            ("x-three", "3"),
        ]);
        remove_hop_by_hop(&mut given);
        assert_eq!(given, fields(&[("host", "h"), ("x-three", "3")]), "RFC 9110 §7.6.1");
    }

    #[test]
    fn a_stored_response_keeps_every_other_field() {
        let given = fields(&[
            ("x-test", "1"),
            ("x-test", "2"),
            ("age", "5"),
            ("vitrine-tags", "product:1"),
            ("cache-epoch", "1.2"),
            ("vitrine-valid-until", "5"),
        ]);
        let stored = stored_fields(&given, 784_111_777_000);
        let expected = fields(&[("x-test", "1"), ("x-test", "2"), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        assert_eq!(stored, expected, "RFC 9111 §3.1");
    }

    #[test]
    fn a_304_replaces_what_it_has() {
        let stored = fields(&[
            ("etag", "\"a\""),
            ("x-test", "1"),
            ("x-test", "2"),
            ("x-kept", "k"),
            ("content-length", "10"),
            ("content-encoding", "gzip"),
            ("content-md5", "stored"),
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ]);
        let not_modified = fields(&[
            ("x-test", "3"),
            ("x-new", "n"),
            ("content-length", "0"),
            ("content-encoding", "br"),
            ("content-md5", "of nothing"),
            ("content-digest", "of nothing"),
            ("date", "Mon, 07 Nov 1994 08:49:37 GMT"),
            ("age", "4"),
            ("vitrine-valid-until", "9"),
            ("connection", "x-hop"),
            ("x-hop", "h"),
        ]);
        let expected = fields(&[
            ("etag", "\"a\""),
            ("x-test", "3"),
            ("x-kept", "k"),
            ("x-new", "n"),
            ("content-length", "10"),
            ("content-encoding", "gzip"),
            ("content-md5", "stored"),
            ("date", "Mon, 07 Nov 1994 08:49:37 GMT"),
            ("age", "4"),
            ("vitrine-valid-until", "9"),
        ]);
        assert_eq!(freshen(&stored, &not_modified, 0), expected, "RFC 9111 §3.2");
    }

    #[test]
    fn a_304_with_another_etag_is_about_another_response() {
        let stored = fields(&[("etag", "\"a\"")]);
        assert!(selects(&stored, &fields(&[("etag", "W/\"a\"")])), "RFC 9111 §4.3.4");
        assert!(selects(&stored, &fields(&[])));
        assert!(!selects(&stored, &fields(&[("etag", "\"b\"")])));
        assert!(!selects(&fields(&[]), &fields(&[("etag", "\"b\"")])));
        let modified = |date| fields(&[("last-modified", date), ("etag", "\"a\"")]);
        let (early, late) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Mon, 07 Nov 1994 08:49:37 GMT");
        let told = |date| fields(&[("last-modified", date)]);
        assert!(selects(&modified(early), &told("Sunday, 06-Nov-94 08:49:37 GMT")), "RFC 9110 §5.6.7: the same date");
        assert!(!selects(&modified(late), &told(early)), "RFC 9111 §4.3.4: put back to an older one");
        assert!(selects(&stored, &told(early)), "nothing to compare with");
        assert!(selects(&modified(late), &modified(early)), "the entity tag alone decides");
    }
}
