//! Cache-Status: how this cache handled the request (RFC 9211).

use std::fmt::Write as _;

use http::HeaderValue;

use crate::reason::{MissReason, NotStored, Outcome, PassReason, StaleReason};

/// The name under which this cache speaks.
const CACHE_NAME: &str = "vitrine";

/// The largest integer that a structured field can hold (RFC 9651 §3.3.1).
const MAX_INTEGER: i64 = 999_999_999_999_999;

/// What is told of one response.
#[derive(Clone, Copy, Debug)]
pub struct CacheStatus<'r> {
    /// How it was answered.
    pub outcome: Outcome,
    /// The rule that decided; empty where none was asked.
    pub rule: &'r str,
    /// The freshness left in seconds, negative where it is past (§2.4); absent where nothing stored was served.
    pub ttl: Option<i64>,
    /// The status that the upstream gave, where it was asked and it is not the one sent on (§2.3).
    pub fwd_status: Option<u16>,
    /// Whether the response was stored (§2.5).
    pub stored: bool,
    /// Whether the request joined another's exchange with the upstream (§2.6).
    pub collapsed: bool,
    /// Why it was not stored, where it might have been.
    pub not_stored: Option<NotStored>,
    /// Whether what was served lay on the disk, and not in memory.
    pub from_disk: bool,
    /// A further word for people, such as `outside-promise`; empty for none.
    pub label: &'r str,
}

impl<'r> CacheStatus<'r> {
    /// Of an outcome under a rule; the other fields are then set as they apply.
    pub const fn new(outcome: Outcome, rule: &'r str) -> Self {
        Self {
            outcome,
            rule,
            ttl: None,
            fwd_status: None,
            stored: false,
            collapsed: false,
            not_stored: None,
            from_disk: false,
            label: "",
        }
    }

    /// The field's member for this cache. To be *appended*: members of caches nearer to the origin come first (§2).
    pub fn value(&self) -> HeaderValue {
        // Tokens, digits and an escaped string always make a value.
        HeaderValue::from_str(&self.text()).unwrap_or(HeaderValue::from_static(CACHE_NAME))
    }

    /// As [`CacheStatus::value`], as text.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(96);
        text.push_str(CACHE_NAME);
        match forwarded(self.outcome) {
            // `hit` and `fwd` exclude each other (§2.1).
            None if matches!(
                self.outcome,
                Outcome::Preflight
                    | Outcome::Purge
                    | Outcome::NotCached
                    | Outcome::Refused(_)
                    | Outcome::Limited
                    | Outcome::Gone
            ) => {}
            None => text.push_str("; hit"),
            Some(fwd) => {
                text.push_str("; fwd=");
                text.push_str(fwd);
                if let Some(status) = self.fwd_status {
                    let _ = write!(text, "; fwd-status={status}");
                }
                if self.stored {
                    text.push_str("; stored");
                }
                if self.collapsed {
                    text.push_str("; collapsed");
                }
            }
        }
        if let Some(ttl) = self.ttl {
            let _ = write!(text, "; ttl={}", ttl.clamp(-MAX_INTEGER, MAX_INTEGER));
        }
        self.detail(&mut text);
        text
    }

    fn detail(&self, text: &mut String) {
        let not_stored = self.not_stored.map_or("", NotStored::label);
        let from = if self.from_disk { "disk" } else { "" };
        let parts = [
            ("rule=", self.rule),
            ("reason=", self.outcome.reason()),
            ("not-stored=", not_stored),
            ("", from),
            ("", self.label),
        ];
        let mut separator = "; detail=\"";
        for (name, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(separator);
            text.push_str(name);
            // An sf-string holds printable ASCII, with quote and backslash escaped (RFC 9651 §3.3.3).
            for byte in value.bytes().filter(|byte| (0x20..0x7f).contains(byte)) {
                if matches!(byte, b'"' | b'\\') {
                    text.push('\\');
                }
                text.push(char::from(byte));
            }
            separator = " ";
        }
        if separator == " " {
            text.push('"');
        }
    }
}

