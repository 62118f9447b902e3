//! Whom limits count, and what is left of them over reloads.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use prometheus::{Registry, TextEncoder};
use vitrine_shared::clock::BootTime;

use super::metrics::RateMetrics;
use super::*;
use crate::key::{Scheme, Target};
use crate::rules::{LimitIndex, RequestFacts};

const START: BootTime = BootTime::at(Duration::from_hours(1));

/// One request in ten seconds.
fn limit(name: &str, by: &[Part]) -> Limit {
    Limit {
        name: name.into(),
        by: by.into(),
        requests: 1,
        per: Duration::from_secs(10),
        burst: 1,
        count: Counted::All,
        except: Box::default(),
        dry_run: false,
    }
}

/// Limits in force, and what they count.
struct Stage {
    limits: RateLimits,
    metrics: RateMetrics,
    registry: Registry,
}

impl Stage {
    fn of(limits: &[Limit]) -> Self {
        let registry = Registry::new();
        let metrics = RateMetrics::register(&registry).unwrap();
        Self { limits: RateLimits::new(limits, &RateLimits::default(), &metrics), metrics, registry }
    }

    fn reload(&mut self, limits: &[Limit]) {
        self.limits = RateLimits::new(limits, &self.limits, &self.metrics);
    }

    /// Asks under all limits, for requests that count as `counted`.
    fn ask(&self, counted: Counted, asker: &Asker<'_>, after: u64) -> Result<(), (String, u64)> {
        let named: Vec<LimitIndex> = (0..4).map(LimitIndex::new).collect();
        let target = Target::parse(Scheme::Http, asker.host, asker.target).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in asker.lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let facts = RequestFacts::new(&Method::GET, &target, &headers);
        let address = asker.address.map(|address| address.parse::<IpAddr>().unwrap());
        let caller = Caller { address, request: &facts };
        let now = START + Duration::from_secs(after);
        let looked = self.limits.look(&named, counted, &caller, now);
        let checked = self.limits.check(&named, counted, &caller, || now);
        assert_eq!(looked, checked, "what is looked at is what is done");
        checked.map_err(|limited| (limited.limit.to_string(), limited.retry_after()))
    }

    fn counted(&self) -> Vec<String> {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("vitrine_rate_limited_total"));
        lines.map(str::to_owned).collect()
    }
}

#[derive(Clone, Copy)]
struct Asker<'r> {
    address: Option<&'r str>,
    host: &'r str,
    target: &'r str,
    lines: &'r [(&'static str, &'static str)],
}

const ASKER: Asker<'_> = Asker { address: Some("192.0.2.1"), host: "shop.example", target: "/", lines: &[] };

#[test]
fn callers_are_told_apart_by_what_the_limit_is_by() {
    let of = |address| Asker { address, ..ASKER };
    let with = |lines| Asker { lines, ..ASKER };
    let key = || Part::Header(HeaderName::from_static("x-key"));
    // Whether the second request counts for the same caller as the first; `None` where it does not count.
    for (by, first, second, same) in [
        (vec![Part::Address], ASKER, ASKER, Some(true)),
        (vec![Part::Address], ASKER, of(Some("192.0.2.2")), Some(false)),
        (vec![Part::Address], ASKER, of(Some("::ffff:192.0.2.1")), Some(true)),
        (vec![Part::Address], of(Some("2001:db8::1")), of(Some("2001:db8::ffff:1:2:3")), Some(true)),
        (vec![Part::Address], of(Some("2001:db8::1")), of(Some("2001:db8:0:1::1")), Some(false)),
        (vec![Part::Address], of(None), of(None), Some(true)),
        (vec![Part::Address], ASKER, of(None), Some(false)),
        (vec![Part::Host], ASKER, Asker { host: "SHOP.example", ..ASKER }, Some(true)),
        (vec![Part::Host], ASKER, Asker { host: "b.example", ..ASKER }, Some(false)),
        (vec![key()], with(&[("x-key", "1")]), with(&[("x-key", " 1 ")]), Some(true)),
        (vec![key()], with(&[("x-key", "1")]), with(&[("x-key", "2")]), Some(false)),
        (vec![key()], with(&[("x-key", "12")]), with(&[("x-key", "1"), ("x-key", "2")]), Some(false)),
        (vec![key()], with(&[("x-key", "1")]), ASKER, None),
        (vec![Part::Cookie("sid".into())], with(&[("cookie", "a=1; sid=2")]), with(&[("cookie", "sid=2")]), Some(true)),
        (vec![Part::Cookie("sid".into())], with(&[("cookie", "sid=1")]), with(&[("cookie", "sid=2")]), Some(false)),
        (vec![Part::Cookie("sid".into())], with(&[("cookie", "sid=1")]), with(&[("cookie", "SID=1")]), None),
        (
            vec![Part::Query("key".into())],
            Asker { target: "/?key=%41", ..ASKER },
            Asker { target: "/x?a=1&key=A", ..ASKER },
            Some(true),
        ),
        (vec![Part::Query("key".into())], Asker { target: "/?key=1", ..ASKER }, ASKER, None),
        (vec![Part::Address, key()], with(&[("x-key", "1")]), with(&[("x-key", "2")]), Some(false)),
        (
            vec![Part::Address, key()],
            with(&[("x-key", "1")]),
            Asker { address: Some("192.0.2.2"), ..with(&[("x-key", "1")]) },
            Some(false),
        ),
        (vec![Part::Address, key()], with(&[("x-key", "1")]), ASKER, None),
        (vec![], ASKER, of(None), Some(true)),
    ] {
        let stage = Stage::of(&[limit("l", &by)]);
        let told = format!("{by:?} {:?} {:?}", first.lines, second.lines);
        assert_eq!(stage.ask(Counted::All, &first, 0), Ok(()), "{told}");
        let refused = Err(("l".to_owned(), 10));
        assert_eq!(stage.ask(Counted::All, &second, 0), if same == Some(true) { refused } else { Ok(()) }, "{told}");
        if same.is_none() {
            assert_eq!(stage.ask(Counted::All, &second, 0), Ok(()), "{told}");
        }
    }
}

