//! What a client asks of caches: Cache-Control and Pragma of a request (RFC 9111 §5.2.1, §5.4).

use http::header;

use super::directives::{directives, seconds_argument};
use super::freshness::Lifetime;
use crate::fields::FieldLines;

/// The request directives. What cannot be read, and what is unknown, asks for nothing: it is advice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestControl {
    /// `no-cache` (§5.2.1.4), or `Pragma: no-cache` where there is no Cache-Control (§5.4): nothing stored without asking.
    pub no_cache: bool,
    /// `no-store` (§5.2.1.5): the response must not be stored. What is stored already may be served.
    pub no_store: bool,
    /// `only-if-cached` (§5.2.1.7): a stored response that may be used, else 504; the upstream is not asked.
    pub only_if_cached: bool,
    /// `max-age` (§5.2.1.1), in seconds: the highest age.
    pub max_age: Option<u32>,
    /// `min-fresh` (§5.2.1.3), in seconds: the least freshness left.
    pub min_fresh: Option<u32>,
    /// `max-stale` (§5.2.1.2), in seconds: the longest time past freshness; without an argument, any.
    pub max_stale: Option<u32>,
}

/// What the client's directives make of a stored response. A purged one, and one whose content has ended, is never served,
/// whatever they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// No less and no more than without directives.
    AsWithout,
    /// It is stale and may be served so: the client takes it, and the response does not forbid it.
    Stale,
    /// It must not be served before the upstream has been asked, not even stale while a refresh runs behind.
    Validated,
}

// === impl RequestControl ===

