//! What a message says to caches: Cache-Control of both directions, targeted fields (RFC 9213), and the fields of tags (RFC 9875).
//!
//! Input: a line of choices, the response's fields, an empty line, the request's fields.
#![no_main]

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use vitrine_fuzz::{Choices, combined, fields, line, reversed, section, strict_list};
use vitrine_proxy::policy::{
    Allowed, CacheControl, Exchange, Governing, Lifetime, MAX_DELTA_SECONDS, RequestControl, assess, freshen,
    invalidated_groups, stored_fields, tags_of,
};
use vitrine_proxy::rules::{BrowserTtl, CacheSettings, EdgeTtl, Heuristic, StaleTtl};
use vitrine_proxy::upstream::TagHeader;
use vitrine_shared::tag::Tag;

const NOW: u64 = 1_784_000_000_000;
const ORIGIN: &str = "https://shop.example";

fuzz_target!(|data: &[u8]| {
    let (choices, rest) = line(data);
    let (response, request) = section(rest);
    let (response, request) = (fields(response), fields(request));
    let mut choices = Choices(choices);
    of_a_response(&response);
    of_a_request(&request, &mut choices);
    targeted(&response);
    tags(&response);
    assessed(&response, &request, &mut choices);
});

fn of_a_response(response: &HeaderMap) {
    let control = CacheControl::of(response);
    assert_eq!(control, CacheControl::of(&reversed(response)), "the order of lines means something");
    let mut more = response.clone();
    for line in response.get_all(header::CACHE_CONTROL) {
        // Nothing that stands elsewhere takes back what a line says.
        let alone: HeaderMap = [(header::CACHE_CONTROL, line.clone())].into_iter().collect();
        let alone = CacheControl::of(&alone);
        for (one, all) in flags(&alone).into_iter().zip(flags(&control)) {
            assert!(all || !one, "{alone:?} {control:?}");
        }
        for (one, all) in seconds(&alone).into_iter().zip(seconds(&control)) {
            assert!(one.is_none() || all == one || all == Some(0), "{alone:?} {control:?}");
            assert!(all.is_none_or(|all| all <= MAX_DELTA_SECONDS));
        }
        more.append(header::CACHE_CONTROL, line.clone());
    }
    assert_eq!(control, CacheControl::of(&more), "to say a thing twice means something");
    if let Some(expected) = read_strictly(response) {
        assert_eq!(control, expected, "{response:?}");
        assert_eq!(control, CacheControl::of(&combined(response)), "lines are no list");
    }
}

fn flags(control: &CacheControl) -> [bool; 7] {
    let CacheControl { no_store, no_cache, private, public, must_revalidate, proxy_revalidate, must_understand, .. } =
        *control;
    [no_store, no_cache, private, public, must_revalidate, proxy_revalidate, must_understand]
}

fn seconds(control: &CacheControl) -> [Option<u32>; 4] {
    [control.max_age, control.s_maxage, control.stale_while_revalidate, control.stale_if_error]
}

/// By the grammar alone, all lines together; `None` where one breaks it.
fn read_strictly(response: &HeaderMap) -> Option<CacheControl> {
    let mut members = Vec::new();
    for line in response.get_all(header::CACHE_CONTROL) {
        members.extend(strict_list(line.as_bytes())?);
    }
    let arguments = |name: &str| -> Vec<Option<&[u8]>> {
        let named = members.iter().filter(|member| member.0.eq_ignore_ascii_case(name.as_bytes()));
        named.map(|member| member.1).collect()
    };
    let has = |name| !arguments(name).is_empty();
    let is_bare = |name| arguments(name).contains(&None);
    let delta = |name| {
        let given = arguments(name).into_iter();
        let mut values: Vec<u32> = given.map(|argument| argument.and_then(delta_seconds).unwrap_or(0)).collect();
        values.dedup();
        match values[..] {
            [] => None,
            [one] => Some(one),
            _ => Some(0),
        }
    };
    Some(CacheControl {
        no_store: has("no-store"),
        no_cache: has("no-cache"),
        private: has("private"),
        public: is_bare("public"),
        must_revalidate: has("must-revalidate"),
        proxy_revalidate: has("proxy-revalidate"),
        must_understand: is_bare("must-understand"),
        max_age: delta("max-age"),
        s_maxage: delta("s-maxage"),
        stale_while_revalidate: delta("stale-while-revalidate"),
        stale_if_error: delta("stale-if-error"),
    })
}

