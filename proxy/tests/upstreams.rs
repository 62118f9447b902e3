//! Several addresses: which one is asked, what is done about those that fail, and what is asked again.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use reqwest::Method;
use support::automatic::{Automatic, HEALTH, Mode};
use support::origin_feed::OriginFeed;
use support::{LIMIT, Proxy, Upstream, fetch, local, raw, response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vitrine_load_tests::stack::wait_until;
use vitrine_proxy::upstream::{AddressReport, UpstreamReport};
use vitrine_shared::epoch::Epoch;

const RETRIES: &str = "retries = { most = 1, budget_percent = 100 }\n";
const CHECKS: &str =
    "health = { path = \"/health\", every = \"20ms\", timeout = \"5s\", healthy_after = 2, unhealthy_after = 2 }\n";
/// Long enough that no test sees its end.
const EJECTS: &str = "ejection = { after = 3, duration = \"10m\" }\n";

/// `/c/**` is cached and `/p/**` passed, both from an upstream with these addresses and further keys.
async fn proxy(addresses: &[SocketAddr], keys: &str) -> Proxy {
    let addresses: Vec<String> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
    let table = format!("[upstreams.many]\naddresses = [{}]\nread_timeout = \"10s\"\n{keys}", addresses.join(", "));
    let rules = "[[rules]]\nname = \"cached\"\naction = \"cache\"\npaths = [\"/c/**\"]\nmethods = [\"GET\", \"HEAD\"]\nupstream = \"many\"\n\
                 [[rules]]\nname = \"passed\"\naction = \"pass\"\npaths = [\"/p/**\"]\nupstream = \"many\"\n";
    // The upstream that the support code wants is not asked.
    Proxy::with(local(), "", &table, rules).await
}

async fn three() -> [Automatic; 3] {
    [Automatic::start().await, Automatic::start().await, Automatic::start().await]
}

fn addrs(origins: &[Automatic]) -> Vec<SocketAddr> {
    origins.iter().map(|origin| origin.addr).collect()
}

async fn body(proxy: &Proxy, path: &str) -> String {
    let got = fetch(proxy.get(path)).await.unwrap();
    assert_eq!(got.status, 200, "{path}: {got:?}");
    got.body
}

async fn status(proxy: &Proxy, method: Method, path: &str) -> u16 {
    fetch(proxy.request(method, path)).await.unwrap().status
}

fn report(proxy: &Proxy) -> UpstreamReport {
    let reports = proxy.engine.context().client.pools().report();
    reports.into_iter().find(|report| report.name == "many").unwrap()
}

fn address(proxy: &Proxy, of: SocketAddr) -> AddressReport {
    report(proxy).addresses.into_iter().find(|report| report.address == of).unwrap()
}

/// Waits until its last response has ended, so that its connection is in the pool again.
async fn idle(proxy: &Proxy, of: SocketAddr) {
    wait_until("it has ended", LIMIT, async || address(proxy, of).in_flight == 0).await.unwrap();
}

async fn metric(proxy: &Proxy, line: &str) -> bool {
    let page = reqwest::get(format!("http://{}/metrics", proxy.ops)).await.unwrap().text().await.unwrap();
    page.lines().any(|found| found == line)
}

// === balancing ===

#[tokio::test]
async fn fills_and_passed_requests_go_around_together() {
    let origins = three().await;
    let proxy = proxy(&addrs(&origins), "").await;
    for number in 0..3 {
        body(&proxy, &format!("/c/{number}")).await;
        body(&proxy, &format!("/p/{number}")).await;
    }
    assert_eq!(origins.each_ref().map(Automatic::asked), [2, 2, 2]);
    let at_rest = async || report(&proxy).addresses.iter().all(|address| address.in_flight == 0 && address.healthy);
    wait_until("all have ended", LIMIT, at_rest).await.unwrap();
}

#[tokio::test]
async fn a_name_counts_with_all_its_addresses() {
    let origin = Automatic::start().await;
    let table = format!("[upstreams.many]\naddresses = [\"localhost:{}\"]\n", origin.addr.port());
    let rules = "[[rules]]\nname = \"passed\"\naction = \"pass\"\npaths = [\"/**\"]\nupstream = \"many\"\n";
    let proxy = Proxy::with(local(), "", &table, rules).await;
    assert!(report(&proxy).addresses.is_empty(), "not resolved before the first request");
    assert_eq!(body(&proxy, "/p/1").await, origin.name());
    assert!(report(&proxy).addresses.iter().any(|address| address.address == origin.addr));
}

#[tokio::test]
async fn by_hash_a_url_keeps_its_address_and_a_lost_one_moves_only_its_own() {
    let mut origins = Vec::from(three().await);
    let proxy = proxy(&addrs(&origins), "balance = \"hash\"\n").await;
    let paths: Vec<String> = (0..24).map(|number| format!("/p/{number}")).collect();
    let mut homes = Vec::new();
    for path in &paths {
        let home = body(&proxy, path).await;
        // The query plays no part.
        assert_eq!(body(&proxy, &format!("{path}?page=2")).await, home);
        homes.push(home);
    }
    assert_eq!(homes.iter().collect::<BTreeSet<_>>().len(), 3, "{homes:?}");
    let lost = origins.remove(0);
    let name = lost.name();
    lost.stop().await;
    for (path, home) in paths.iter().zip(&homes) {
        let now = body(&proxy, path).await;
        assert!(if *home == name { now != name } else { now == *home }, "{path}");
    }
}

#[tokio::test]
async fn the_one_with_fewer_requests_under_way_is_asked() {
    let mut slow = Upstream::start().await;
    let quick = Automatic::start().await;
    let proxy = proxy(&[slow.addr(), quick.addr], "balance = \"least_requests\"\n").await;
    let mut number = 0;
    // Of two that are equally free either one is asked: until it is the slow one.
    let (held, client) = loop {
        number += 1;
        let client = proxy.getting(&format!("/p/{number}"));
        tokio::select! {
            held = slow.next() => break (held, client),
            () = async { wait_until("it is asked", LIMIT, async || quick.asked() == number).await.unwrap() } => {}
        }
        client.await.unwrap().unwrap();
    };
    assert_eq!(address(&proxy, slow.addr()).in_flight, 1);
    for number in 0..10 {
        idle(&proxy, quick.addr).await;
        assert_eq!(body(&proxy, &format!("/c/{number}")).await, quick.name());
    }
    held.send(&response("200 OK", "", "slow"));
    assert_eq!(client.await.unwrap().unwrap().body, "slow");
    idle(&proxy, slow.addr()).await;
    assert_eq!(slow.asked(), 1);
}

// === failing addresses ===

#[tokio::test]
async fn an_address_that_refuses_is_passed_over_then_ejected_and_comes_back() {
    let good = Automatic::start().await;
    let refusing = Automatic::start().await.stop().await;
    let proxy = proxy(&[refusing, good.addr], "ejection = { after = 3, duration = \"50ms\" }\n").await;
    // Nothing was sent to it, so every method goes on to the next address.
    for number in 0..12 {
        body(&proxy, &format!("/c/{number}")).await;
        assert_eq!(status(&proxy, Method::POST, "/p/order").await, 200);
    }
    assert_eq!(good.asked(), 24);
    assert!(address(&proxy, refusing).ejections >= 1);
    let back = Automatic::start_at(refusing).await;
    let mut number = 100;
    let asked = async || {
        number += 1;
        body(&proxy, &format!("/c/{number}")).await;
        back.asked() > 0
    };
    wait_until("it is asked again", LIMIT, asked).await.unwrap();
    let now = address(&proxy, refusing);
    assert_eq!((now.failures, now.ejected_for_ms), (0, None));
}

#[tokio::test]
async fn an_address_that_hangs_up_is_ejected_and_its_requests_fail_where_no_retries_are_configured() {
    let [bad, good, other] = three().await;
    bad.set(Mode::HangsUp);
    let proxy = proxy(&[bad.addr, good.addr, other.addr], EJECTS).await;
    let mut failed = 0;
    for number in 0..18 {
        failed += usize::from(status(&proxy, Method::GET, &format!("/c/{number}")).await == 502);
    }
    assert_eq!((failed, bad.asked()), (3, 3));
    assert_eq!(good.asked() + other.asked(), 15);
    assert!(address(&proxy, bad.addr).ejected_for_ms.is_some());
    let line = format!("vitrine_upstream_ejected{{address=\"{}\",upstream=\"many\"}} 1", bad.addr);
    assert!(metric(&proxy, &line).await);
}

#[tokio::test]
async fn never_more_than_half_are_ejected() {
    let [one, two, three] = three().await;
    for origin in [&one, &two, &three] {
        origin.set(Mode::Status(503));
    }
    let proxy = proxy(&[one.addr, two.addr, three.addr], EJECTS).await;
    for _ in 0..30 {
        assert_eq!(status(&proxy, Method::GET, "/p/x").await, 503);
    }
    let ejected = report(&proxy).addresses.iter().filter(|address| address.ejected_for_ms.is_some()).count();
    assert_eq!(ejected, 1);
    assert_eq!(one.asked() + two.asked() + three.asked(), 30);
}

// === retries ===

#[tokio::test]
async fn safe_requests_are_asked_again_at_another_address_and_others_are_not() {
    for (mode, unsafe_status) in [(Mode::HangsUp, 502), (Mode::Status(503), 503)] {
        let [bad, good, _] = three().await;
        bad.set(mode);
        let proxy = proxy(&[bad.addr, good.addr], &format!("{RETRIES}ejection = {{ after = 0 }}\n")).await;
        for number in 0..4 {
            assert_eq!(body(&proxy, &format!("/c/{number}")).await, good.name(), "{mode:?}");
            assert_eq!(body(&proxy, &format!("/p/{number}")).await, good.name(), "{mode:?}");
            assert_eq!(status(&proxy, Method::HEAD, "/p/head").await, 200, "{mode:?}");
        }
        // Twelve in turn, of which half began at the bad one.
        assert_eq!((bad.asked(), good.asked()), (6, 12), "{mode:?}");
        assert_eq!(report(&proxy).retries, 6);
        let line = "vitrine_upstream_budgeted_retries_total{result=\"made\",upstream=\"many\"} 6";
        assert!(metric(&proxy, line).await);
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(status(&proxy, Method::POST, "/p/order").await);
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, unsafe_status, unsafe_status], "{mode:?}");
        // A GET with content is not known to be safe.
        for _ in 0..2 {
            let _ = fetch(proxy.get("/p/search").body("query")).await;
        }
        assert_eq!((bad.asked(), good.asked()), (6 + 3, 12 + 3), "{mode:?}");
    }
}

