//! Tables of what is stored, and for how long.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::policy::Freshness;
use crate::rules::{BrowserTtl, Condition, Heuristic, ResponseRule};

/// 1994-11-06 08:49:37 GMT.
const THEN: u64 = 784_111_777_000;
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn settings(edge_ttl: EdgeTtl) -> CacheSettings {
    CacheSettings { edge_ttl, max_object_bytes: 1 << 20, ..CacheSettings::of_scope(Arc::from("origin")) }
}

fn fields(lines: &[&str]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        fields.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    fields
}

fn judge(settings: &CacheSettings, request: &[&str], status: u16, response: &[&str]) -> Result<Lifetime, NotStored> {
    let exchange = Exchange {
        request: &fields(request),
        status: StatusCode::from_u16(status).unwrap(),
        response: &fields(response),
        requested_at: THEN,
        received_at: THEN,
    };
    assess(&exchange, settings).map(|(lifetime, _)| lifetime)
}

/// Seconds of freshness, or why it is not stored.
fn seconds(edge_ttl: EdgeTtl, request: &[&str], status: u16, response: &[&str]) -> Result<i64, NotStored> {
    judge(&settings(edge_ttl), request, status, response).map(|lifetime| lifetime.ttl_seconds(THEN))
}

#[test]
fn an_answer_to_cookies_is_stored_where_the_response_says_so() {
    let hour = EdgeTtl::Override(Duration::from_hours(1));
    let mut settings = settings(hour);
    settings.forward = crate::rules::Forward::All;
    settings.key.cookies = vec!["currency".into()];
    settings.vary.unknown = crate::vary::VaryMode::Exact;
    for (request, response, stored) in [
        (&["cookie: sid=1"][..], &[][..], false),
        (&["cookie: currency=eur; sid=1"], &[], false),
        (&["cookie: currency=eur; =1"], &[], false),
        (&["cookie: sid"], &[], false),
        (&["cookie: ; = ;"], &[], true),
        (&["cookie: sid=1"], &["last-modified: Sun, 06 Nov 1994 08:49:37 GMT"], false),
        (&["cookie: sid=1"], &["cache-control: must-revalidate"], false),
        (&["cookie: sid=1"], &["cdn-cache-control: must-revalidate", "expires: Sun, 06 Nov 1994 09:49:37 GMT"], false),
        (&["cookie: sid=1"], &["cache-control: public"], true),
        (&["cookie: sid=1"], &["cache-control: max-age=60"], true),
        (&["cookie: sid=1"], &["expires: Sun, 06 Nov 1994 09:49:37 GMT"], true),
        (&["cookie: sid=1"], &["vary: cookie"], true),
        // The rule's hour would take the place of what these ask for: to be validated each time.
        (&["cookie: sid=1"], &["cache-control: max-age=0"], false),
        (&["cookie: sid=1"], &["cache-control: no-cache"], false),
        (&["cookie: sid=1"], &["cache-control: no-cache, max-age=60"], false),
        (&["cookie: sid=1"], &["cache-control: s-maxage=0, max-age=60"], false),
        (&["cookie: sid=1"], &["expires: 0"], false),
        (&["cookie: sid=1"], &["expires: Sun, 06 Nov 1994 08:49:37 GMT"], false),
        (&["cookie: currency=eur"], &[], true),
        (&[], &[], true),
    ] {
        let judged = judge(&settings, request, 200, response).map(drop);
        let expected = if stored { Ok(()) } else { Err(NotStored::Cookie) };
        assert_eq!(judged, expected, "{request:?} {response:?}");
    }
}

#[test]
fn an_answer_to_cookies_that_is_validated_each_time_is_stored() {
    for stale in [StaleTtl::Respect, StaleTtl::Override(Duration::from_hours(1))] {
        let settings = CacheSettings {
            forward: crate::rules::Forward::All,
            stale_while_revalidate: stale,
            ..settings(EdgeTtl::Respect)
        };
        let expected = if stale == StaleTtl::Respect { Ok(()) } else { Err(NotStored::Cookie) };
        for line in ["cache-control: no-cache", "cache-control: max-age=0", "expires: 0"] {
            let judged = judge(&settings, &["cookie: sid=1"], 200, &[line, "etag: \"a\""]).map(drop);
            assert_eq!(judged, expected, "{line} {stale:?}");
        }
    }
}

