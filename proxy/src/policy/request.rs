//! What a fill asks with: the client's fields, less what is not in the key and could change the answer for others.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use vitrine_shared::headers;

use super::fields::{HOP_BY_HOP, remove_hop_by_hop};
use crate::client::is_claim;
use crate::encoding::ACCEPT_ENCODING;
use crate::key::X_DEVICE_CLASS;
use crate::rules::{CacheSettings, Forward, RequestDirectives};
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

/// Fields by which frameworks take a request's method for another. An application may want them with a passed POST; of a GET
/// whose answer is shared they make something else.
const OVERRIDES: [HeaderName; 3] = [
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
];

/// The fields of a client's request that a fill may send upstream, and by which variants are compared: of those that no key header
/// names, the engine sends only what a known Vary names. Host and the protocol's own fields are for the engine to add.
///
/// Cookies are sent only where they are in the key, since what an answer depends on must be keyed; [`Forward::All`] leaves that to
/// the upstream's `private` and Vary. Accept-Encoding is sent in the [normal form](Codings) by which variants are told apart,
/// or as the edge itself wants it where it derives codings; fields of which the rule offers choices are sent as the best of them.
pub fn fill_fields(client: &HeaderMap, settings: &CacheSettings) -> HeaderMap {
    let key = &settings.key;
    let mut fields = client.clone();
    remove_hop_by_hop(&mut fields);
    let is_keyed = |name: &HeaderName| key.headers.iter().any(|header| header.name == *name);
    let directives = [header::CACHE_CONTROL, header::PRAGMA];
    let obeys = settings.request_directives == RequestDirectives::Obey;
    for name in OF_THE_CLIENT.iter().filter(|name| !(obeys && directives.contains(name))) {
        fields.remove(name);
    }
    for name in headers::FROM_ORIGIN {
        fields.remove(name);
    }
    // A rule that needs one of these names it in `key.headers`: unkeyed, they poison caches. Names with `_` are others' names with
    // `-` behind gateways to applications (CGI, WSGI, PHP).
    let is_poison = |name: &&HeaderName| is_claim(name) || name.as_str().contains('_');
    let poisons: Vec<HeaderName> = fields.keys().filter(is_poison).cloned().collect();
    for name in OVERRIDES.iter().chain(&poisons).filter(|name| !is_keyed(name)) {
        fields.remove(name);
    }
    // Anew from the client's, since a Connection that names Cookie must not take out what the key holds.
    fields.remove(header::COOKIE);
    if settings.forward == Forward::All {
        for line in client.get_all(header::COOKIE) {
            fields.append(header::COOKIE, line.clone());
        }
    } else if let Some(cookies) = key.cookie_field(client) {
        fields.insert(header::COOKIE, cookies);
    }
    // Under compression one answer serves all (its forms are derived from it), so all ask for the same.
    let codings = if settings.compression.is_some() { Some(ACCEPT_ENCODING) } else { Codings::of(client).field() };
    match codings {
        Some(codings) => drop(fields.insert(header::ACCEPT_ENCODING, codings)),
        None => drop(fields.remove(header::ACCEPT_ENCODING)),
    }
    // Before the keyed headers, which are sent as they are keyed.
    settings.vary.normalise(client, &mut fields);
    for header in key.headers.iter().filter(|header| !is_of_the_exchange(&header.name)) {
        // What is sent is what was keyed: no empty line before the one that counts, and no absence though a client's
        // Connection names the field. Either would store the answer to another request under this key.
        fields.remove(&header.name);
        for line in header.lines(client) {
            // It was a value before.
            if let Ok(line) = HeaderValue::from_bytes(line) {
                fields.append(header.name.clone(), line);
            }
        }
    }
    if let Some(class) = key.device_field(client) {
        fields.insert(X_DEVICE_CLASS, class);
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
    use crate::key::{KeyHeader, KeySpec, QuerySpec};

    fn settings(key: KeySpec) -> CacheSettings {
        CacheSettings { key, ..CacheSettings::of_scope("origin".into()) }
    }

    #[test]
    fn all_is_forwarded_but_what_is_for_this_cache_or_a_claim() {
        let lines = [
            ("cookie", "id=7"),
            ("x-own", "1"),
            ("user-agent", "u"),
            ("x-forwarded-anything", "a"),
            ("x-original-url", "/admin"),
            ("x_http_method_override", "DELETE"),
            ("x_own", "2"),
            ("proxy", "http://evil"),
            ("range", "bytes=0-1"),
            ("if-match", "\"a\""),
            ("te", "trailers"),
            ("cache-control", "no-cache"),
            ("pragma", "no-cache"),
        ];
        let client: HeaderMap = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        for (forward, request_directives, expected) in [
            (Forward::All, RequestDirectives::Ignore, &["cookie", "x-own", "user-agent"][..]),
            (Forward::Headers, RequestDirectives::Ignore, &["x-own", "user-agent"]),
            (Forward::All, RequestDirectives::Obey, &["cookie", "x-own", "user-agent", "cache-control", "pragma"]),
        ] {
            let settings = CacheSettings { forward, request_directives, ..CacheSettings::of_scope("origin".into()) };
            let fields = fill_fields(&client, &settings);
            let mut names: Vec<&str> = fields.keys().map(HeaderName::as_str).collect();
            let mut expected = expected.to_vec();
            names.sort_unstable();
            expected.sort_unstable();
            assert_eq!(names, expected, "{forward:?} {request_directives:?}");
        }
    }

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
            device: true,
        };
        let lines = [
            ("user-agent", "Phone (iPhone)"),
            ("x-device-class", "own"),
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
        let mut sent: Vec<String> = fill_fields(&client, &settings(key.clone()))
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        sent.sort_unstable();
        let expected = [
            "accept-encoding: br, gzip",
            "accept: */*",
            "authorization: Bearer x",
            "cookie: currency=eur",
            "user-agent: Phone (iPhone)",
            "x-device-class: mobile",
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
            device: false,
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
            let fields = fill_fields(&client, &settings(key.clone()));
            assert!(fields.get_all(&name).iter().eq(["de"].iter()), "{lines:?}");
            assert_eq!(fields.len(), 1, "{lines:?}");
        }
    }
}
