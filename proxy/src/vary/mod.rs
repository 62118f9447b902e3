//! Variants of one key: what a stored response's Vary names, and how requests compare by it (RFC 9111 §4.1).
//!
//! Requests are compared by their fields as fills send them ([`fill_fields`](crate::policy::fill_fields)): what is asked is what is
//! keyed, so a field's normal form is made in one place, [`VaryRules::normalise`] among it.

mod codings;
mod preference;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use smallvec::SmallVec;

pub use codings::Codings;
use preference::{best_language, best_type};

use crate::key::{CacheKey, Framer, X_DEVICE_CLASS};
use crate::reason::NotStored;
use crate::rules::{CacheSettings, Forward};

/// Most names of a Vary; a response that varies by more is not stored.
const MAX_NAMES: usize = 12;

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
    /// Not at all: the operator knows that the response is the same. It is not sent upstream either, which makes sure of that.
    Ignore,
    /// Accept-Language, by the best of these (RFC 4647 §3.4); that one is sent upstream, and none where none matches.
    Languages(Arc<[Box<str>]>),
    /// Accept, by the best of these media types; that one is sent upstream, and none where none is accepted.
    Types(Arc<[Box<str>]>),
}

/// Fields that tell a fill's upstream what stands in the primary key.
const OF_THE_KEY: [HeaderName; 3] =
    [header::HOST, HeaderName::from_static("x-forwarded-host"), HeaderName::from_static("x-forwarded-proto")];

// === impl VaryRules ===

impl VaryRules {
    /// Puts in place of each field of which a rule names the choices the best of them for the client; nothing where none is, and
    /// nothing of what is ignored.
    pub fn normalise(&self, client: &HeaderMap, fields: &mut HeaderMap) {
        for (name, mode) in &self.named {
            let best = match mode {
                VaryMode::Languages(offered) => best_language(client, name, offered),
                VaryMode::Types(offered) => best_type(client, name, offered),
                // Which cookies are sent is said by the key.
                VaryMode::Ignore if *name == header::COOKIE => continue,
                VaryMode::Ignore => None,
                VaryMode::Refuse | VaryMode::Exact => continue,
            };
            match best.and_then(|best| HeaderValue::from_str(best).ok()) {
                Some(best) => drop(fields.insert(name.clone(), best)),
                None => drop(fields.remove(name)),
            }
        }
    }
}

// === impl VarySpec ===

impl VarySpec {
    /// From the Vary lines of a response, by the rule. `*` on any of them, a name that is none, too many names, and a field that the
    /// rule refuses cannot be stored; fields that it ignores are left out.
    pub fn of(response: &HeaderMap, settings: &CacheSettings) -> Result<Self, NotStored> {
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
        if names.iter().any(|name| *mode(name, settings) == VaryMode::Refuse) {
            return Err(NotStored::UnknownVary);
        }
        names.retain(|name| *mode(name, settings) != VaryMode::Ignore);
        if names.len() > MAX_NAMES { Err(NotStored::Vary) } else { Ok(Self(names)) }
    }

    /// Of these names, which were stored before.
    pub(crate) fn of_names(names: impl IntoIterator<Item = HeaderName>) -> Self {
        let mut names: SmallVec<[HeaderName; 3]> = names.into_iter().collect();
        names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        names.dedup();
        Self(names)
    }

    /// The names.
    pub fn names(&self) -> &[HeaderName] {
        &self.0
    }

    /// Whether the response is the same for all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of a request's variant below its primary key, by the fields as a fill sends them. Absent differs from present and
    /// empty.
    pub fn variant(&self, sent: &HeaderMap) -> CacheKey {
        let mut framer = Framer::with_capacity(64);
        framer.number(self.0.len());
        for name in &self.0 {
            framer.part(name.as_str().as_bytes());
            frame_lines(&mut framer, name, sent);
        }
        framer.finish()
    }
}

/// How a field is compared.
fn mode<'s>(name: &HeaderName, settings: &'s CacheSettings) -> &'s VaryMode {
    // The edge derives codings itself then, from what the upstream gives to all.
    if settings.compression.is_some() && *name == header::ACCEPT_ENCODING {
        return &VaryMode::Ignore;
    }
    let is_named = |(named, _): &&(HeaderName, VaryMode)| named == name;
    if let Some((_, mode)) = settings.vary.named.iter().find(is_named) {
        return mode;
    }
    let key = &settings.key;
    if OF_THE_KEY.contains(name) || key.device && *name == X_DEVICE_CLASS {
        return &VaryMode::Ignore;
    }
    // Cookies that are in no key tell every client from every other.
    let has_few_values = *name == header::ACCEPT_ENCODING
        || *name == header::COOKIE && settings.forward != Forward::All
        || key.headers.iter().any(|header| header.name == *name);
    if has_few_values { &VaryMode::Exact } else { &settings.vary.unknown }
}