#[tokio::test]
async fn a_request_has_its_share_of_retries_and_then_its_answer() {
    let origins = three().await;
    for origin in &origins {
        origin.set(Mode::Status(503));
    }
    let proxy = proxy(&addrs(&origins), RETRIES).await;
    assert_eq!(status(&proxy, Method::GET, "/c/1").await, 503);
    assert_eq!(status(&proxy, Method::GET, "/p/1").await, 503);
    assert_eq!(origins.iter().map(Automatic::asked).sum::<usize>(), 4);
}

#[tokio::test]
async fn an_answer_of_the_only_address_is_taken_as_it_is() {
    for (mode, expected) in [(Mode::Status(503), 503), (Mode::HangsUp, 502)] {
        let origin = Automatic::start().await;
        let proxy = proxy(&[origin.addr], RETRIES).await;
        origin.set(mode);
        for path in ["/c/", "/p/"] {
            assert_eq!(status(&proxy, Method::GET, path).await, expected, "{path}");
        }
        assert_eq!(origin.asked(), 2);
        assert_eq!((report(&proxy).retries, address(&proxy, origin.addr).ejections), (0, 0));
    }
}

/// No automatic retry of a request that the origin may have seen, but for safe methods on a pooled connection that was closed.
#[tokio::test]
async fn on_a_closed_pooled_connection_only_safe_passed_requests_are_repeated() {
    let mut upstream = Upstream::start().await;
    let proxy = proxy(&[upstream.addr()], "").await;
    for (method, repeated) in
        [(Method::PUT, false), (Method::DELETE, false), (Method::POST, false), (Method::GET, true)]
    {
        let first = proxy.getting("/p/first");
        upstream.answer(&response("200 OK", "", "first")).await;
        first.await.unwrap().unwrap();
        idle(&proxy, upstream.addr()).await;
        let before = upstream.asked();
        let second = tokio::spawn(fetch(proxy.request(method.clone(), "/p/second")));
        upstream.next().await.hang_up();
        if repeated {
            upstream.answer(&response("200 OK", "", "again")).await;
        }
        assert_eq!(second.await.unwrap().unwrap().status, if repeated { 200 } else { 502 }, "{method}");
        assert_eq!(upstream.asked(), before + 1 + usize::from(repeated), "{method}");
    }
}

