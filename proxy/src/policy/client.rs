//! What the client is told: the stored fields, Age, and the Cache-Control that the rule wants it to see.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use super::cache_control::CacheControl;
use super::freshness::{Lifetime, expires_lifetime};
use crate::rules::BrowserTtl;

/// What in a response's head changes from second to second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Varying {
    /// The Age field, in seconds (RFC 9111 §5.1): to be sent on every response that is served without asking.
    pub age: u64,
    /// The Cache-Control field; absent where none is sent.
    pub cache_control: Option<HeaderValue>,
}

/// The fields that stay the same from hit to hit: the stored ones without Age and Cache-Control, and without Expires and Pragma
/// where Cache-Control is the edge's own word.
///
/// Date stays as the origin sent it: with Age it tells how old the response is. Targeted fields go on to caches behind
/// (RFC 9213 §3.1).
///
/// `browser` is the rule's word, for where no entry of its `responses` has another for this response.
pub fn fixed_fields(stored: &HeaderMap, lifetime: &Lifetime, browser: BrowserTtl) -> HeaderMap {
    let browser = lifetime.browser_ttl.unwrap_or(browser);
    let mut fields = stored.clone();
    fields.remove(header::AGE);
    fields.remove(header::CACHE_CONTROL);
    if browser != BrowserTtl::Respect || lifetime.ends.is_some() {
        fields.remove(header::EXPIRES);
        fields.remove(header::PRAGMA);
    }
    fields
}

/// The fields that change, at `now` in Unix milliseconds.
///
/// A client subtracts Age from `max-age` (RFC 9111 §4.2), so the `max-age` of a browser TTL is that TTL *plus* the age: the client
/// gets the freshness that the rule promises, however long the edge has held the object. What is stale here, or ends by the clock,
/// is told `no-cache`, or for as long as is left.
pub fn varying_fields(stored: &HeaderMap, lifetime: &Lifetime, browser: BrowserTtl, now: u64) -> Varying {
    let age = lifetime.age_seconds(now);
    let cache_control = match lifetime.browser_ttl.unwrap_or(browser) {
        BrowserTtl::Respect => respected(stored, lifetime, age, now),
        BrowserTtl::Revalidate => Some(HeaderValue::from_static("no-cache")),
        BrowserTtl::Override(ttl) => Some(match overriding_max_age(lifetime, ttl, now) {
            None => HeaderValue::from_static("no-cache"),
            Some(seconds) => max_age("public, ", seconds, ""),
        }),
    };
    Varying { age, cache_control }
}

/// What Cache-Control says before the number of [`overriding_max_age`].
pub const OVERRIDING_MAX_AGE: &str = "public, max-age=";

/// The `max-age` of a browser TTL at `now`; `None` where nothing is left of it, and `no-cache` is said.
pub fn overriding_max_age(lifetime: &Lifetime, ttl: Duration, now: u64) -> Option<u64> {
    let left = whole_seconds(ttl.min(lifetime.remaining(now)));
    (left > 0).then(|| left + lifetime.age_seconds(now))
}

/// How the Cache-Control that a client gets changes with time, while a response is fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlOverTime {
    /// Not at all.
    Stays,
    /// It is `max-age` alone, with a number that [`overriding_max_age`] tells.
    MaxAge(Duration),
    /// From second to second, in a way of its own.
    Changes,
}

impl ControlOverTime {
    /// Of a response under a rule.
    pub fn of(lifetime: &Lifetime, browser: BrowserTtl) -> Self {
        match lifetime.browser_ttl.unwrap_or(browser) {
            BrowserTtl::Override(ttl) => Self::MaxAge(ttl),
            BrowserTtl::Revalidate => Self::Stays,
            BrowserTtl::Respect if lifetime.ends.is_none() => Self::Stays,
            BrowserTtl::Respect => Self::Changes,
        }
    }
}

/// The upstream's own word, but never past the end of the content.
fn respected(stored: &HeaderMap, lifetime: &Lifetime, age: u64, now: u64) -> Option<HeaderValue> {
    let control = CacheControl::of(stored);
    let Some(end) = lifetime.ends.filter(|_| !control.no_cache && !control.no_store) else {
        return joined(stored);
    };
    let left = whole_seconds(Duration::from_millis(end.saturating_sub(now)));
    let explicit = control
        .max_age
        .map(u64::from)
        .or_else(|| expires_lifetime(stored, now))
        .map(|lifetime| lifetime.saturating_sub(age));
    match explicit.map(|given| given.min(left)) {
        // Without explicit freshness a client may guess, and guess past the end.
        None | Some(0) => Some(HeaderValue::from_static("no-cache")),
        Some(left) => {
            let before = if control.public { "public, " } else { "" };
            let after = if control.must_revalidate { ", must-revalidate" } else { "" };
            Some(max_age(before, left + age, after))
        }
    }
}

