//! Variants of one key: what a stored response's Vary names, and how requests compare by it (RFC 9111 §4.1).

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use smallvec::SmallVec;

use crate::key::{CacheKey, Framer, KeySpec};
use crate::reason::NotStored;

/// Most names of a Vary; a response that varies by more is not stored.
pub const MAX_NAMES: usize = 12;

/// The fields that a response varies by, sorted and without repeats; empty where it varies by none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VarySpec(SmallVec<[HeaderName; 3]>);

/// How the fields that a response's Vary names are compared, by the rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VaryRules {
    /// By name.
    pub named: Vec<(HeaderName, VaryMode)>,
    /// All others, but for those that the key holds, Accept-Encoding and Cookie.
    pub unknown: VaryMode,
}

/// How one field is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum VaryMode {
    /// A response that varies by it is not stored.
    #[default]
    Refuse,
    /// By its value (RFC 9111 §4.1).
    Exact,
    /// Not at all: the operator knows that the response is the same.
    Ignore,
    /// Accept-Language, by the best of these (RFC 4647 §3.4); that one is sent upstream.
    Languages(Arc<[Box<str>]>),
    /// Accept, by the best of these media types; that one is sent upstream.
    Types(Arc<[Box<str>]>),
}

/// The content codings that a client accepts, of those that matter: by them Accept-Encoding is compared and sent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Codings {
    /// Zstandard (RFC 8878).
    pub zstd: bool,
    /// Brotli (RFC 7932).
    pub br: bool,
    /// gzip (RFC 9110 §8.4.1.3).
    pub gzip: bool,
}

// === impl VarySpec ===

impl VarySpec {
    /// From the Vary lines of a response; `*` on any of them, a name that is none, and too many names cannot be stored.
    pub fn of(response: &HeaderMap) -> Result<Self, NotStored> {
        let mut names = SmallVec::new();
        for line in response.get_all(header::VARY) {
            for part in line.as_bytes().split(|&byte| byte == b',') {
                match part.trim_ascii() {
                    b"" => {}
                    b"*" => return Err(NotStored::Vary),
                    name => names.push(HeaderName::from_bytes(name).map_err(|_| NotStored::Vary)?),
                }
                if names.len() > MAX_NAMES * 4 {
                    return Err(NotStored::Vary);
                }
            }
        }
        names.sort_unstable_by(|one: &HeaderName, other| one.as_str().cmp(other.as_str()));
        names.dedup();
        if names.len() > MAX_NAMES { Err(NotStored::Vary) } else { Ok(Self(names)) }
    }

    /// The names.
    pub fn names(&self) -> &[HeaderName] {
        &self.0
    }

    /// Whether the response is the same for all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of a request's variant below its primary key, by the fields as a fill sends them
    /// ([`fill_fields`](crate::policy::fill_fields)): Accept-Encoding by [`Codings`], Cookie by the cookies that count. Absent differs
    /// from present and empty.
    pub fn variant(&self, request: &HeaderMap, key: &KeySpec) -> CacheKey {
        let mut framer = Framer::with_capacity(64);
        framer.number(self.0.len());
        for name in &self.0 {
            framer.part(name.as_str().as_bytes());
            if *name == header::ACCEPT_ENCODING {
                framer.optional(Codings::of(request).field().as_ref().map(HeaderValue::as_bytes));
            } else if *name == header::COOKIE {
                framer.optional(key.cookie_field(request).as_ref().map(HeaderValue::as_bytes));
            } else if let Some(keyed) = key.headers.iter().find(|header| header.name == *name) {
                frame_lines(&mut framer, keyed.lines(request));
            } else {
                frame_lines(&mut framer, request.get_all(name).iter());
            }
        }
        framer.finish()
    }
}

/// Lines are combined, and space around commas removed, where no quoted string could hold one (RFC 9111 §4.1).
fn frame_lines<'h>(framer: &mut Framer, lines: impl Iterator<Item = &'h HeaderValue>) {
    let lines: SmallVec<[&[u8]; 4]> = lines.map(|line| line.as_bytes().trim_ascii()).collect();
    if lines.iter().any(|line| line.contains(&b'"')) {
        framer.number(1);
        framer.list(lines.iter().copied());
    } else {
        framer.number(0);
        framer.list(lines.iter().flat_map(|line| line.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii));
    }
}

// === impl Codings ===

impl Codings {
    /// What a request accepts: the codings that it names with a weight above zero (RFC 9110 §12.5.3). `*` alone counts for none,
    /// since the identity coding answers it too.
    pub fn of(request: &HeaderMap) -> Self {
        let mut found = Self::default();
        let lines = request.get_all(header::ACCEPT_ENCODING).iter();
        for member in lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b',')) {
            let mut parts = member.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
            let coding = parts.next().unwrap_or_default();
            let accepted = parts.next().is_none_or(|weight| !is_zero(weight));
            let is = |name: &str| coding.eq_ignore_ascii_case(name.as_bytes());
            found.zstd |= accepted && is("zstd");
            found.br |= accepted && is("br");
            found.gzip |= accepted && (is("gzip") || is("x-gzip"));
        }
        found
    }

    /// The Accept-Encoding field that says the same; absent where nothing but identity is accepted.
    pub fn field(self) -> Option<HeaderValue> {
        let text = match (self.zstd, self.br, self.gzip) {
            (false, false, false) => return None,
            (false, false, true) => "gzip",
            (false, true, false) => "br",
            (false, true, true) => "br, gzip",
            (true, false, false) => "zstd",
            (true, false, true) => "zstd, gzip",
            (true, true, false) => "zstd, br",
            (true, true, true) => "zstd, br, gzip",
        };
        Some(HeaderValue::from_static(text))
    }
}