/// Invalidation protocol, rule 6: what a purge replaced while the first address was asked must not come back as new from the second.
#[tokio::test]
async fn each_attempt_has_a_stamp_of_its_own() {
    let (mut one, mut two, feed) = (Upstream::start().await, Upstream::start().await, OriginFeed::start(5).await);
    let table = format!(
        "{}[upstreams.many]\naddresses = [\"{}\", \"{}\"]\nspeaks_epochs = true\n{RETRIES}",
        feed.table(""),
        one.addr(),
        two.addr()
    );
    let rules = "[[rules]]\nname = \"cached\"\naction = \"cache\"\npaths = [\"/**\"]\nupstream = \"many\"\n";
    let proxy = Proxy::with(local(), "", &table, rules).await;
    let live = proxy.engine.context().live.clone();
    wait_until("the feed is read", LIMIT, async || live.applied() == Epoch::new(1, 5)).await.unwrap();
    let client = proxy.getting("/");
    let (first, other) = tokio::select! {
        first = one.next() => (first, &mut two),
        first = two.next() => (first, &mut one),
    };
    assert_eq!(first.header("cache-min-epoch"), Some("1.5"));
    feed.commit(&["product:1"]);
    wait_until("the purge is applied", LIMIT, async || live.applied() == Epoch::new(1, 6)).await.unwrap();
    first.hang_up();
    let second = other.next().await;
    assert_eq!(second.header("cache-min-epoch"), Some("1.6"));
    second.send(&response(
        "200 OK",
        "Cache-Control: max-age=60\r\nCache-Epoch: 1.6\r\nVitrine-Tags: product:1\r\n",
        "new",
    ));
    drop(second);
    assert_eq!(client.await.unwrap().unwrap().body, "new");
    assert_eq!(one.asked() + two.asked(), 2);
}

