//! The canonical request: what is keyed is what the upstream is asked, so nothing unkeyed can poison an answer.
//!
//! [`Target`] holds host, path and query in one spelling; [`KeySpec::canonical`] chooses of it, and of the headers, what counts.

mod cookies;
mod device;
mod frame;
mod host;
mod parts;
mod percent;
mod query;
mod target;
pub mod tracking;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

pub use cookies::{Cookie, cookies};
pub use device::{DeviceClass, X_DEVICE_CLASS};
pub(crate) use frame::Framer;
pub use frame::{CacheKey, CacheKeyRef};
pub use host::Scheme;
pub(crate) use host::without_port;
pub(crate) use parts::below;
pub use parts::{KeyParts, Valued};
pub(crate) use percent::decode;
pub use query::{Dropped, Pair, Query, QuerySpec, Select, normal_name};
pub(crate) use target::normal_path;
pub use target::{MAX_TARGET, Target, TargetError};

use crate::fields::FieldLines;

/// Grows when the layout of keys changes, so that keys of different layouts never meet on a disk.
const LAYOUT: usize = 2;

/// What enters the key of a rule's requests, besides scheme, host and path. HEAD shares the key of GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Whose answers these are, and to what: see [`scope`](crate::rules::scope).
    pub scope: Arc<str>,
    /// Which query parameters count.
    pub query: QuerySpec,
    /// Which headers count.
    pub headers: Vec<KeyHeader>,
    /// Names of the cookies that count; all others are kept from the upstream.
    pub cookies: Vec<Box<str>>,
    /// Whether the [class of the device](DeviceClass) counts; the upstream is then told it.
    pub device: bool,
}

/// A header that enters the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHeader {
    /// Its name.
    pub name: HeaderName,
    /// Whether an empty one means the same as none (and is then not sent to the upstream either).
    pub empty_is_absent: bool,
}

/// A request as the cache knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// What it is stored under; variants by Vary come below it.
    pub key: CacheKey,
    /// What the upstream is asked, before its own prefixes ([`crate::upstream::Upstream::request_target`]).
    pub path_and_query: String,
}

// === impl KeySpec ===

impl KeySpec {
    /// The key of a request, and what the upstream is to be asked for it.
    pub fn canonical<'h>(&self, target: &Target<'_>, headers: impl Into<FieldLines<'h>>) -> Canonical {
        let mut framer = Framer::with_capacity(128 + target.path().len());
        self.frame(target, headers.into(), &mut framer);
        Canonical { key: framer.finish(), path_and_query: target.path_and_query(&self.query) }
    }

    /// Writes the key of a request.
    pub(crate) fn frame(&self, target: &Target<'_>, headers: FieldLines<'_>, framer: &mut Framer) {
        framer.number(LAYOUT);
        framer.part(self.scope.as_bytes());
        framer.part(target.scheme().as_str().as_bytes());
        framer.part(target.host().as_bytes());
        // One text for path and query is unambiguous: a normal path holds no `?`, and `&` and `=` in a normal name or value
        // stand as the client wrote them, so equal texts are equal requests to the upstream.
        framer.parts(|write| target.write_path_and_query(&self.query, |part| write(part.as_bytes())));
        framer.number(self.headers.len());
        for header in &self.headers {
            framer.part(header.name.as_str().as_bytes());
            framer.list(header.lines(headers).map(<[u8]>::trim_ascii));
        }
        framer.number(self.cookies.len());
        for name in &self.cookies {
            framer.part(name.as_bytes());
            framer.list(cookies(headers).filter(|cookie| cookie.name == name.as_bytes()).map(|cookie| cookie.value));
        }
        framer.optional(self.device.then(|| DeviceClass::of(headers).as_str().as_bytes()));
    }

    /// Whether a request field of this name is in the key, so that the upstream is sent it and may answer by it.
    pub fn holds(&self, name: &HeaderName) -> bool {
        self.headers.iter().any(|header| header.name == *name) || (self.device && *name == X_DEVICE_CLASS)
    }

    /// The device's class for the upstream, where it counts.
    pub fn device_field(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        self.device.then(|| HeaderValue::from_static(DeviceClass::of(headers).as_str()))
    }

    /// The Cookie field that the upstream is sent: the cookies that count, or none.
    pub fn cookie_field(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut field = Vec::new();
        for cookie in cookies(headers).filter(|cookie| self.cookies.iter().any(|name| name.as_bytes() == cookie.name)) {
            if !field.is_empty() {
                field.extend_from_slice(b"; ");
            }
            field.extend_from_slice(cookie.name);
            field.push(b'=');
            field.extend_from_slice(cookie.value);
        }
        if field.is_empty() { None } else { HeaderValue::from_bytes(&field).ok() }
    }
}

// === impl KeyHeader ===