#[test]
fn a_rules_times_do_not_take_the_place_of_those_under_which_an_answer_to_authorization_may_be_shared() {
    let hour = EdgeTtl::Override(Duration::from_hours(1));
    for (line, shared) in [
        ("must-revalidate, max-age=0", false),
        ("must-revalidate", false),
        ("s-maxage=0", false),
        ("must-revalidate, max-age=60", true),
        ("s-maxage=60", true),
        ("public", true),
    ] {
        let judged = seconds(hour, &["authorization: x"], 200, &[&format!("cache-control: {line}")]);
        assert_eq!(judged, if shared { Ok(3600) } else { Err(NotStored::Authorization) }, "RFC 9111 §3.5: {line}");
    }
}

#[test]
fn that_an_entry_stores_nothing_hides_nothing_that_the_upstream_says_of_a_failure() {
    let entry = ResponseRule { statuses: vec![(500, 599)], store: Some(false), ..ResponseRule::default() };
    let settings = CacheSettings {
        forward: crate::rules::Forward::All,
        responses: vec![entry].into(),
        ..settings(EdgeTtl::Respect)
    };
    for (request, response, reason) in [
        (&[][..], &[][..], NotStored::ResponseRule),
        (&[], &["cache-control: private"], NotStored::Private),
        (&[], &["cache-control: no-store"], NotStored::NoStore),
        (&[], &["cache-control: no-store, must-understand"], NotStored::NoStore),
        (&[], &["cache-control: private, must-understand"], NotStored::Private),
        (&[], &["set-cookie: sid=1"], NotStored::SetCookie),
        (&["authorization: x"], &[], NotStored::Authorization),
        (&["cookie: sid=1"], &[], NotStored::Cookie),
    ] {
        assert_eq!(judge(&settings, request, 502, response), Err(reason), "{request:?} {response:?}");
    }
}

#[test]
fn what_the_response_forbids_is_not_stored_under_any_rule() {
    let hour = EdgeTtl::Override(Duration::from_hours(1));
    for (request, status, response, reason, section) in [
        (&[][..], 200, &["cache-control: max-age=60, no-store"][..], NotStored::NoStore, "RFC 9111 §5.2.2.5"),
        (&[], 200, &["cache-control: max-age=60", "cache-control: NO-STORE"], NotStored::NoStore, "on any line"),
        (&[], 200, &["cache-control: private, max-age=60"], NotStored::Private, "§5.2.2.7"),
        (&[], 200, &["cache-control: private=\"x\", max-age=60"], NotStored::Private, "§5.2.2.7, carefully"),
        (&[], 200, &["cache-control: max-age=60", "set-cookie: a=b"], NotStored::SetCookie, "a stranger's cookie"),
        (&[], 200, &["cache-control: max-age=60", "vary: *"], NotStored::Vary, "§4.1"),
        (&[], 206, &["cache-control: max-age=60"], NotStored::Status, "§3.3"),
        (&[], 304, &["cache-control: max-age=60"], NotStored::Status, "§4.3.4"),
        (&[], 299, &["cache-control: max-age=60, must-understand"], NotStored::Status, "§5.2.2.3"),
        (&["authorization: x"], 200, &["cache-control: max-age=60"], NotStored::Authorization, "§3.5"),
        (&[], 200, &["cache-control: max-age=60", "vitrine-valid-until: soon"], NotStored::Protocol, "rule 15"),
    ] {
        for edge_ttl in [EdgeTtl::Respect, hour, EdgeTtl::Cap(Duration::from_hours(1))] {
            assert_eq!(seconds(edge_ttl, request, status, response), Err(reason), "{section} {edge_ttl:?}");
        }
    }
}

#[test]
fn what_allows_reuse_after_authorization() {
    for allowing in ["public, max-age=60", "must-revalidate, max-age=60", "s-maxage=60"] {
        let line = format!("cache-control: {allowing}");
        assert_eq!(seconds(EdgeTtl::Respect, &["authorization: x"], 200, &[&line]), Ok(60), "RFC 9111 §3.5");
    }
}