// === health checks ===

#[tokio::test]
async fn an_address_whose_checks_fail_is_not_asked_until_they_are_good() {
    let [sick, well, _] = three().await;
    sick.set_healthy(false);
    let proxy = proxy(&[sick.addr, well.addr], &format!("{CHECKS}host = \"shop.example\"\n")).await;
    let healthy = async || address(&proxy, sick.addr).healthy;
    wait_until("it is unhealthy", LIMIT, async || !healthy().await).await.unwrap();
    assert!(sick.checks() >= 2 && well.checks() >= 1);
    let check = sick.last_check();
    assert!(check.starts_with(&format!("GET {HEALTH} HTTP/1.1\r\n")) && check.contains("shop.example"), "{check}");
    let before = sick.asked();
    for number in 0..6 {
        assert_eq!(body(&proxy, &format!("/c/{number}")).await, well.name());
        assert_eq!(body(&proxy, "/p/1").await, well.name());
    }
    assert_eq!(sick.asked(), before);
    let line = |value| format!("vitrine_upstream_healthy{{address=\"{}\",upstream=\"many\"}} {value}", sick.addr);
    assert!(metric(&proxy, &line(0)).await);

    sick.set_healthy(true);
    wait_until("it is healthy", LIMIT, healthy).await.unwrap();
    body(&proxy, "/p/1").await;
    body(&proxy, "/p/2").await;
    assert_eq!(sick.asked(), before + 1);
    assert!(metric(&proxy, &line(1)).await);
}