fn joined(stored: &HeaderMap) -> Option<HeaderValue> {
    let mut lines = stored.get_all(header::CACHE_CONTROL).iter();
    let first = lines.next()?;
    let rest: Vec<&HeaderValue> = lines.collect();
    if rest.is_empty() {
        return Some(first.clone());
    }
    let all: Vec<&[u8]> = std::iter::once(first).chain(rest).map(HeaderValue::as_bytes).collect();
    HeaderValue::from_bytes(&all.join(&b", "[..])).ok()
}

fn max_age(before: &str, seconds: u64, after: &str) -> HeaderValue {
    // Digits and the fixed words around them always make a value.
    HeaderValue::from_str(&format!("{before}max-age={seconds}{after}")).unwrap_or(HeaderValue::from_static("no-cache"))
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: u64 = 3_600_000;

    fn lifetime(ends: Option<u64>) -> Lifetime {
        Lifetime { ends, ..Lifetime::new(0, 4 * HOUR) }
    }

    fn told(stored: &[&'static str], ends: Option<u64>, browser: BrowserTtl, now: u64) -> String {
        let mut fields = HeaderMap::new();
        for line in stored {
            fields.append(header::CACHE_CONTROL, HeaderValue::from_static(line));
        }
        let value = varying_fields(&fields, &lifetime(ends), browser, now).cache_control;
        value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn the_browser_ttl_is_what_is_left_on_arrival() {
        let half_hour = BrowserTtl::Override(Duration::from_mins(30));
        for (ends, now, expected, why) in [
            (None, 0, "public, max-age=1800", "just stored"),
            (None, 2 * HOUR, "public, max-age=9000", "RFC 9111 §4.2: 1800 s beyond an Age of 7200"),
            (None, 4 * HOUR - 60_000, "public, max-age=14400", "the edge's own freshness ends earlier: 60 s are left"),
            (None, 4 * HOUR, "no-cache", "stale"),
            (Some(600_000), 0, "public, max-age=600", "rule 15: the content ends earlier"),
            (Some(600_000), 600_000, "no-cache", "the content has ended"),
        ] {
            assert_eq!(told(&["max-age=1"], ends, half_hour, now), expected, "{why}");
        }
        assert_eq!(told(&["max-age=1"], None, BrowserTtl::Revalidate, 0), "no-cache");
    }

    #[test]
    fn the_upstreams_word_stands_but_for_the_end_of_the_content() {
        for (stored, ends, now, expected) in [
            (&["max-age=60", "private"][..], None, HOUR, "max-age=60, private"),
            (&[], None, 0, ""),
            (&["public, max-age=7200, must-revalidate"], Some(HOUR), 0, "public, max-age=3600, must-revalidate"),
            (&["max-age=60"], Some(HOUR), 0, "max-age=60"),
            (&["no-cache"], Some(HOUR), 0, "no-cache"),
            (&["public"], Some(HOUR), 0, "no-cache"),
            (&["max-age=60"], Some(HOUR), 61_000, "no-cache"),
        ] {
            assert_eq!(told(stored, ends, BrowserTtl::Respect, now), expected, "{stored:?}");
        }
    }

    #[test]
    fn expires_goes_where_cache_control_is_the_edges_own() {
        let mut stored = HeaderMap::new();
        stored.insert(header::EXPIRES, HeaderValue::from_static("0"));
        stored.insert(header::DATE, HeaderValue::from_static("x"));
        assert!(fixed_fields(&stored, &lifetime(None), BrowserTtl::Respect).contains_key(header::EXPIRES));
        let fields = fixed_fields(&stored, &lifetime(None), BrowserTtl::Revalidate);
        assert!(!fields.contains_key(header::EXPIRES) && fields.contains_key(header::DATE));
    }

    proptest! {
        /// No browser may hold what has ended.
        #[test]
        fn no_max_age_reaches_past_the_end(
            end in 0u64..10 * HOUR, now in 0u64..10 * HOUR, ttl in 0u64..100_000, respect in any::<bool>(),
        ) {
            let browser = if respect { BrowserTtl::Respect } else { BrowserTtl::Override(Duration::from_secs(ttl)) };
            let told = told(&["max-age=99999"], Some(end), browser, now);
            if let Some((_, seconds)) = told.split_once("max-age=") {
                let seconds: u64 = seconds.parse().unwrap();
                let left = seconds - lifetime(None).age_seconds(now);
                prop_assert!(now + left * 1000 <= end);
            } else {
                prop_assert_eq!(told, "no-cache");
            }
        }
    }
}