fn delta_seconds(argument: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(argument).ok()?.trim_matches('"');
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse::<u128>().map_or(MAX_DELTA_SECONDS, |n| n.min(u128::from(MAX_DELTA_SECONDS)) as u32))
}

fn of_a_request(request: &HeaderMap, choices: &mut Choices<'_>) {
    let control = RequestControl::of(request);
    assert_eq!(control, RequestControl::of(&reversed(request)), "the order of lines means something");
    let end = NOW - 100_000 + 1000 * u64::from(choices.byte());
    let stale = 1000 * u64::from(choices.byte());
    let lifetime = Lifetime {
        revalidate_until: end + stale,
        error_until: end + stale,
        stale_forbidden: choices.flag(),
        ..Lifetime::new(NOW - 1000 * u64::from(choices.byte()), end)
    };
    let allowed = control.allows(&lifetime, NOW);
    assert!(allowed != Allowed::Stale || (!lifetime.stale_forbidden && control.max_stale.is_some()));
    assert!(allowed == Allowed::Validated || !control.no_cache);
    for line in request.get_all(header::CACHE_CONTROL) {
        let alone: HeaderMap = [(header::CACHE_CONTROL, line.clone())].into_iter().collect();
        let alone = RequestControl::of(&alone);
        assert!(control.no_cache || !alone.no_cache);
        assert!(control.no_store || !alone.no_store);
        assert!(control.only_if_cached || !alone.only_if_cached);
        assert!(alone.max_age.is_none_or(|most| control.max_age.is_some_and(|all| all <= most)));
        assert!(alone.min_fresh.is_none_or(|least| control.min_fresh.is_some_and(|all| all >= least)));
        assert!(alone.max_stale.is_none_or(|most| control.max_stale.is_some_and(|all| all <= most)));
        // A client that asks for more gets no more, but for max-stale.
        if alone.max_stale.is_none() && alone.allows(&lifetime, NOW) == Allowed::Validated {
            let without = RequestControl { max_stale: None, ..control };
            assert_eq!(without.allows(&lifetime, NOW), Allowed::Validated, "{alone:?} {control:?}");
        }
    }
}

fn targeted(response: &HeaderMap) {
    let names = [HeaderName::from_static("vitrine-cache-control"), HeaderName::from_static("cdn-cache-control")];
    let governing = Governing::of(response, &names);
    match governing.targeted {
        Some(name) => {
            assert!(response.contains_key(name));
            // An empty line is passed over; combined with others it would make the whole field invalid, and a no-store with it.
            if response.values().all(|line| !line.as_bytes().trim_ascii().is_empty()) {
                let one = combined(response);
                assert_eq!(governing, Governing::of(&one, &names), "lines are no list (RFC 9651 §4.2)");
            }
            // Cache-Control is for others then (RFC 9213 §2.2).
            let mut others = response.clone();
            others.remove(header::CACHE_CONTROL);
            others.remove(header::EXPIRES);
            assert_eq!(governing, Governing::of(&others, &names));
        }
        None => assert_eq!(governing.control, CacheControl::of(response)),
    }
}