/// Why the request went on, in RFC 9211's words (§2.2); `None` where it did not.
const fn forwarded(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Hit
        | Outcome::HitDisconnected
        | Outcome::Preflight
        | Outcome::Purge
        | Outcome::NotCached
        | Outcome::Refused(_)
        | Outcome::Limited
        | Outcome::Gone => None,
        Outcome::Stale(reason) => match reason {
            // The refresh behind is another exchange than this request's.
            StaleReason::WhileRevalidate | StaleReason::SoftPurged | StaleReason::MaxStale => None,
            StaleReason::IfError | StaleReason::ServeFor => Some("stale"),
        },
        Outcome::Pass(PassReason::Method) => Some("method"),
        Outcome::Pass(_) => Some("bypass"),
        Outcome::Miss(reason) | Outcome::Revalidated(reason) | Outcome::Unavailable(reason) => Some(match reason {
            MissReason::Uri => "uri-miss",
            MissReason::Vary => "vary-miss",
            // A response was there, but its freshness could not be relied on without asking.
            MissReason::Stale | MissReason::Disconnected => "stale",
            MissReason::Request => "request",
            // What a purge reached is as good as absent.
            MissReason::Purged | MissReason::Overtaken => "miss",
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sfv::{BareItem, List, ListEntry, Parser};

    use super::*;
    use crate::key::TargetError;

    /// RFC 9211 §2.2.
    const FWD: [&str; 8] = ["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"];
    /// RFC 9211 §2, in the order of its sections.
    const PARAMETERS: [&str; 8] = ["hit", "fwd", "fwd-status", "ttl", "stored", "collapsed", "key", "detail"];

    fn outcomes() -> impl Strategy<Value = Outcome> {
        proptest::sample::select(Outcome::all().collect::<Vec<_>>())
    }

    #[test]
    fn members_follow_rfc_9211() {
        let of = |outcome| CacheStatus::new(outcome, "catalog");
        let ttl = |outcome, ttl| CacheStatus { ttl: Some(ttl), ..of(outcome) };
        let rows = [
            (ttl(Outcome::Hit, 123), "vitrine; hit; ttl=123; detail=\"rule=catalog\""),
            (
                ttl(Outcome::Stale(StaleReason::WhileRevalidate), -5),
                "vitrine; hit; ttl=-5; detail=\"rule=catalog reason=swr\"",
            ),
            (
                CacheStatus { fwd_status: Some(503), ..ttl(Outcome::Stale(StaleReason::IfError), -5) },
                "vitrine; fwd=stale; fwd-status=503; ttl=-5; detail=\"rule=catalog reason=sie\"",
            ),
            (
                ttl(Outcome::Stale(StaleReason::ServeFor), 9),
                "vitrine; fwd=stale; ttl=9; detail=\"rule=catalog reason=serve_for\"",
            ),
            (
                CacheStatus { fwd_status: Some(304), stored: true, ..ttl(Outcome::Revalidated(MissReason::Stale), 60) },
                "vitrine; fwd=stale; fwd-status=304; stored; ttl=60; detail=\"rule=catalog reason=stale\"",
            ),
            (
                CacheStatus { stored: true, collapsed: true, ..of(Outcome::Miss(MissReason::Uri)) },
                "vitrine; fwd=uri-miss; stored; collapsed; detail=\"rule=catalog reason=uri_miss\"",
            ),
            (of(Outcome::Miss(MissReason::Vary)), "vitrine; fwd=vary-miss; detail=\"rule=catalog reason=vary_miss\""),
            (
                CacheStatus { not_stored: Some(NotStored::SetCookie), ..of(Outcome::Miss(MissReason::Uri)) },
                "vitrine; fwd=uri-miss; detail=\"rule=catalog reason=uri_miss not-stored=set_cookie\"",
            ),
            (of(Outcome::Miss(MissReason::Purged)), "vitrine; fwd=miss; detail=\"rule=catalog reason=purged\""),
            (
                of(Outcome::Revalidated(MissReason::Disconnected)),
                "vitrine; fwd=stale; detail=\"rule=catalog reason=disconnected\"",
            ),
            (of(Outcome::Pass(PassReason::Cookie)), "vitrine; fwd=bypass; detail=\"rule=catalog reason=cookie\""),
            (of(Outcome::Pass(PassReason::Method)), "vitrine; fwd=method; detail=\"rule=catalog reason=method\""),
            (
                CacheStatus { label: "outside-promise", ..of(Outcome::Hit) },
                "vitrine; hit; detail=\"rule=catalog outside-promise\"",
            ),
            (CacheStatus::new(Outcome::Refused(TargetError::Path), ""), "vitrine; detail=\"reason=path\""),
            (of(Outcome::Preflight), "vitrine; detail=\"rule=catalog\""),
            (of(Outcome::Limited), "vitrine; detail=\"rule=catalog reason=rate_limit\""),
            (CacheStatus::new(Outcome::Hit, "a\"b\\c\n"), "vitrine; hit; detail=\"rule=a\\\"b\\\\c\""),
        ];
        for (status, expected) in rows {
            assert_eq!(status.text(), expected);
            assert_eq!(status.value(), expected);
        }
    }

    proptest! {
        /// Whatever is told, it is a List of one Item with this cache's name and parameters of their types (RFC 9211 §2), also
        /// behind the member of another cache.
        #[test]
        fn every_member_is_a_structured_field(
            outcome in outcomes(), rule in ".{0,12}", ttl: Option<i64>, fwd_status in proptest::option::of(200u16..600),
            stored: bool, collapsed: bool, not_stored in proptest::option::of(proptest::sample::select(NotStored::ALL)),
        ) {
            let status = CacheStatus { ttl, fwd_status, stored, collapsed, not_stored, ..CacheStatus::new(outcome, &rule) };
            let field = format!("\"Another, cache\"; hit, {}", status.text());
            let list: List = Parser::new(&field).parse().unwrap();
            prop_assert_eq!(list.len(), 2);
            let ListEntry::Item(member) = &list[1] else { return Err(TestCaseError::fail("no item")) };
            let name = member.bare_item.as_token().map(sfv::TokenRef::as_str);
            prop_assert_eq!(name, Some(CACHE_NAME));
            prop_assert!(!(member.params.contains_key("hit") && member.params.contains_key("fwd")), "§2.1");
            for (key, value) in &member.params {
                prop_assert!(PARAMETERS.contains(&key.as_str()), "{key:?}");
                let is_typed = match key.as_str() {
                    "hit" | "stored" | "collapsed" => *value == BareItem::Boolean(true),
                    "fwd" => value.as_token().is_some_and(|token| FWD.contains(&token.as_str())),
                    "fwd-status" | "ttl" => value.as_integer().is_some(),
                    _ => value.as_string().is_some(),
                };
                prop_assert!(is_typed, "{key:?}: {value:?}");
            }
        }
    }
}
