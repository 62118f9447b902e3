//! Which field of a response speaks to this cache: a targeted one (RFC 9213), else Cache-Control and Expires.

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::cache_control::CacheControl;

/// The directives that rule this cache's treatment of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Governing<'t> {
    /// The directives.
    pub control: CacheControl,
    /// The targeted field in which they stand, so that Cache-Control and Expires are for others (§2.2).
    pub targeted: Option<&'t HeaderName>,
}

// === impl Governing ===

impl<'t> Governing<'t> {
    /// Of a response, for a cache with this target list: the first field on the list with a valid, non-empty value (§2.2).
    pub fn of(response: &HeaderMap, targeted: &'t [HeaderName]) -> Self {
        let from_target =
            targeted.iter().find_map(|name| targeted_control(response, name).map(|control| (control, name)));
        match from_target {
            Some((control, name)) => Self { control, targeted: Some(name) },
            None => Self { control: CacheControl::of(response), targeted: None },
        }
    }
}

/// The directives of a targeted field; `None` where it is absent, empty or no Dictionary of structured fields (§2.1).
fn targeted_control(response: &HeaderMap, name: &HeaderName) -> Option<CacheControl> {
    let mut dictionary = Dictionary::new();
    for line in response.get_all(name) {
        let line = line.as_bytes().trim_ascii();
        // An empty line adds nothing where another has members (RFC 9651 §4.2).
        if !line.is_empty() {
            dictionary = Parser::new(line).parse_dictionary_with_visitor(dictionary).ok()?;
        }
    }
    if dictionary.is_empty() {
        return None;
    }
    let mut control = CacheControl::default();
    for (key, value) in &dictionary {
        let value = match value {
            ListEntry::Item(item) => Some(&item.bare_item),
            ListEntry::InnerList(_) => None,
        };
        read(&mut control, key.as_str(), value);
    }
    Some(control)
}