/// Whether a weight is `q=0` in one of its spellings (RFC 9110 §12.4.2); what is no weight counts as zero.
fn is_zero(weight: &[u8]) -> bool {
    let equals = memchr::memchr(b'=', weight).unwrap_or(weight.len());
    let name = weight[..equals].trim_ascii();
    let value = weight.get(equals + 1..).unwrap_or_default().trim_ascii();
    !name.eq_ignore_ascii_case(b"q") || value.iter().all(|&byte| byte == b'0' || byte == b'.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::{KeyHeader, QuerySpec};
    use crate::policy::fill_fields;
    use crate::rules::CacheSettings;

    fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, HeaderValue::from_str(value).unwrap());
        }
        fields
    }

    fn key() -> KeySpec {
        KeySpec {
            scope: "origin".into(),
            query: QuerySpec::default(),
            headers: vec![KeyHeader { name: HeaderName::from_static("x-locale"), empty_is_absent: true }],
            cookies: vec!["currency".into()],
            device: false,
        }
    }

    fn same(vary: &str, one: &[(&'static str, &str)], other: &[(&'static str, &str)]) -> bool {
        let spec = VarySpec::of(&fields(&[("vary", vary)])).unwrap();
        spec.variant(&fields(one), &key()) == spec.variant(&fields(other), &key())
    }

    #[test]
    fn names_are_read_from_all_lines() {
        let spec = VarySpec::of(&fields(&[("vary", "Origin, accept-encoding,"), ("vary", "ORIGIN")])).unwrap();
        assert_eq!(spec.names(), [header::ACCEPT_ENCODING, header::ORIGIN]);
        for lines in [&[("vary", "*")][..], &[("vary", "a"), ("vary", "b, *")], &[("vary", "a b")]] {
            assert_eq!(VarySpec::of(&fields(lines)), Err(NotStored::Vary), "RFC 9111 §4.1");
        }
        let many: Vec<String> = (0..=MAX_NAMES).map(|n| format!("x-{n}")).collect();
        assert!(VarySpec::of(&fields(&[("vary", &many.join(","))])).is_err());
    }

    #[test]
    fn requests_compare_by_the_named_fields() {
        for (vary, one, other, expected, why) in [
            ("foo", &[("foo", "1")][..], &[("foo", "1"), ("bar", "2")][..], true, "others do not matter"),
            ("foo", &[("foo", "1")], &[("foo", "2")], false, "another value"),
            ("foo", &[], &[("foo", "")], false, "absent against present"),
            ("foo", &[], &[], true, "absent in both"),
            ("foo, bar", &[("foo", "1"), ("bar", "2")], &[("foo", "1")], false, "all must match"),
            ("foo", &[("foo", "1,2")], &[("foo", "1"), ("foo", " 2 ")], true, "lines combined"),
            ("foo", &[("foo", "\"1 , 2\"")], &[("foo", "\"1,2\"")], false, "space in a quoted string counts"),
            ("accept-encoding", &[("accept-encoding", "gzip, br")], &[("accept-encoding", "br;q=1.0,GZIP")], true, ""),
            ("accept-encoding", &[("accept-encoding", "gzip;q=0")], &[], true, "RFC 9110 §12.5.3"),
            ("cookie", &[("cookie", "id=1; currency=eur")], &[("cookie", "currency=eur; id=2")], true, "what is sent"),
            ("cookie", &[("cookie", "currency=usd")], &[("cookie", "currency=eur")], false, ""),
            ("x-locale", &[("x-locale", "")], &[], true, "empty is absent by the rule"),
        ] {
            assert_eq!(same(vary, one, other), expected, "{vary}: {one:?} {other:?} {why}");
        }
    }

    #[test]
    fn weights_of_zero_refuse() {
        for (given, expected) in [
            ("gzip, deflate, br, zstd", Some("zstd, br, gzip")),
            ("gzip;q=0.000, br;q=0.5", Some("br")),
            ("gzip; Q=0", None),
            ("gzip;x=1", None),
            ("*", None),
            ("identity", None),
            ("X-GZIP", Some("gzip")),
            ("", None),
        ] {
            let field = Codings::of(&fields(&[("accept-encoding", given)])).field();
            assert_eq!(field.as_ref().map(|field| field.to_str().unwrap()), expected, "{given}");
        }
    }

    proptest! {
        /// Requests that a fill would send alike are of one variant: so it does not matter which of the two is looked at.
        #[test]
        fn variants_follow_what_is_sent(value in "[a-z,;=0\" ]{0,12}", cookie in "[a-z;= ]{0,12}") {
            let request = fields(&[("accept-encoding", &value), ("cookie", &cookie), ("foo", &value), ("x-locale", &value)]);
            let spec = VarySpec::of(&fields(&[("vary", "accept-encoding, cookie, foo, x-locale")])).unwrap();
            let sent = fill_fields(&request, &CacheSettings { key: key(), ..CacheSettings::of_scope("origin".into()) });
            prop_assert_eq!(spec.variant(&request, &key()), spec.variant(&sent, &key()));
        }
    }
}
