//! How long a stored response is fresh, and what may be done with it after (RFC 9111 §4.2; RFC 5861).
//!
//! All instants are Unix milliseconds by the wall clock, as Date and `Vitrine-Valid-Until` are.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::directives::delta_seconds;
use crate::fields::text;
use crate::rules::BrowserTtl;

/// When a stored response was made, and until when it may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The instant at which its age was zero.
    pub born: u64,
    /// The end of its freshness.
    pub fresh_until: u64,
    /// The end of serving it stale while it is refreshed behind.
    pub revalidate_until: u64,
    /// The end of serving it stale when the upstream fails.
    pub error_until: u64,
    /// When its content ends by the clock (invalidation protocol, rule 15): nothing serves it afterwards.
    pub ends: Option<u64>,
    /// Whether the response itself forbids that it be served stale (RFC 9111 §4.2.4), so that a client's `max-stale` asks in vain.
    pub stale_forbidden: bool,
    /// What downstream caches are told, where an entry of the rule's `responses` says so; else it is as the rule says.
    pub browser_ttl: Option<BrowserTtl>,
}

/// Where the end of a response's freshness comes from, to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreshnessSource {
    /// What gave it.
    pub basis: FreshnessBasis,
    /// The targeted field that spoke in place of Cache-Control (RFC 9213).
    pub targeted: Option<HeaderName>,
    /// The entry of the rule's `responses` whose `edge_ttl` held, counted from 1.
    pub entry: Option<usize>,
    /// Whether a cap of `edge_ttl` was less than what the response says.
    pub is_capped: bool,
    /// Whether its content ends earlier by the clock (invalidation protocol, rule 15).
    pub is_ended: bool,
}

/// What gives a freshness lifetime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FreshnessBasis {
    /// Nothing: it is validated each time.
    #[default]
    Nothing,
    /// `no-cache`: likewise.
    NoCache,
    /// `s-maxage`.
    SharedMaxAge,
    /// `max-age`.
    MaxAge,
    /// Expires.
    Expires,
    /// The rule's `heuristic`.
    Heuristic,
    /// The rule's `edge_ttl`.
    EdgeTtl,
    /// The rule's `negative_ttl`.
    NegativeTtl,
}

/// What the clock says of a stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It may be served.
    Fresh,
    /// It may be served after an exchange with the upstream, or as the two grounds allow.
    Stale {
        /// It may be served now, while one refresh runs behind (RFC 5861 §3).
        while_revalidate: bool,
        /// It may be served where the upstream fails (RFC 5861 §4).
        if_error: bool,
    },
    /// Its content has ended by the clock: no ground serves it, though it may still be validated.
    Ended,
}

impl Lifetime {
    /// Of a response that is fresh until then, and never served stale.
    pub const fn new(born: u64, fresh_until: u64) -> Self {
        Self {
            born,
            fresh_until,
            revalidate_until: fresh_until,
            error_until: fresh_until,
            ends: None,
            stale_forbidden: false,
            browser_ttl: None,
        }
    }

    /// What the clock says at `now`.
    pub fn freshness(&self, now: u64) -> Freshness {
        if self.ends.is_some_and(|end| now >= end) {
            Freshness::Ended
        } else if now < self.fresh_until {
            Freshness::Fresh
        } else {
            Freshness::Stale { while_revalidate: now < self.revalidate_until, if_error: now < self.error_until }
        }
    }

    /// Its age at `now` in whole seconds, as the Age field tells it (RFC 9111 §5.1).
    pub fn age_seconds(&self, now: u64) -> u64 {
        now.saturating_sub(self.born) / 1000
    }

    /// The freshness left at `now`, zero where none is.
    pub fn remaining(&self, now: u64) -> Duration {
        let end = self.ends.map_or(self.fresh_until, |end| end.min(self.fresh_until));
        Duration::from_millis(end.saturating_sub(now))
    }

    /// The freshness left at `now` in whole seconds, negative where it is past: `ttl` of RFC 9211 §2.4.
    pub fn ttl_seconds(&self, now: u64) -> i64 {
        let end = self.ends.map_or(self.fresh_until, |end| end.min(self.fresh_until));
        let seconds = |millis: u64| i64::try_from(millis / 1000).unwrap_or(i64::MAX);
        if end >= now { seconds(end - now) } else { -seconds(now - end) }
    }
}