/// One directive with its typed value: `None` for an inner list.
///
/// A value of another type than the directive has is not coerced (§2.1): what would restrict reuse counts as without its value,
/// a lifetime counts as none (RFC 9111 §4.2.1), and what would allow more is ignored.
fn read(control: &mut CacheControl, name: &str, value: Option<&BareItem>) {
    let restricts = !matches!(value, Some(BareItem::Boolean(false)));
    let allows = matches!(value, Some(BareItem::Boolean(true)));
    let seconds = match value {
        Some(BareItem::Integer(seconds)) => {
            u32::try_from(i64::from(*seconds).clamp(0, i64::from(super::MAX_DELTA_SECONDS))).unwrap_or(0)
        }
        _ => 0,
    };
    match name {
        "no-store" => control.no_store = restricts,
        "no-cache" => control.no_cache = restricts,
        "private" => control.private = restricts,
        "must-revalidate" => control.must_revalidate = restricts,
        "proxy-revalidate" => control.proxy_revalidate = restricts,
        "public" => control.public = allows,
        "must-understand" => control.must_understand = allows,
        "max-age" => control.max_age = Some(seconds),
        "s-maxage" => control.s_maxage = Some(seconds),
        "stale-while-revalidate" => control.stale_while_revalidate = Some(seconds),
        "stale-if-error" => control.stale_if_error = Some(seconds),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::policy::MAX_DELTA_SECONDS;
    use crate::rules::CDN_CACHE_CONTROL;

    const OWN: HeaderName = HeaderName::from_static("vitrine-cache-control");

    static TARGETED: [HeaderName; 2] = [OWN, CDN_CACHE_CONTROL];

    fn governing(lines: &[(&'static str, &str)]) -> Governing<'static> {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Governing::of(&fields, &TARGETED)
    }

    /// The max-age that counts where Cache-Control says 1.
    fn max_age(line: &str) -> Option<u32> {
        governing(&[("cache-control", "max-age=1"), ("cdn-cache-control", line)]).control.max_age
    }

    #[test]
    fn a_field_counts_only_as_a_whole_and_valid() {
        for (line, expected, why) in [
            ("max-age=600", Some(600), "RFC 9213 §2.2: over Cache-Control"),
            ("foobar, max-age=600", Some(600), "§2.2: unknown directives are ignored"),
            ("max-age=600;x=1;y", Some(600), "§2.1: parameters are ignored"),
            ("none", None, "§3.1: valid and not empty, so Cache-Control does not count"),
            ("max-age=99999999999", Some(MAX_DELTA_SECONDS), "RFC 9111 §1.2.2: overflow"),
            ("max-age=600, max-age=700", Some(700), "RFC 9651 §3.2: the last counts"),
            ("", Some(1), "§2.2: empty"),
            ("  ", Some(1), "§2.2: empty"),
            ("max-age=600, &&&&", Some(1), "§2.1: not a Dictionary"),
            ("max-age =600", Some(1), "§2.1: not a Dictionary"),
            ("max-age= 600", Some(1), "§2.1: not a Dictionary"),
            ("Max-Age=600", Some(1), "RFC 9651 §3.1.2: keys are in lower case"),
            ("max-age=600,", Some(1), "RFC 9651 §4.2.2: trailing comma"),
            ("max-age=9999999999999999", Some(1), "RFC 9651 §3.3.1: at most 15 digits"),
            ("max-age=\"600\"", Some(0), "§2.1: another type is not coerced"),
            ("max-age=600.5", Some(0), "§2.1: another type is not coerced"),
            ("max-age=(600)", Some(0), "§2.1: another type is not coerced"),
            ("max-age", Some(0), "§2.1: another type is not coerced"),
            ("max-age=-600", Some(0), "RFC 9111 §4.2.1: stale"),
        ] {
            assert_eq!(max_age(line), expected, "{line}: {why}");
        }
    }

    #[test]
    fn the_first_valid_field_of_the_list_decides() {
        let cache_control = ("cache-control", "no-store");
        let cdn = ("cdn-cache-control", "max-age=60");
        let age = |lines: &[(&'static str, &str)]| governing(lines).control.max_age;
        assert_eq!(age(&[cache_control, cdn, ("vitrine-cache-control", "max-age=7")]), Some(7), "RFC 9213 §2.2");
        assert_eq!(age(&[cache_control, cdn, ("vitrine-cache-control", "?")]), Some(60), "RFC 9213 §2.2");
        assert_eq!(age(&[cache_control, cdn, ("surrogate-control", "max-age=7")]), Some(60), "not on the list");
        let both = governing(&[cache_control, cdn]);
        assert!(both.targeted.is_some() && !both.control.no_store, "RFC 9213 §2.2: nothing of Cache-Control counts");
        let lines = governing(&[
            ("cdn-cache-control", "max-age=60"),
            ("cdn-cache-control", ""),
            ("cdn-cache-control", "private"),
        ]);
        assert!(lines.control.private && lines.control.max_age == Some(60), "RFC 9651 §4.2: lines are one field");
        let plain = governing(&[cache_control]);
        assert!(plain.targeted.is_none() && plain.control.no_store);
    }

    #[test]
    fn what_restricts_counts_with_any_value_and_what_allows_with_its_own() {
        let of = |line| governing(&[("cdn-cache-control", line)]).control;
        for line in ["no-store", "no-store=?1", "no-store=1", "no-store=\"x\"", "no-store=()"] {
            assert!(of(line).no_store, "{line}");
        }
        assert!(of("private=\"x-one, x-two\"").private);
        assert!(!of("no-store=?0, private=?0").no_store, "a Boolean that says no");
        assert!(of("public").public && !of("public=1").public && !of("public=?0").public);
        assert!(!of("must-understand=yes").must_understand);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "[ -~]{0,40}") {
            let _ = max_age(&line);
        }

        /// A field of the grammar means the same here as in Cache-Control.
        #[test]
        fn well_formed_fields_mean_the_same_in_both(
            seconds in 0u32..100_000, s_maxage in proptest::option::of(0u32..100_000), flags in proptest::sample::subsequence(
                vec!["no-store", "no-cache", "private", "public", "must-revalidate", "proxy-revalidate", "must-understand", "x"], 0..8,
            ),
        ) {
            let mut line = format!("max-age={seconds}");
            for directive in s_maxage.map(|given| format!("s-maxage={given}")).into_iter().chain(flags.into_iter().map(String::from)) {
                line.push_str(", ");
                line.push_str(&directive);
            }
            let targeted = governing(&[("cdn-cache-control", &line)]).control;
            prop_assert_eq!(targeted, governing(&[("cache-control", &line)]).control);
        }
    }
}
