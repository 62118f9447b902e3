//! What a fill asks with: the client's fields, less what is not in the key and could change the answer for others.

use http::{HeaderMap, HeaderName, header};
use vitrine_shared::headers;

use super::fields::{HOP_BY_HOP, remove_hop_by_hop};
use crate::key::KeySpec;
use crate::vary::Codings;

/// Fields of this client's exchange with this cache, which a fill answers for itself: preconditions, ranges, and request
/// directives, which strangers would otherwise use to reach past caches (RFC 9111 §5.2.1 makes them advice).
const OF_THE_CLIENT: [HeaderName; 13] = [
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::IF_RANGE,
    header::RANGE,
    header::CACHE_CONTROL,
    header::PRAGMA,
    header::EXPECT,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::MAX_FORWARDS,
    headers::CACHE_MIN_EPOCH,
];

/// Fields by which frameworks let a request say that it is another: unkeyed, they poison caches. A rule that needs one names it
/// in `key.headers`.
const DISGUISES: [HeaderName; 13] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-forwarded-scheme"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-host"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-host"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];

/// The fields of a client's request that a fill may send upstream, and by which variants are compared: of those that no key header
/// names, the engine sends only what a known Vary names. Host and the protocol's own fields are for the engine to add.
///
/// Cookies are sent only where they are in the key, since what an answer depends on must be keyed. Accept-Encoding is sent in
/// the [normal form](Codings) by which variants are told apart.
pub fn fill_fields(client: &HeaderMap, key: &KeySpec) -> HeaderMap {
    let mut fields = client.clone();
    remove_hop_by_hop(&mut fields);
    let is_keyed = |name: &HeaderName| key.headers.iter().any(|header| header.name == *name);
    for name in OF_THE_CLIENT {
        fields.remove(name);
    }
    for name in headers::FROM_ORIGIN {
        fields.remove(name);
    }
    for name in DISGUISES.iter().filter(|name| !is_keyed(name)) {
        fields.remove(name);
    }
    match key.cookie_field(client) {
        Some(cookies) => drop(fields.insert(header::COOKIE, cookies)),
        None => drop(fields.remove(header::COOKIE)),
    }
    match Codings::of(client).field() {
        Some(codings) => drop(fields.insert(header::ACCEPT_ENCODING, codings)),
        None => drop(fields.remove(header::ACCEPT_ENCODING)),
    }
    for header in key.headers.iter().filter(|header| !is_of_the_exchange(&header.name)) {
        // What is sent is what was keyed: no empty line before the one that counts, and no absence though a client's
        // Connection names the field. Either would store the answer to another request under this key.
        fields.remove(&header.name);
        for line in header.lines(client) {
            fields.append(header.name.clone(), line.clone());
        }
    }
    fields
}

/// Whether a field never goes on, even where a rule keys it.
fn is_of_the_exchange(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name) || OF_THE_CLIENT.contains(name) || headers::FROM_ORIGIN.contains(name)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::key::{KeyHeader, QuerySpec};

    #[test]
    fn what_is_unkeyed_and_could_change_the_answer_stays_behind() {
        let key = KeySpec {
            scope: "origin".into(),
            query: QuerySpec::default(),
            headers: vec![
                KeyHeader { name: HeaderName::from_static("x-medusa-locale"), empty_is_absent: true },
                KeyHeader { name: HeaderName::from_static("x-forwarded-host"), empty_is_absent: true },
            ],
            cookies: vec!["currency".into()],
        };
        let lines = [
            ("cookie", "id=7; currency=eur"),
            ("accept-encoding", "deflate, gzip;q=0.5, br"),
            ("x-medusa-locale", ""),
            ("x-forwarded-host", "keyed"),
            ("x-original-url", "/admin"),
            ("if-none-match", "\"a\""),
            ("range", "bytes=0-1"),
            ("cache-control", "no-cache"),
            ("cache-min-epoch", "1.9"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("authorization", "Bearer x"),
            ("accept", "*/*"),
        ];
        let mut client = HeaderMap::new();
        for (name, value) in lines {
            client.append(name, HeaderValue::from_static(value));
        }
        let mut sent: Vec<String> = fill_fields(&client, &key)
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        sent.sort_unstable();
        let expected = [
            "accept-encoding: br, gzip",
            "accept: */*",
            "authorization: Bearer x",
            "cookie: currency=eur",
            "x-forwarded-host: keyed",
        ];
        assert_eq!(sent, expected);
    }

    #[test]
    fn what_is_keyed_is_sent_whatever_stands_around_it() {
        let name = HeaderName::from_static("x-medusa-locale");
        let key = KeySpec {
            scope: "origin".into(),
            query: QuerySpec::default(),
            headers: vec![
                KeyHeader { name: name.clone(), empty_is_absent: true },
                KeyHeader { name: header::RANGE, empty_is_absent: true },
            ],
            cookies: Vec::new(),
        };
        for lines in [
            &[("connection", "x-medusa-locale"), ("x-medusa-locale", "de")][..],
            &[("x-medusa-locale", ""), ("x-medusa-locale", "de")],
            &[("x-medusa-locale", "de"), ("x-medusa-locale", " "), ("range", "bytes=0-1")],
        ] {
            let mut client = HeaderMap::new();
            for (name, value) in lines {
                client.append(*name, HeaderValue::from_static(value));
            }
            let fields = fill_fields(&client, &key);
            assert!(fields.get_all(&name).iter().eq(["de"].iter()), "{lines:?}");
            assert_eq!(fields.len(), 1, "{lines:?}");
        }
    }
}