#[test]
fn of_several_limits_the_first_that_refuses_is_told_and_none_counts() {
    let key = Part::Header(HeaderName::from_static("x-key"));
    let twice = Limit { requests: 2, burst: 2, ..limit("address", &[Part::Address]) };
    let stage = Stage::of(&[twice, limit("key", &[key])]);
    let with = |value| Asker { lines: value, ..ASKER };
    let (one, two) = (with(&[("x-key", "1")]), with(&[("x-key", "2")]));
    assert_eq!(stage.ask(Counted::All, &one, 0), Ok(()));
    for _ in 0..3 {
        assert_eq!(stage.ask(Counted::All, &one, 0), Err(("key".to_owned(), 10)));
    }
    // What the key's limit refused was not counted for the address.
    assert_eq!(stage.ask(Counted::All, &two, 0), Ok(()));
    assert_eq!(stage.ask(Counted::All, &ASKER, 0), Err(("address".to_owned(), 5)));
    let counted = ["{limit=\"address\",result=\"refused\"} 1", "{limit=\"key\",result=\"refused\"} 3"];
    assert_eq!(stage.counted(), counted);
}

#[test]
fn limits_of_the_upstream_count_what_goes_there() {
    let upstream = Limit { count: Counted::Upstream, ..limit("upstream", &[Part::Address]) };
    let stage = Stage::of(&[upstream]);
    for _ in 0..3 {
        assert_eq!(stage.ask(Counted::All, &ASKER, 0), Ok(()));
    }
    assert_eq!(stage.ask(Counted::Upstream, &ASKER, 0), Ok(()));
    assert_eq!(stage.ask(Counted::Upstream, &ASKER, 9), Err(("upstream".to_owned(), 1)));
    assert_eq!(stage.ask(Counted::Upstream, &ASKER, 10), Ok(()));
}

#[test]
fn who_is_excepted_and_what_is_not_enforced_is_let_through() {
    let stage = Stage::of(&[Limit { except: ["192.0.2.0/24".parse().unwrap()].into(), ..limit("l", &[]) }]);
    let other = Asker { address: Some("198.51.100.1"), ..ASKER };
    for _ in 0..3 {
        assert_eq!(stage.ask(Counted::All, &ASKER, 0), Ok(()));
    }
    assert_eq!(stage.ask(Counted::All, &other, 0), Ok(()), "the others' requests were not counted");
    assert!(stage.ask(Counted::All, &other, 0).is_err());

    let stage = Stage::of(&[Limit { dry_run: true, ..limit("l", &[Part::Address]) }]);
    for _ in 0..3 {
        assert_eq!(stage.ask(Counted::All, &ASKER, 0), Ok(()));
    }
    assert_eq!(stage.counted(), ["{limit=\"l\",result=\"let_through\"} 2"]);
}

#[test]
fn counts_outlive_a_reload_that_leaves_the_limit_as_it_is() {
    let by = [Part::Address];
    let same = limit("l", &by);
    let others = [
        ("as it was", same.clone(), true),
        ("at another place", same.clone(), true),
        ("excepting others", Limit { except: ["10.0.0.0/8".parse().unwrap()].into(), ..same.clone() }, true),
        ("of another name", limit("k", &by), false),
        ("with another burst", Limit { burst: 2, ..same.clone() }, false),
        ("with another period", Limit { per: Duration::from_secs(11), ..same.clone() }, false),
        ("by something else", limit("l", &[Part::Host]), false),
    ];
    for (what, other, stays) in others {
        let mut stage = Stage::of(&[limit("first", &[Part::Host]), same.clone()]);
        assert_eq!(stage.ask(Counted::All, &Asker { host: "a.example", ..ASKER }, 0), Ok(()));
        stage.reload(&[other]);
        let asked = stage.ask(Counted::All, &Asker { host: "b.example", ..ASKER }, 0);
        assert_eq!(asked.is_err(), stays, "{what}");
    }
}

#[test]
fn limits_that_are_gone_are_counted_no_more() {
    let mut stage = Stage::of(&[limit("l", &[])]);
    assert_eq!(stage.counted(), ["{limit=\"l\",result=\"refused\"} 0"]);
    stage.reload(&[limit("k", &[])]);
    assert_eq!(stage.counted(), ["{limit=\"k\",result=\"refused\"} 0"]);
}

#[test]
fn waits_are_told_in_whole_seconds() {
    for (millis, seconds) in [(1, 1), (999, 1), (1000, 1), (1001, 2), (59_000, 59)] {
        let limited = Limited { limit: Arc::from("l"), wait: Duration::from_millis(millis) };
        assert_eq!(limited.retry_after(), seconds, "{millis} ms");
    }
}