#[tokio::test]
async fn where_none_is_available_all_are_asked() {
    let [one, two, _] = three().await;
    for origin in [&one, &two] {
        origin.set_healthy(false);
    }
    let proxy = proxy(&[one.addr, two.addr], CHECKS).await;
    wait_until("all are unhealthy", LIMIT, async || report(&proxy).panic).await.unwrap();
    for number in 0..4 {
        body(&proxy, &format!("/c/{number}")).await;
    }
    assert_eq!((one.asked(), two.asked()), (2, 2));
    assert!(metric(&proxy, "vitrine_upstream_panic{upstream=\"many\"} 1").await);
    let page = format!("http://{}/status", proxy.ops);
    let page = reqwest::Client::new().get(page).bearer_auth("ops-secret").send().await.unwrap();
    let page: serde_json::Value = page.json().await.unwrap();
    let many = page["upstreams"].as_array().unwrap().iter().find(|upstream| upstream["name"] == "many").unwrap();
    assert_eq!((&many["panic"], &many["addresses"][0]["healthy"]), (&true.into(), &false.into()), "{page}");

    one.set_healthy(true);
    wait_until("one is healthy", LIMIT, async || !report(&proxy).panic).await.unwrap();
    for number in 4..8 {
        assert_eq!(body(&proxy, &format!("/c/{number}")).await, one.name());
    }
}

// === interim responses ===

const HINTS: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";

#[tokio::test]
async fn passed_requests_forward_interim_responses_to_those_who_know_them() {
    let mut upstream = Upstream::start().await;
    let proxy = proxy(&[upstream.addr()], "").await;
    let mut client = TcpStream::connect(proxy.http).await.unwrap();
    client.write_all(b"GET /p/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
    let held = upstream.next().await;
    held.send(HINTS);
    // The hints arrive while the response is still awaited.
    let mut got = Vec::new();
    while !got.ends_with(b"\r\n\r\n") {
        assert_ne!(client.read_buf(&mut got).await.unwrap(), 0);
    }
    let hints = String::from_utf8(got).unwrap();
    assert!(hints.starts_with("HTTP/1.1 103 ") && hints.contains("</a.css>; rel=preload"), "{hints}");
    held.send(&response("200 OK", "", "page"));
    drop(held);
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200 ") && rest.ends_with("\r\n\r\npage"), "{rest}");

    // RFC 9110 §15.2: never to a client of HTTP/1.0.
    let old = tokio::spawn(raw::exchange(proxy.http, b"GET /p/ HTTP/1.0\r\nHost: h\r\n\r\n"));
    let held = upstream.next().await;
    held.send(HINTS);
    held.send(&response("200 OK", "", "page"));
    drop(held);
    let old = old.await.unwrap();
    assert_eq!((old.status, old.body.as_str()), (200, "page"), "{old:?}");
}

#[tokio::test]
async fn an_upstream_that_hangs_up_after_hints_is_a_502() {
    let mut upstream = Upstream::start().await;
    let proxy = proxy(&[upstream.addr()], "").await;
    let client = tokio::spawn(raw::exchange(proxy.http, b"GET /p/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
    let held = upstream.next().await;
    held.send(HINTS);
    held.hang_up();
    let got = client.await.unwrap();
    assert_eq!(got.status, 103);
    assert!(got.body.starts_with("HTTP/1.1 502 "), "{got:?}");
}