/// The age that a response had on arrival, `corrected_initial_age` of RFC 9111 §4.2.3, in milliseconds.
///
/// Date has whole seconds, so the apparent age is rounded down to them.
pub(super) fn initial_age(response: &HeaderMap, requested_at: u64, received_at: u64) -> u64 {
    let apparent = date(response, received_at).map_or(0, |date| received_at.saturating_sub(date) / 1000 * 1000);
    let delay = received_at.saturating_sub(requested_at);
    let corrected = u64::from(age_field(response)).saturating_mul(1000).saturating_add(delay);
    apparent.max(corrected)
}

/// The Age field in seconds: the first member of the first line, and nothing where that is no number (RFC 9111 §5.1).
fn age_field(response: &HeaderMap) -> u32 {
    let first = response.get(header::AGE).map(HeaderValue::as_bytes).unwrap_or_default();
    let member = first.split(|&byte| byte == b',').next().unwrap_or_default();
    delta_seconds(member.trim_ascii()).unwrap_or(0)
}

/// The Date field; where it is absent, or cannot be read, the response counts as made on arrival (RFC 9110 §6.6.1).
fn date(response: &HeaderMap, received_at: u64) -> Option<u64> {
    response.get(header::DATE).map_or(Some(received_at), http_date)
}

/// The lifetime by Expires, in seconds; zero where the field cannot be read or is repeated with other values (RFC 9111 §4.2.1,
/// §5.3), `None` where absent.
pub(super) fn expires_lifetime(response: &HeaderMap, received_at: u64) -> Option<u64> {
    let mut lines = response.get_all(header::EXPIRES).iter();
    let first = lines.next()?;
    if lines.any(|line| line != first) {
        return Some(0);
    }
    let date = date(response, received_at).unwrap_or(received_at);
    Some(http_date(first).map_or(0, |expires| expires.saturating_sub(date) / 1000))
}

/// How long the response had not changed when it was made: Date less Last-Modified, in milliseconds. A part of it is its heuristic
/// lifetime (RFC 9111 §4.2.2).
pub(super) fn unchanged_for(response: &HeaderMap, received_at: u64) -> Option<u64> {
    let modified = response.get(header::LAST_MODIFIED).and_then(http_date)?;
    let date = date(response, received_at).unwrap_or(received_at);
    date.checked_sub(modified)
}