impl KeyHeader {
    /// Its lines that count; none where it is absent.
    pub fn lines<'h>(&self, headers: impl Into<FieldLines<'h>>) -> impl Iterator<Item = &'h [u8]> {
        let empty_is_absent = self.empty_is_absent;
        let counts = move |line: &&[u8]| !(empty_is_absent && line.trim_ascii().is_empty());
        headers.into().get_all(&self.name).filter(counts)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spec(headers: &[(&'static str, bool)], cookies: &[&str]) -> KeySpec {
        KeySpec {
            scope: "origin".into(),
            query: QuerySpec::default(),
            headers: headers
                .iter()
                .map(|&(name, empty_is_absent)| KeyHeader { name: HeaderName::from_static(name), empty_is_absent })
                .collect(),
            cookies: cookies.iter().map(|&name| name.into()).collect(),
            device: false,
        }
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).fold(
            HeaderMap::new(),
            |mut map, (name, value)| {
                map.append(name, value);
                map
            },
        )
    }

    fn of(spec: &KeySpec, host: &str, target: &str, lines: &[(&'static str, &str)]) -> Canonical {
        spec.canonical(&Target::parse(Scheme::Http, host, target).unwrap(), &headers(lines))
    }

    #[test]
    fn what_is_keyed_is_what_is_sent() {
        let spec = spec(&[], &[]);
        let one = of(&spec, "Shop:80", "/a/../p/%73?utm_source=x&b=2&a=1", &[]);
        let other = of(&spec, "shop", "/p/s?a=1&b=2&gclid=y", &[]);
        assert_eq!(one, other);
        assert_eq!(one.path_and_query, "/p/s?a=1&b=2");
        assert_ne!(one, of(&spec, "other", "/p/s?a=1&b=2", &[]));
        assert_eq!(of(&spec, "shop", "/p?", &[]).path_and_query, "/p");
    }

    #[test]
    fn a_header_may_hold_absent_and_empty_apart() {
        let key = "x-medusa-locale";
        for (empty_is_absent, same) in [(true, true), (false, false)] {
            let spec = spec(&[(key, empty_is_absent)], &[]);
            let absent = of(&spec, "h", "/", &[]);
            assert_eq!(absent == of(&spec, "h", "/", &[(key, "")]), same);
            assert_ne!(absent, of(&spec, "h", "/", &[(key, "de")]));
            assert_ne!(of(&spec, "h", "/", &[(key, "de"), (key, "fr")]), of(&spec, "h", "/", &[(key, "de")]));
        }
    }

    #[test]
    fn cookies_that_count_are_keyed_and_sent_and_others_are_not() {
        let spec = spec(&[], &["currency"]);
        let lines = [("cookie", "id=7; currency=eur; x=1"), ("cookie", "currency=usd")];
        assert_eq!(spec.cookie_field(&headers(&lines)).unwrap(), "currency=eur; currency=usd");
        assert_eq!(spec.cookie_field(&headers(&[("cookie", "id=7")])), None);
        assert_eq!(of(&spec, "h", "/", &[("cookie", "id=7")]), of(&spec, "h", "/", &[]));
        assert_ne!(of(&spec, "h", "/", &[("cookie", "currency=")]), of(&spec, "h", "/", &[]));
    }

    #[test]
    fn the_class_of_the_device_is_keyed_where_a_rule_says_so() {
        let phone = [("user-agent", "iPhone"), ("x-device-class", "tablet")];
        let by_class = KeySpec { device: true, ..spec(&[], &[]) };
        assert_ne!(of(&by_class, "h", "/", &phone), of(&by_class, "h", "/", &[]));
        assert_eq!(of(&by_class, "h", "/", &phone), of(&by_class, "h", "/", &[("user-agent", "iPod Mobile")]));
        assert_eq!(of(&spec(&[], &[]), "h", "/", &phone), of(&spec(&[], &[]), "h", "/", &[]));
        assert_ne!(of(&spec(&[], &[]), "h", "/", &[]).key, of(&by_class, "h", "/", &[]).key);
        assert_eq!(by_class.device_field(&headers(&phone)).unwrap(), "mobile");
        assert!(by_class.holds(&X_DEVICE_CLASS) && !spec(&[], &[]).holds(&X_DEVICE_CLASS));
    }

    #[test]
    fn rules_with_other_headers_do_not_share_keys() {
        let one = spec(&[("a", true)], &[]);
        let other = spec(&[("b", true)], &[]);
        assert_ne!(of(&one, "h", "/", &[("a", "1")]).key, of(&other, "h", "/", &[("b", "1")]).key);
    }

    proptest! {
        /// Keys are equal exactly when what the upstream would be asked is equal.
        #[test]
        fn keys_follow_what_is_sent(
            one in "/[ab/]{0,3}(\\?[ab=&%2]{0,6})?", other in "/[ab/]{0,3}(\\?[ab=&%2]{0,6})?",
            header_one in proptest::option::of("[ab,]{0,2}"), header_other in proptest::option::of("[ab,]{0,2}"),
        ) {
            let spec = spec(&[("k", false)], &[]);
            let header = |value: &Option<String>| value.iter().map(|value| ("k", value.clone())).collect::<Vec<_>>();
            let canonical = |target: &str, lines: Vec<(&'static str, String)>| {
                let lines: Vec<(&'static str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
                of(&spec, "h", target, &lines)
            };
            let (first, second) = (canonical(&one, header(&header_one)), canonical(&other, header(&header_other)));
            let same = first.path_and_query == second.path_and_query && header_one == header_other;
            prop_assert_eq!(first.key == second.key, same);
        }
    }
}
