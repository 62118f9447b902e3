//! Cache-Control of a response, read so that every doubt ends on the careful side (RFC 9111 §5.2, §4.2.1; RFC 5861).

use http::{HeaderMap, header};

use super::directives::{Directive, directives, seconds_argument};

/// The response directives that a shared cache obeys.
///
/// Names are read in any case. An argument may be a token or a quoted string. A directive whose repeats disagree, and one whose
/// argument is no number of seconds, counts as zero: stale (§4.2.1). Unknown directives are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheControl {
    /// `no-store` (§5.2.2.5).
    pub no_store: bool,
    /// `no-cache` (§5.2.2.4); with field names it counts as without.
    pub no_cache: bool,
    /// `private` (§5.2.2.7); with field names it counts as without.
    pub private: bool,
    /// `public` (§5.2.2.9).
    pub public: bool,
    /// `must-revalidate` (§5.2.2.2).
    pub must_revalidate: bool,
    /// `proxy-revalidate` (§5.2.2.8).
    pub proxy_revalidate: bool,
    /// `must-understand` (§5.2.2.3).
    pub must_understand: bool,
    /// `max-age` (§5.2.2.1), in seconds.
    pub max_age: Option<u32>,
    /// `s-maxage` (§5.2.2.10), in seconds.
    pub s_maxage: Option<u32>,
    /// `stale-while-revalidate` (RFC 5861 §3), in seconds.
    pub stale_while_revalidate: Option<u32>,
    /// `stale-if-error` (RFC 5861 §4), in seconds.
    pub stale_if_error: Option<u32>,
}

impl CacheControl {
    /// Reads all Cache-Control lines of a response.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        for directive in directives(headers, &header::CACHE_CONTROL) {
            found.read(directive);
        }
        found
    }

    /// Whether a stale response must not be used without asking, by a directive that says just that (§4.2.4).
    ///
    /// `s-maxage` incorporates proxy-revalidate (§5.2.2.10), so alone it forbids too; but a `stale-while-revalidate` or
    /// `stale-if-error` beside it is the more special word, and a sender of both cannot mean neither. So here it is left out: without
    /// those two nothing is served stale anyway, but for a client's `max-stale`, against which it counts.
    pub fn forbids_stale(&self) -> bool {
        self.must_revalidate || self.proxy_revalidate || self.no_cache
    }

    fn read(&mut self, Directive { name, argument }: Directive<'_>) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let flags = [
            ("no-store", &mut self.no_store),
            ("no-cache", &mut self.no_cache),
            ("private", &mut self.private),
            ("must-revalidate", &mut self.must_revalidate),
            ("proxy-revalidate", &mut self.proxy_revalidate),
        ];
        for (known, flag) in flags {
            *flag |= is(known);
        }
        // What allows more than the default counts only in its exact form.
        self.public |= is("public") && argument.is_none();
        self.must_understand |= is("must-understand") && argument.is_none();
        let seconds = [
            ("max-age", &mut self.max_age),
            ("s-maxage", &mut self.s_maxage),
            ("stale-while-revalidate", &mut self.stale_while_revalidate),
            ("stale-if-error", &mut self.stale_if_error),
        ];
        for (known, value) in seconds {
            if is(known) {
                let given = argument.and_then(seconds_argument).unwrap_or(0);
                *value = Some(match *value {
                    Some(before) if before != given => 0,
                    _ => given,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::policy::MAX_DELTA_SECONDS;

    fn parse(lines: &[&str]) -> CacheControl {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::CACHE_CONTROL, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        CacheControl::of(&headers)
    }

    #[test]
    fn numbers_are_read_carefully() {
        for (line, max_age, why) in [
            ("max-age=60", Some(60), "§5.2.2.1"),
            ("MAX-AGE=60", Some(60), "§5.2: names in any case"),
            ("max-age=\"60\"", Some(60), "§5.2: both forms of the argument"),
            ("max-age=0060", Some(60), "§1.2.2: 1*DIGIT"),
            (" max-age = 60 ", Some(60), "space that senders add"),
            ("max-age=99999999999999999999", Some(MAX_DELTA_SECONDS), "§1.2.2: overflow"),
            ("max-age=-1", Some(0), "§4.2.1: invalid is stale"),
            ("max-age=1.5", Some(0), "§4.2.1"),
            ("max-age=60s", Some(0), "§4.2.1"),
            ("max-age", Some(0), "§4.2.1"),
            ("max-age=", Some(0), "§4.2.1"),
            ("max-age=\"60", Some(0), "§4.2.1"),
            ("max-age=60, max-age=60", Some(60), "equal repeats"),
            ("max-age=60, max-age=90", Some(0), "§4.2.1: repeats that disagree may count as stale"),
            ("x-max-age=60", None, "another directive"),
            ("a=\"max-age=60\"", None, "inside a quoted string"),
            ("a=\"x\\\", max-age=60\"", None, "an escaped quote does not close"),
        ] {
            assert_eq!(parse(&[line]).max_age, max_age, "{line}: {why}");
        }
        assert_eq!(parse(&["max-age=60", "max-age=61"]).max_age, Some(0));
    }

    #[test]
    fn flags_are_found_wherever_they_stand() {
        assert!(parse(&["max-age=60,No-Store"]).no_store);
        assert!(parse(&["max-age=60", "no-cache=\"set-cookie, x\", private=\"a\""]).no_cache);
        assert!(parse(&["no-cache=\"set-cookie, x\", private=\"a\""]).private);
        assert!(parse(&["a=\"unclosed, no-store"]).no_store, "a broken quote hides nothing");
        assert!(parse(&[",,no-store,,"]).no_store);
        assert!(!parse(&["a=\"no-store\""]).no_store);
        assert!(!parse(&["no-storex"]).no_store);
        assert!(parse(&["public"]).public && !parse(&["public=no"]).public);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line in proptest::collection::vec(0x20u8..=0x7e, 0..60)) {
            let _ = parse(&[std::str::from_utf8(&line).unwrap()]);
        }

        #[test]
        fn a_directive_in_front_hides_none_behind(before in "[a-z=\"\\\\, ]{0,20}") {
            // Only inside a closed quoted string is it no directive.
            if before.matches('"').count() == 0 {
                let line = format!("{before}, no-store");
                prop_assert!(parse(&[&line]).no_store);
            }
        }
    }
}