/// Lines are combined, and space around commas removed, where no quoted string could hold one and the field is a list, as all are
/// but Cookie; languages are compared in any case (RFC 9111 §4.1, RFC 4647 §2).
fn frame_lines(framer: &mut Framer, name: &HeaderName, sent: &HeaderMap) {
    let lines: SmallVec<[&[u8]; 4]> = sent.get_all(name).iter().map(|line| line.as_bytes().trim_ascii()).collect();
    if *name == header::ACCEPT_LANGUAGE {
        let lower: SmallVec<[Vec<u8>; 4]> = lines.iter().map(|line| line.to_ascii_lowercase()).collect();
        framer.number(0);
        framer.list(lower.iter().flat_map(|line| line.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii));
    } else if *name == header::COOKIE || lines.iter().any(|line| line.contains(&b'"')) {
        framer.number(1);
        framer.list(lines.iter().copied());
    } else {
        framer.number(0);
        framer.list(lines.iter().flat_map(|line| line.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encoding::Compression;
    use crate::key::KeyHeader;
    use crate::policy::fill_fields;

    fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, HeaderValue::from_str(value).unwrap());
        }
        fields
    }

    fn settings() -> CacheSettings {
        let mut settings = CacheSettings::of_scope("origin".into());
        settings.key.headers = vec![KeyHeader { name: HeaderName::from_static("x-locale"), empty_is_absent: true }];
        settings.key.cookies = vec!["currency".into()];
        settings.vary.unknown = VaryMode::Exact;
        settings.vary.named = vec![
            (header::ACCEPT_LANGUAGE, VaryMode::Languages(Arc::from(["en".into(), "de".into()]))),
            (header::ACCEPT, VaryMode::Types(Arc::from(["text/html".into(), "application/json".into()]))),
            (header::ORIGIN, VaryMode::Ignore),
            (header::USER_AGENT, VaryMode::Refuse),
        ];
        settings
    }

    fn spec(vary: &[(&'static str, &str)], settings: &CacheSettings) -> Result<VarySpec, NotStored> {
        VarySpec::of(&fields(vary), settings)
    }

    fn same(
        vary: &str,
        one: &[(&'static str, &str)],
        other: &[(&'static str, &str)],
        settings: &CacheSettings,
    ) -> bool {
        let spec = spec(&[("vary", vary)], settings).unwrap();
        let variant = |client| spec.variant(&fill_fields(&fields(client), settings));
        variant(one) == variant(other)
    }

    #[test]
    fn names_are_read_from_all_lines() {
        let settings = settings();
        let read = spec(&[("vary", "Foo, accept-encoding,"), ("vary", "FOO")], &settings).unwrap();
        assert_eq!(read.names(), [header::ACCEPT_ENCODING, HeaderName::from_static("foo")]);
        for lines in [
            &[("vary", "*")][..],
            &[("vary", "a"), ("vary", "b, *")],
            &[("vary", ""), ("vary", "*")],
            &[("vary", ", *")],
            &[("vary", "*, *")],
            &[("vary", "a b")],
        ] {
            assert_eq!(spec(lines, &settings), Err(NotStored::Vary), "RFC 9111 §4.1: {lines:?}");
        }
        let many: Vec<String> = (0..=MAX_NAMES).map(|n| format!("x-{n}")).collect();
        assert_eq!(spec(&[("vary", &many.join(","))], &settings), Err(NotStored::Vary));
    }

    #[test]
    fn the_rule_says_which_fields_may_tell_variants_apart() {
        let all = settings();
        let mut known = settings();
        known.vary.unknown = VaryMode::Refuse;
        let forward_all = CacheSettings { forward: Forward::All, ..known.clone() };
        let compression = Compression { codings: Vec::new(), types: Vec::new(), min: 0 };
        let derived = CacheSettings { compression: Some(Arc::new(compression)), ..known.clone() };
        for (vary, settings, expected, why) in [
            ("origin", &all, Ok(0), "ignored"),
            ("user-agent", &all, Err(NotStored::UnknownVary), "refused"),
            ("foo, origin", &all, Ok(1), "unknown, by its value"),
            ("foo", &known, Err(NotStored::UnknownVary), "unknown, refused"),
            ("x-locale, accept-encoding, cookie, accept, accept-language", &known, Ok(5), "known"),
            ("host, x-forwarded-proto, x-forwarded-host", &known, Ok(0), "in the primary key already"),
            ("x-device-class", &known, Err(NotStored::UnknownVary), "not sent without key.device"),
            ("cookie", &forward_all, Err(NotStored::UnknownVary), "every client has its own"),
            ("accept-encoding", &derived, Ok(0), "the edge derives them"),
        ] {
            let names = spec(&[("vary", vary)], settings).map(|spec| spec.names().len());
            assert_eq!(names, expected, "{vary}: {why}");
        }
    }

    #[test]
    fn requests_compare_by_the_named_fields() {
        for (vary, one, other, expected, why) in [
            ("foo", &[("foo", "1")][..], &[("foo", "1"), ("bar", "2")][..], true, "others do not matter"),
            ("foo", &[("foo", "1")], &[("foo", "2")], false, "another value"),
            ("foo", &[], &[("foo", "")], false, "absent against present"),
            ("foo", &[], &[], true, "absent in both"),
            ("foo, bar", &[("foo", "1"), ("bar", "2")], &[("foo", "1")], false, "all must match"),
            ("a, b, c", &[("a", "1"), ("c", "3")], &[("c", "3"), ("a", "1")], true, "three, one absent in both"),
            ("a, b, c", &[("a", "1"), ("b", "x")], &[("a", "1"), ("c", "x")], false, "each its own"),
            ("foo", &[("foo", "1,2")], &[("foo", "1"), ("foo", " 2 ")], true, "lines combined"),
            ("foo", &[("foo", "\"1 , 2\"")], &[("foo", "\"1,2\"")], false, "space in a quoted string counts"),
            ("accept-encoding", &[("accept-encoding", "gzip, br")], &[("accept-encoding", "br;q=1.0,GZIP")], true, ""),
            ("accept-encoding", &[("accept-encoding", "gzip;q=0")], &[], true, "RFC 9110 §12.5.3"),
            ("cookie", &[("cookie", "id=1; currency=eur")], &[("cookie", "currency=eur; id=2")], true, "what is sent"),
            ("cookie", &[("cookie", "currency=usd")], &[("cookie", "currency=eur")], false, ""),
            ("x-locale", &[("x-locale", "")], &[], true, "empty is absent by the rule"),
            (
                "accept-language",
                &[("accept-language", "de-AT, de;q=0.9, en;q=0.8")],
                &[("accept-language", "de")],
                true,
                "",
            ),
            ("accept-language", &[("accept-language", "fr, en;q=0.1")], &[("accept-language", "en-US")], true, ""),
            ("accept-language", &[("accept-language", "en")], &[("accept-language", "de")], false, ""),
            ("accept-language", &[("accept-language", "fr")], &[], true, "no match is as none asked"),
            ("accept", &[("accept", "text/html,*/*;q=0.8")], &[("accept", "*/*")], true, ""),
            ("accept", &[("accept", "text/html")], &[("accept", "application/json, */*")], false, ""),
        ] {
            assert_eq!(same(vary, one, other, &settings()), expected, "{vary}: {one:?} {other:?} {why}");
        }
    }

    #[test]
    fn all_that_is_forwarded_is_compared() {
        let settings = CacheSettings {
            forward: Forward::All,
            vary: VaryRules { unknown: VaryMode::Exact, ..VaryRules::default() },
            ..CacheSettings::of_scope("origin".into())
        };
        for (vary, one, other, expected, why) in [
            ("cookie", &[("cookie", "id=1")][..], &[("cookie", "id=2")][..], false, "one client's is not another's"),
            ("cookie", &[("cookie", "a=1, 2")], &[("cookie", "a=1,2")], false, "RFC 6265 §4.2: no list"),
            (
                "accept-language",
                &[("accept-language", "en, de")],
                &[("accept-language", " eN ,De")],
                true,
                "RFC 4647 §2",
            ),
            (
                "accept-language",
                &[("accept-language", "en, de")],
                &[("accept-language", "de, en")],
                false,
                "by preference",
            ),
        ] {
            assert_eq!(same(vary, one, other, &settings), expected, "{vary}: {one:?} {other:?} {why}");
        }
    }

    #[test]
    fn what_is_keyed_is_what_is_sent() {
        let client = fields(&[("accept-language", "fr, de-AT;q=0.5"), ("accept", "image/png")]);
        let sent = fill_fields(&client, &settings());
        assert_eq!(sent[header::ACCEPT_LANGUAGE], "de");
        assert!(!sent.contains_key(header::ACCEPT), "nothing of it is offered");
    }

    proptest! {
        /// Normal forms are normal: what is sent is of the variant of the request that it was made of.
        #[test]
        fn variants_follow_what_is_sent(value in "[a-z,;=0\"* /-]{0,16}", cookie in "[a-z;= ]{0,12}") {
            let settings = settings();
            let names = ["accept-encoding", "foo", "x-locale", "accept-language", "accept"];
            let mut lines: Vec<(&'static str, &str)> = names.iter().map(|&name| (name, &*value)).collect();
            lines.push(("cookie", &cookie));
            let spec = spec(&[("vary", &names.join(",")), ("vary", "cookie")], &settings).unwrap();
            let sent = fill_fields(&fields(&lines), &settings);
            prop_assert_eq!(spec.variant(&sent), spec.variant(&fill_fields(&sent, &settings)));
        }
    }
}