#[test]
fn freshness_by_the_response() {
    let expires = "expires: Sun, 06 Nov 1994 08:50:37 GMT";
    let date = format!("date: {DATE}");
    for (status, response, expected, section) in [
        (200, &["cache-control: max-age=90"][..], Ok(90), "RFC 9111 §4.2.1"),
        (200, &["cache-control: max-age=90, s-maxage=30"], Ok(30), "s-maxage over max-age"),
        (200, &["cache-control: max-age=90", expires, &date], Ok(90), "max-age over Expires"),
        (200, &[expires, &date], Ok(60), "Expires less Date"),
        (200, &["cache-control: max-age=x", expires, &date], Err(NotStored::NoFreshness), "invalid is stale"),
        (200, &["cache-control: max-age=90", "age: 30"], Ok(60), "§4.2.3"),
        (200, &["cache-control: max-age=30", "age: 90", "etag: \"a\""], Ok(-60), "stale on arrival, to be validated"),
        (200, &["cache-control: max-age=30", "age: 90"], Err(NotStored::NoFreshness), "stale, with nothing to ask by"),
        (200, &[], Err(NotStored::NoFreshness), "nothing explicit"),
        (200, &["etag: \"a\""], Ok(0), "to be validated each time"),
        (200, &["cache-control: no-cache, max-age=90", "last-modified: x"], Ok(0), "§5.2.2.4"),
        (200, &["cache-control: no-store, must-understand, max-age=90"], Ok(90), "§5.2.2.3"),
        (200, &[expires, expires, &date], Ok(60), "§4.2.1: repeated alike"),
        (200, &["cache-control: max-age=90", "pragma: no-cache"], Ok(90), "§5.4: for requests only"),
        (302, &["etag: \"a\""], Err(NotStored::NoFreshness), "§3: not heuristically cacheable, nothing explicit"),
        (302, &["etag: \"a\"", "cache-control: no-cache"], Err(NotStored::NoFreshness), "§3"),
        (302, &["etag: \"a\"", "cache-control: public"], Ok(0), "§3: public"),
        (302, &["etag: \"a\"", "cache-control: max-age=0"], Ok(0), "§3: explicit"),
        (404, &["etag: \"a\""], Ok(0), "§3: heuristically cacheable"),
        (200, &["cdn-cache-control: max-age=90", "cache-control: no-store"], Ok(90), "RFC 9213 §2.2"),
        (200, &["cdn-cache-control: private", "cache-control: max-age=90"], Err(NotStored::Private), "RFC 9213 §2.2"),
        (
            200,
            &["cdn-cache-control: must-revalidate", "etag: \"a\"", expires, &date],
            Ok(0),
            "RFC 9213 §2.2: nor Expires",
        ),
        (200, &["cdn-cache-control: max-age=90", "age: 30"], Ok(60), "RFC 9213 §2.3: one age"),
        (404, &["cache-control: max-age=90"], Ok(90), "§3: any final status"),
        (503, &["cache-control: max-age=90"], Ok(90), "§3"),
        (599, &["cache-control: max-age=90"], Ok(90), "§3"),
        (302, &["cache-control: max-age=90"], Ok(90), "§3"),
        (200, &["cache-control: max-age=90", "vitrine-valid-until: 784111780000"], Ok(3), "rule 15"),
    ] {
        assert_eq!(seconds(EdgeTtl::Respect, &[], status, response), expected, "{response:?}: {section}");
    }
}

#[test]
fn freshness_by_the_rule() {
    let (four_hours, cap) = (EdgeTtl::Override(Duration::from_hours(4)), EdgeTtl::Cap(Duration::from_mins(1)));
    for (edge_ttl, status, response, expected, why) in [
        (four_hours, 200, &[][..], Ok(14_400), "whatever the response says"),
        (four_hours, 200, &["cache-control: no-cache"], Ok(14_400), "even no-cache"),
        (four_hours, 200, &["cache-control: max-age=0", "age: 9"], Ok(14_400), "from arrival"),
        (four_hours, 301, &[], Ok(14_400), "heuristically cacheable: RFC 9110 §15.1"),
        (four_hours, 404, &[], Ok(60), "negative_ttl"),
        (four_hours, 410, &[], Ok(60), "negative_ttl"),
        (four_hours, 302, &[], Err(NotStored::Status), "no redirect for a time"),
        (four_hours, 500, &[], Err(NotStored::Status), "no error"),
        (four_hours, 503, &["cache-control: max-age=60"], Err(NotStored::Status), "no error"),
        (four_hours, 200, &["vitrine-valid-until: 784111780000"], Ok(3), "rule 15"),
        (cap, 200, &["cache-control: max-age=90"], Ok(60), "at most"),
        (cap, 200, &["cache-control: max-age=30"], Ok(30), "less"),
        (cap, 200, &["cache-control: max-age=90", "age: 30"], Ok(30), "the age counts against it"),
        (cap, 200, &[], Err(NotStored::NoFreshness), "nothing explicit"),
    ] {
        assert_eq!(seconds(edge_ttl, &[], status, response), expected, "{response:?}: {why}");
    }
}