fn tags(response: &HeaderMap) {
    let all: Vec<TagHeader> = ["cache-groups", "surrogate-key", "cache-tag", "x-other"]
        .into_iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    let found = tags_of(response, &all, ORIGIN);
    assert_eq!(found, tags_of(&reversed(response), &all, ORIGIN), "the order of lines means something");
    assert_eq!(invalidated_groups(response, ORIGIN).len(), {
        let mut other = HeaderMap::new();
        for line in response.get_all("cache-group-invalidation") {
            other.append("cache-group-invalidation", line.clone());
        }
        invalidated_groups(&other, ORIGIN).len()
    });
    let Ok(found) = found else { return };
    assert!(found.is_sorted() && found.len() <= 1000);
    for tag in &found {
        assert_eq!(Tag::parse(tag.as_str()).as_ref(), Ok(tag));
    }
    // Whoever purges what stands in the field reaches the response.
    for line in response.get_all("cache-tag") {
        let parts = std::str::from_utf8(line.as_bytes()).unwrap_or_default().split(',');
        for tag in parts.filter_map(|part| Tag::from_foreign(part.trim())) {
            assert!(found.contains(&tag), "{tag}");
        }
    }
}

fn assessed(response: &HeaderMap, request: &HeaderMap, choices: &mut Choices<'_>) {
    let mut settings = CacheSettings::of_scope("o".into());
    settings.edge_ttl = match choices.among(3) {
        0 => EdgeTtl::Respect,
        1 => EdgeTtl::Cap(Duration::from_secs(60)),
        _ => EdgeTtl::Override(Duration::from_secs(60)),
    };
    settings.browser_ttl = match choices.among(3) {
        0 => BrowserTtl::Respect,
        1 => BrowserTtl::Revalidate,
        _ => BrowserTtl::Override(Duration::from_secs(30)),
    };
    settings.heuristic = choices.flag().then_some(Heuristic { percent: 10, max: Duration::from_secs(3600) });
    if choices.flag() {
        settings.stale_if_error = StaleTtl::Default(Duration::from_secs(90));
    }
    let status = [200, 203, 204, 206, 301, 302, 404, 418, 500, 599, 999][choices.among(11)];
    let Ok(status) = StatusCode::from_u16(status) else { return };
    let requested_at = NOW - 500;
    let judge = |response: &HeaderMap| {
        assess(&Exchange { request, status, response, requested_at, received_at: NOW }, &settings)
    };
    let judged = judge(response);
    let control = Governing::of(response, &settings.targeted).control;
    let Ok((lifetime, _)) = &judged else { return };
    assert!(!control.private && (!control.no_store || control.must_understand));
    assert!(!request.contains_key(header::AUTHORIZATION) || control.public || control.must_revalidate || control.s_maxage.is_some());
    assert!(lifetime.ends.is_none_or(|end| lifetime.fresh_until <= end));
    assert!(lifetime.born <= NOW && lifetime.revalidate_until >= lifetime.fresh_until);
    let most = match settings.edge_ttl {
        EdgeTtl::Respect => u64::from(MAX_DELTA_SECONDS) * 1000,
        EdgeTtl::Cap(most) | EdgeTtl::Override(most) => most.as_millis() as u64,
    };
    // Expires is a date, which may lie further off than delta-seconds can tell.
    assert!(lifetime.fresh_until <= NOW + most || (response.contains_key(header::EXPIRES) && settings.edge_ttl == EdgeTtl::Respect));
    if control.no_cache && !matches!(settings.edge_ttl, EdgeTtl::Override(_)) {
        assert!(lifetime.fresh_until <= NOW);
    }
    // One word more that forbids is heard, wherever it stands.
    let mut forbidden = response.clone();
    forbidden.append(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    for name in settings.targeted.iter() {
        forbidden.remove(name);
    }
    assert!(judge(&forbidden).is_err());
    // What is stored is judged as what came, but for what is the connection's or the client's.
    let stored = stored_fields(response, NOW);
    assert!(!stored.contains_key(header::SET_COOKIE) && !stored.contains_key(header::AGE));
    assert!(stored.contains_key(header::DATE));
    assert_eq!(stored_fields(&stored, NOW + 5000), stored, "to store what is stored changes it");
    // A 304 that says nothing changes nothing, but for the Date.
    let (mut again, mut before) = (freshen(&stored, &HeaderMap::new(), NOW), stored);
    assert!(again.remove(header::DATE).is_some() && before.remove(header::DATE).is_some());
    assert_eq!(again, before);
}