/// An HTTP-date in any of its three forms (RFC 9110 §5.6.7), as Unix milliseconds.
pub(crate) fn http_date(value: impl AsRef<[u8]>) -> Option<u64> {
    let text = text(value.as_ref())?;
    let time = httpdate::parse_http_date(text).ok().or_else(|| lenient(text))?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

/// A date whose letters have another case, which a cache should read too (RFC 9111 §4.2), or whose day of the week is wrong: it says
/// nothing that the rest does not.
fn lenient(text: &str) -> Option<SystemTime> {
    /// The longest date is shorter.
    const LONGEST: usize = 40;
    const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
    let text = text.trim_ascii();
    let name = &text[..text.find(|c: char| !c.is_ascii_alphabetic()).filter(|_| text.len() <= LONGEST)?];
    let is_long = DAYS.iter().any(|day| day.eq_ignore_ascii_case(name));
    if !is_long && !DAYS.iter().any(|day| day[..3].eq_ignore_ascii_case(name)) {
        return None;
    }
    let mut after_letter = false;
    let capitalised = text[name.len()..].chars().map(|letter| {
        let usual = if after_letter { letter.to_ascii_lowercase() } else { letter.to_ascii_uppercase() };
        after_letter = letter.is_ascii_alphabetic();
        usual
    });
    let rest = capitalised.collect::<String>().replace(" Gmt", " GMT");
    DAYS.iter().find_map(|day| {
        let day = if is_long { day } else { &day[..3] };
        httpdate::parse_http_date(&format!("{day}{rest}")).ok()
    })
}

/// Unix milliseconds as an HTTP-date.
pub(crate) fn http_date_value(unix_millis: u64) -> Option<HeaderValue> {
    /// The last second that an HTTP-date can tell; the library panics past it.
    const LAST: u64 = 253_402_300_799;
    let time = std::time::UNIX_EPOCH + Duration::from_secs((unix_millis / 1000).min(LAST));
    HeaderValue::from_str(&httpdate::fmt_http_date(time)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 1994-11-06 08:49:37 GMT.
    const THEN: u64 = 784_111_777_000;

    fn headers(lines: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_initial_age_is_the_largest_that_can_be_shown() {
        let date = || (header::DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        for (lines, requested, received, expected, why) in [
            (vec![], THEN, THEN, 0, "nothing known"),
            (vec![date()], THEN, THEN + 5_700, 5_700, "§4.2.3: the delay counts"),
            (vec![date()], THEN + 9_000, THEN + 9_500, 9_000, "apparent age in whole seconds"),
            (vec![date(), (header::AGE, "100")], THEN, THEN + 2_000, 102_000, "age_value + response_delay"),
            (vec![(header::AGE, "7, 100")], THEN, THEN, 7_000, "§5.1: the first member"),
            (vec![(header::AGE, "7"), (header::AGE, "100")], THEN, THEN, 7_000, "§5.1: the first line"),
            (vec![(header::AGE, "-7")], THEN, THEN, 0, "§5.1: invalid is ignored"),
            (vec![(header::AGE, "7.5")], THEN, THEN, 0, "§5.1"),
            (vec![(header::AGE, "99999999999999")], THEN, THEN, (1 << 31) * 1000, "§1.2.2: overflow"),
            (vec![date()], THEN - 10_000, THEN - 10_000, 0, "a Date in the future"),
            (vec![(header::DATE, "x")], THEN, THEN, 0, "a Date that is none"),
        ] {
            assert_eq!(initial_age(&headers(&lines), requested, received), expected, "{why}");
        }
    }

    #[test]
    fn expires_counts_from_date() {
        let date = || (header::DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        for (lines, expected, why) in [
            (vec![], None, "absent"),
            (vec![date(), (header::EXPIRES, "Sun, 06 Nov 1994 08:50:37 GMT")], Some(60), "§5.3"),
            (vec![date(), (header::EXPIRES, "Sunday, 06-Nov-94 08:50:37 GMT")], Some(60), "RFC 9110 §5.6.7"),
            (vec![date(), (header::EXPIRES, "Sun Nov  6 08:50:37 1994")], Some(60), "RFC 9110 §5.6.7"),
            (vec![(header::EXPIRES, "Sun, 06 Nov 1994 08:49:47 GMT")], Some(10), "no Date: from arrival"),
            (vec![date(), (header::EXPIRES, "0")], Some(0), "§5.3: invalid is in the past"),
            (vec![date(), (header::EXPIRES, "Sun, 06 Nov 1994 08:49:00 GMT")], Some(0), "in the past"),
            (
                vec![date(), (header::EXPIRES, "Sun, 06 Nov 1994 08:50:37 GMT"), (header::EXPIRES, "x")],
                Some(0),
                "repeated",
            ),
        ] {
            assert_eq!(expires_lifetime(&headers(&lines), THEN), expected, "{why}");
        }
    }

    #[test]
    fn the_end_of_the_content_ends_every_ground() {
        let lifetime = Lifetime { revalidate_until: 200, error_until: 300, ends: Some(150), ..Lifetime::new(0, 100) };
        let stale = |while_revalidate, if_error| Freshness::Stale { while_revalidate, if_error };
        assert_eq!(lifetime.freshness(99), Freshness::Fresh);
        assert_eq!(lifetime.freshness(100), stale(true, true));
        assert_eq!(lifetime.freshness(150), Freshness::Ended);
        let endless = Lifetime { ends: None, ..lifetime };
        assert_eq!(endless.freshness(250), stale(false, true));
        assert_eq!(endless.freshness(300), stale(false, false));
        let soon = Lifetime { ends: Some(50), ..lifetime };
        assert_eq!(soon.freshness(50), Freshness::Ended);
        assert_eq!(soon.remaining(10), Duration::from_millis(40));
    }

    #[test]
    fn dates_are_read_in_any_case_and_with_a_wrong_day_of_the_week() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "SUN, 06 nov 1994 08:49:37 gMT",
            "Fri, 06 Nov 1994 08:49:37 GMT",
            "sunday, 06-nov-94 08:49:37 gmt",
            "Sun Nov  6 08:49:37 1994",
            "Mon NOV  6 08:49:37 1994",
        ] {
            assert_eq!(http_date(text), Some(THEN), "RFC 9111 §4.2: {text}");
        }
        for text in [
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 GMTGMT",
            "Son, 06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov  1994 08:49:37 GMT",
            "Sunday",
            "",
        ] {
            assert_eq!(http_date(text), None, "RFC 9110 §5.6.7: {text}");
        }
    }

    #[test]
    fn dates_print_and_parse() {
        assert_eq!(http_date_value(THEN).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(http_date_value(u64::MAX).is_some());
    }

    proptest! {
        #[test]
        fn the_age_never_goes_back(born in 0u64..1 << 50, now in 0u64..1 << 50, later in 0u64..1 << 40) {
            let lifetime = Lifetime::new(born, born);
            prop_assert!(lifetime.age_seconds(now + later) >= lifetime.age_seconds(now));
            prop_assert!(lifetime.ttl_seconds(now + later) <= lifetime.ttl_seconds(now));
        }
    }
}