#[test]
fn freshness_by_heuristic() {
    let settings = CacheSettings {
        heuristic: Some(Heuristic { percent: 10, max: Duration::from_hours(1) }),
        ..settings(EdgeTtl::Respect)
    };
    let date = format!("date: {DATE}");
    let hour_ago = ["last-modified: Sun, 06 Nov 1994 07:49:37 GMT", &date];
    let of = |status, more: &[&str]| {
        let lines: Vec<&str> = hour_ago.iter().chain(more).copied().collect();
        judge(&settings, &[], status, &lines).map(|lifetime| lifetime.ttl_seconds(THEN))
    };
    for status in [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501] {
        assert_eq!(of(status, &[]), Ok(360), "RFC 9110 §15.1: {status}");
    }
    for status in [201, 202, 302, 307, 400, 403, 500, 502, 503, 504, 599] {
        assert_eq!(of(status, &[]), Err(NotStored::NoFreshness), "RFC 9111 §4.2.2: {status}");
        assert_eq!(of(status, &["cache-control: public"]), Ok(360), "RFC 9111 §4.2.2: {status}");
    }
    for (more, expected, why) in [
        (&["cache-control: max-age=5"][..], 5, "RFC 9111 §4.2.2: never beside explicit freshness"),
        (&["expires: 0"], 0, "explicit, though it cannot be read"),
        (&["cache-control: no-cache"], 0, "§5.2.2.4"),
        (&["cache-control: must-revalidate"], 360, "until it is stale"),
        (&["age: 60"], 300, "§4.2.3: the age counts"),
        (&["cdn-cache-control: none", "expires: 0"], 360, "RFC 9213 §2.2: Expires does not count"),
    ] {
        assert_eq!(of(200, more), Ok(expected), "{more:?}: {why}");
    }
    for (lines, expected, why) in [
        (&["last-modified: Thu, 06 Nov 1980 08:49:37 GMT", &date][..], Ok(3600), "at most"),
        (&["last-modified: Sun, 06 Nov 1994 09:49:37 GMT", &date], Ok(0), "modified after Date"),
        (&["last-modified: x", &date], Ok(0), "no date"),
        (&["last-modified: Sun, 06 Nov 1994 07:49:37 GMT"], Ok(360), "no Date: from arrival"),
        (&["etag: \"a\""], Ok(0), "nothing to guess by"),
        (&[], Err(NotStored::NoFreshness), "nothing at all"),
    ] {
        let judged = judge(&settings, &[], 200, lines).map(|lifetime| lifetime.ttl_seconds(THEN));
        assert_eq!(judged, expected, "{lines:?}: {why}");
    }
}

#[test]
fn an_entry_for_the_response_decides_over_the_rule() {
    let errors = ResponseRule {
        statuses: vec![(500, 599)],
        edge_ttl: Some(EdgeTtl::Override(Duration::from_secs(1))),
        ..ResponseRule::default()
    };
    let drafts = ResponseRule {
        headers: vec![(HeaderName::from_static("x-draft"), Condition::Present)],
        store: Some(false),
        ..ResponseRule::default()
    };
    let pages = ResponseRule {
        content_types: vec!["text/html".into()],
        browser_ttl: Some(BrowserTtl::Revalidate),
        stale_if_error: Some(StaleTtl::Override(Duration::from_secs(9))),
        set_cookie: Some(SetCookie::Strip),
        ..ResponseRule::default()
    };
    let missing = ResponseRule {
        statuses: vec![(404, 404)],
        edge_ttl: Some(EdgeTtl::Override(Duration::from_hours(2))),
        ..ResponseRule::default()
    };
    let rule = CacheSettings {
        responses: [drafts, errors, pages, missing].into(),
        ..settings(EdgeTtl::Override(Duration::from_hours(4)))
    };
    let of = |status, lines: &[&str]| judge(&rule, &[], status, lines).map(|lifetime| lifetime.ttl_seconds(THEN));
    assert_eq!(of(500, &[]), Ok(1), "an operator's own time for errors");
    assert_eq!(of(500, &["cache-control: no-store"]), Err(NotStored::NoStore), "but never against the response");
    assert_eq!(of(302, &[]), Err(NotStored::Status), "the rule's own TTL is not for it");
    assert_eq!(of(404, &[]), Ok(7_200), "over negative_ttl");
    assert_eq!(of(200, &["x-draft: 1"]), Err(NotStored::ResponseRule));
    assert_eq!(of(200, &["set-cookie: a=b"]), Err(NotStored::SetCookie));
    let page = judge(&rule, &[], 200, &["content-type: text/html; charset=utf-8", "set-cookie: a=b"]).unwrap();
    assert_eq!(page.browser_ttl, Some(BrowserTtl::Revalidate));
    assert_eq!(page.error_until - page.fresh_until, 9_000);
    assert_eq!(judge(&rule, &[], 200, &[]).unwrap().browser_ttl, None, "as the rule says");
}