impl RequestControl {
    /// Reads the fields of a request. Of repeats the strictest counts.
    pub fn of<'r>(request: impl Into<FieldLines<'r>>) -> Self {
        let request = request.into();
        let mut found = Self::default();
        let field = if request.contains(&header::CACHE_CONTROL) { header::CACHE_CONTROL } else { header::PRAGMA };
        for directive in directives(request, &field) {
            found.no_cache |= directive.is("no-cache");
            // Of Pragma only that has a meaning (§5.4).
            if field == header::PRAGMA {
                continue;
            }
            found.no_store |= directive.is("no-store");
            found.only_if_cached |= directive.is("only-if-cached");
            let seconds = directive.argument.and_then(seconds_argument);
            let strictest = |before: Option<u32>, least: bool| match (before, seconds) {
                (Some(before), Some(given)) => Some(if least { before.min(given) } else { before.max(given) }),
                (before, given) => before.or(given),
            };
            if directive.is("max-age") {
                found.max_age = strictest(found.max_age, true);
            } else if directive.is("min-fresh") {
                found.min_fresh = strictest(found.min_fresh, false);
            } else if directive.is("max-stale") {
                let any = directive.argument.is_none().then_some(u32::MAX);
                found.max_stale = strictest(found.max_stale, true).or(any);
            }
        }
        found
    }

    /// What these directives make of a stored response at `now`, in Unix milliseconds.
    pub fn allows(&self, lifetime: &Lifetime, now: u64) -> Allowed {
        let millis = |seconds: u32| u64::from(seconds) * 1000;
        let age = now.saturating_sub(lifetime.born);
        let left = u64::try_from(lifetime.remaining(now).as_millis()).unwrap_or(u64::MAX);
        let too_old = self.max_age.is_some_and(|most| age > millis(most));
        if self.no_cache || too_old {
            return Allowed::Validated;
        }
        if now < lifetime.fresh_until {
            let too_stale_soon = self.min_fresh.is_some_and(|least| left < millis(least));
            return if too_stale_soon { Allowed::Validated } else { Allowed::AsWithout };
        }
        let past = now - lifetime.fresh_until;
        match self.max_stale {
            Some(u32::MAX) if !lifetime.stale_forbidden => Allowed::Stale,
            Some(most) if !lifetime.stale_forbidden && past <= millis(most) => Allowed::Stale,
            // Who names a limit does not wish what is past its freshness (§5.2.1.1, §5.2.1.3).
            _ if self.max_age.is_some() || self.min_fresh.is_some() => Allowed::Validated,
            Some(_) | None => Allowed::AsWithout,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1000;

    fn control(lines: &[(&'static str, &str)]) -> RequestControl {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        RequestControl::of(&fields)
    }

    fn cache_control(line: &str) -> RequestControl {
        control(&[("cache-control", line)])
    }

    /// Made at zero, fresh for 100 s.
    fn lifetime(stale_forbidden: bool) -> Lifetime {
        let end = 100 * SECOND;
        Lifetime {
            stale_forbidden,
            revalidate_until: end + 50 * SECOND,
            error_until: end + 50 * SECOND,
            ..Lifetime::new(0, end)
        }
    }

    #[test]
    fn directives_are_read_from_all_lines() {
        let none = RequestControl::default();
        for (lines, expected, why) in [
            (&[][..], none, "nothing asked"),
            (&[("cache-control", "No-Cache")], RequestControl { no_cache: true, ..none }, "RFC 9111 §5.2: in any case"),
            (
                &[("cache-control", "no-store"), ("cache-control", "only-if-cached")],
                RequestControl { no_store: true, only_if_cached: true, ..none },
                "§5.2.1.5, §5.2.1.7",
            ),
            (&[("pragma", "no-cache")], RequestControl { no_cache: true, ..none }, "§5.4"),
            (&[("pragma", "no-store, max-age=0")], none, "§5.4: nothing else of Pragma"),
            (
                &[("pragma", "no-cache"), ("cache-control", "max-stale")],
                RequestControl { max_stale: Some(u32::MAX), ..none },
                "§5.4: Cache-Control is there",
            ),
            (
                &[("cache-control", "max-age=5, max-age=\"3\"")],
                RequestControl { max_age: Some(3), ..none },
                "the strictest",
            ),
            (
                &[("cache-control", "min-fresh=5, min-fresh=3")],
                RequestControl { min_fresh: Some(5), ..none },
                "the strictest",
            ),
            (
                &[("cache-control", "max-stale, max-stale=3")],
                RequestControl { max_stale: Some(3), ..none },
                "the strictest",
            ),
            (
                &[("cache-control", "max-stale=3, max-stale")],
                RequestControl { max_stale: Some(3), ..none },
                "the strictest",
            ),
            (&[("cache-control", "max-age=x, min-fresh, max-stale=-1, foo, x-no-cache")], none, "what cannot be read"),
        ] {
            assert_eq!(control(lines), expected, "{lines:?}: {why}");
        }
    }

    #[test]
    fn what_a_client_accepts() {
        use Allowed::{AsWithout, Stale, Validated};
        for (line, now, expected, why) in [
            ("", 50, AsWithout, "nothing asked"),
            ("", 120, AsWithout, "nothing asked of a stale one"),
            ("foo", 50, AsWithout, "unknown"),
            ("no-store", 50, AsWithout, "RFC 9111 §5.2.1.5: not about what is stored"),
            ("no-cache", 0, Validated, "§5.2.1.4"),
            ("no-cache, max-stale", 120, Validated, "§5.2.1.4"),
            ("max-age=50", 50, AsWithout, "§5.2.1.1"),
            ("max-age=49", 50, Validated, "§5.2.1.1"),
            ("max-age=0", 1, Validated, "§5.2.1.1: a reload"),
            ("max-age=200", 120, Validated, "§5.2.1.1: not stale without max-stale, though refreshed behind"),
            ("max-age=200, max-stale=20", 120, Stale, "§5.2.1.1"),
            ("max-age=110, max-stale=20", 120, Validated, "too old all the same"),
            ("min-fresh=50", 50, AsWithout, "§5.2.1.3"),
            ("min-fresh=51", 50, Validated, "§5.2.1.3"),
            ("min-fresh=1", 120, Validated, "§5.2.1.3"),
            ("max-stale=20", 120, Stale, "§5.2.1.2"),
            ("max-stale=19", 120, AsWithout, "too stale: as the response's own grounds allow"),
            ("max-stale", 1_000_000, Stale, "§5.2.1.2: of any age"),
            ("max-stale=20", 50, AsWithout, "fresh"),
        ] {
            assert_eq!(cache_control(line).allows(&lifetime(false), now * SECOND), expected, "{line} at {now}: {why}");
        }
        let forbids = lifetime(true);
        assert_eq!(cache_control("max-stale").allows(&forbids, 120 * SECOND), AsWithout, "§4.2.4");
    }

    proptest! {
        /// A client that asks for more gets no more: a further directive other than max-stale never allows what was not.
        #[test]
        fn directives_narrow(max_age: Option<u16>, min_fresh: Option<u16>, now in 0u64..400_000) {
            let base = RequestControl { max_age: max_age.map(u32::from), ..RequestControl::default() };
            let more = RequestControl { min_fresh: min_fresh.map(u32::from), ..base };
            if base.allows(&lifetime(false), now) == Allowed::Validated {
                prop_assert_eq!(more.allows(&lifetime(false), now), Allowed::Validated);
            }
            prop_assert_eq!(RequestControl { no_cache: true, ..more }.allows(&lifetime(false), now), Allowed::Validated);
        }

        #[test]
        fn no_line_panics(line in "[ -~]{0,40}", now: u64) {
            let _ = cache_control(&line).allows(&lifetime(false), now);
        }
    }
}