#[test]
fn stale_serving_by_the_response_and_by_the_rule() {
    let respect = settings(EdgeTtl::Respect);
    let operator = CacheSettings {
        stale_while_revalidate: StaleTtl::Override(Duration::from_secs(7)),
        stale_if_error: StaleTtl::Override(Duration::ZERO),
        ..respect.clone()
    };
    let unsaid = CacheSettings { stale_if_error: StaleTtl::Default(Duration::from_secs(9)), ..respect.clone() };
    for (settings, control, expected, why) in [
        (&respect, "max-age=10, stale-while-revalidate=20, stale-if-error=30", (20, 30), "RFC 5861 §3, §4"),
        (&respect, "max-age=10", (0, 0), "not without a directive"),
        (&respect, "max-age=10, stale-while-revalidate=20, must-revalidate", (0, 0), "RFC 9111 §5.2.2.2"),
        (&respect, "max-age=10, stale-if-error=20, proxy-revalidate", (0, 0), "RFC 9111 §5.2.2.8"),
        (&respect, "s-maxage=10, stale-while-revalidate=20", (20, 0), "explicit beside s-maxage"),
        (&respect, "max-age=10, stale-while-revalidate=x", (0, 0), "no number"),
        (&operator, "max-age=10, must-revalidate, stale-if-error=30", (7, 0), "RFC 9111 §4.2.4: the operator's word"),
        (&unsaid, "max-age=10", (0, 9), "RFC 9111 §4.2.4: nothing forbids it"),
        (&unsaid, "max-age=10, stale-if-error=2", (0, 2), "the response's word"),
        (&unsaid, "max-age=10, must-revalidate", (0, 0), "RFC 9111 §5.2.2.2"),
        (&unsaid, "max-age=10, proxy-revalidate", (0, 0), "RFC 9111 §5.2.2.8"),
        (&unsaid, "s-maxage=10", (0, 0), "RFC 9111 §5.2.2.10"),
        (&unsaid, "s-maxage=10, stale-if-error=2", (0, 2), "explicit beside s-maxage"),
    ] {
        let line = format!("cache-control: {control}");
        let lifetime = judge(settings, &[], 200, &[&line]).unwrap();
        let beyond = |until: u64| (until - lifetime.fresh_until) / 1000;
        assert_eq!((beyond(lifetime.revalidate_until), beyond(lifetime.error_until)), expected, "{control}: {why}");
    }
    for (control, expected) in [
        ("max-age=10", false),
        ("s-maxage=10", true),
        ("s-maxage=10, stale-while-revalidate=20", true),
        ("max-age=10, must-revalidate", true),
        ("max-age=10, no-cache", true),
    ] {
        let lines = [&format!("cache-control: {control}"), "etag: \"a\""];
        let lifetime = judge(&operator, &[], 200, &lines).unwrap();
        assert_eq!(lifetime.stale_forbidden, expected, "RFC 9111 §4.2.4 against max-stale: {control}");
    }
}

proptest! {
    /// Rule 15: whatever else is said, nothing is used past the end of its content.
    #[test]
    fn nothing_outlives_its_content(
        max_age in 0u64..1 << 34, stale in 0u64..1 << 34, ends in 0u64..20_000, ttl in proptest::option::of(0u64..10_000),
        later in 0u64..1 << 40,
    ) {
        let edge_ttl = ttl.map_or(EdgeTtl::Respect, |seconds| EdgeTtl::Override(Duration::from_secs(seconds)));
        let end = THEN + ends;
        let control = format!("cache-control: max-age={max_age}, stale-while-revalidate={stale}, stale-if-error={stale}");
        let until = format!("vitrine-valid-until: {end}");
        if let Ok(lifetime) = judge(&settings(edge_ttl), &[], 200, &[&control, &until, "etag: \"a\""]) {
            prop_assert_eq!(lifetime.freshness(end + later), Freshness::Ended);
        }
    }

    #[test]
    fn no_response_panics(control in "[ -~]{0,40}", age in "[ -~]{0,12}", expires in "[ -~]{0,30}", date in "[ -~]{0,30}") {
        let lines = [
            format!("cache-control: {control}"), format!("age: {age}"), format!("expires: {expires}"), format!("date: {date}"),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for edge_ttl in [EdgeTtl::Respect, EdgeTtl::Cap(Duration::MAX), EdgeTtl::Override(Duration::MAX)] {
            let _ = judge(&settings(edge_ttl), &[], 200, &lines);
        }
    }
}
