//! How often the upstream is asked: exactly as often as it must be, whatever many clients want at once.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use reqwest::Method;
use support::{Got, Proxy, Upstream, cache_all, fetch, response};
use tokio::task::JoinHandle;

const CLIENTS: usize = 30;
const NOT_MODIFIED: &[u8] = b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\n\r\n";

type Getting = JoinHandle<reqwest::Result<Got>>;

/// A proxy that holds `/` as `old`, with this freshness.
async fn holding(freshness: &str) -> (Upstream, Proxy) {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("vary = { unknown = \"exact\" }")).await;
    let first = proxy.getting("/");
    upstream.answer(&response("200 OK", &format!("Cache-Control: {freshness}\r\nETag: \"1\"\r\n"), "old")).await;
    first.await.unwrap().unwrap();
    proxy.settled().await;
    (upstream, proxy)
}

/// Many clients who ask at once, all of whom wait for the upstream.
async fn waiting(proxy: &Proxy) -> Vec<Getting> {
    let clients = (0..CLIENTS).map(|_| proxy.getting("/")).collect();
    proxy.engine.until_waiting(CLIENTS).await;
    clients
}

/// What they get, with how many of them shared another's exchange.
async fn got(clients: Vec<Getting>, status: u16, body: &str, detail: &str) {
    let mut collapsed = 0;
    for client in clients {
        let got = client.await.unwrap().unwrap();
        assert_eq!((got.status, got.body.as_str()), (status, body), "{got:?}");
        assert!(got.cache_status().contains(detail), "{got:?}");
        collapsed += usize::from(got.cache_status().contains("collapsed"));
    }
    assert!(collapsed == 0 || collapsed == CLIENTS - 1, "{collapsed}");
}

#[tokio::test]
async fn a_miss_of_many_is_one_request() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let clients = waiting(&proxy).await;
    upstream.answer(&response("200 OK", "Cache-Control: max-age=60\r\n", "new")).await;
    got(clients, 200, "new", "fwd=uri-miss; fwd-status=200; stored").await;
    proxy.settled().await;
    assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn a_revalidation_of_many_is_one_conditional_request() {
    let (mut upstream, proxy) = holding("max-age=0").await;
    let clients = waiting(&proxy).await;
    let request = upstream.next().await;
    assert_eq!(request.header("if-none-match"), Some("\"1\""));
    request.send(NOT_MODIFIED);
    drop(request);
    got(clients, 200, "old", "fwd=stale; fwd-status=304; stored").await;
    proxy.settled().await;
    assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn a_revalidation_that_brings_another_response_is_one_request() {
    let (mut upstream, proxy) = holding("max-age=0").await;
    let clients = waiting(&proxy).await;
    upstream.answer(&response("200 OK", "Cache-Control: max-age=60\r\n", "new")).await;
    got(clients, 200, "new", "fwd=stale; fwd-status=200; stored").await;
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn a_304_to_what_is_not_stored_any_more_is_asked_for_again_once() {
    let (mut upstream, proxy) = holding("max-age=0").await;
    let clients = waiting(&proxy).await;
    // It confirms another entity tag than the stored one (RFC 9111 §4.3.4).
    upstream.answer(b"HTTP/1.1 304 Not Modified\r\nETag: \"2\"\r\n\r\n").await;
    let request = upstream.next().await;
    assert_eq!(request.header("if-none-match"), None);
    request.send(&response("200 OK", "Cache-Control: max-age=60\r\nETag: \"2\"\r\n", "new"));
    drop(request);
    got(clients, 200, "new", "fwd=stale").await;
    assert_eq!(upstream.asked(), 3);
}

#[tokio::test]
async fn what_is_refreshed_behind_is_asked_for_once_and_nobody_waits() {
    for (answer, body) in
        [(NOT_MODIFIED.to_vec(), "old"), (response("200 OK", "Cache-Control: max-age=60\r\n", "new"), "new")]
    {
        let (mut upstream, proxy) = holding("max-age=0, stale-while-revalidate=60").await;
        let clients = (0..CLIENTS).map(|_| proxy.getting("/")).collect();
        got(clients, 200, "old", "reason=swr").await;
        upstream.answer(&answer).await;
        proxy.settled().await;
        let fresh = fetch(proxy.get("/")).await.unwrap();
        assert!(fresh.is_hit() && fresh.body == body, "{fresh:?}");
        assert_eq!(upstream.asked(), 2, "{body}");
    }
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_what_is_stored_and_is_made_again() {
    let (mut upstream, proxy) = holding("max-age=0, stale-while-revalidate=60").await;
    for asked in 2..4 {
        got((0..CLIENTS).map(|_| proxy.getting("/")).collect(), 200, "old", "reason=swr").await;
        upstream.answer(&response("500 Internal Server Error", "Cache-Control: max-age=60\r\n", "broken")).await;
        proxy.settled().await;
        assert_eq!(upstream.asked(), asked);
    }
}

#[tokio::test]
async fn a_failure_of_many_is_one_request_and_all_get_what_is_stale() {
    let (mut upstream, proxy) = holding("max-age=0, stale-if-error=60").await;
    let clients = waiting(&proxy).await;
    upstream.answer(&response("503 Service Unavailable", "", "broken")).await;
    got(clients, 200, "old", "fwd=stale; fwd-status=503").await;
    assert_eq!(upstream.asked(), 2);
    let clients = waiting(&proxy).await;
    let asked = upstream.fail().await;
    got(clients, 200, "old", "reason=sie").await;
    assert_eq!(upstream.asked(), 2 + asked);
}

#[tokio::test]
async fn head_and_get_share_one_request() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let head = tokio::spawn(fetch(proxy.request(Method::HEAD, "/")));
    proxy.engine.until_waiting(1).await;
    let get = proxy.getting("/");
    proxy.engine.until_waiting(2).await;
    upstream.answer(&response("200 OK", "Cache-Control: max-age=60\r\n", "body")).await;
    let (head, get) = (head.await.unwrap().unwrap(), get.await.unwrap().unwrap());
    assert_eq!((head.body.as_str(), head.header("content-length")), ("", "4"));
    assert_eq!(get.body, "body");
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn each_variant_is_one_request() {
    let (mut upstream, proxy) = holding("max-age=60\r\nVary: X-Kind").await;
    let kinds = ["a", "b"];
    let mut clients = Vec::new();
    for kind in kinds {
        for _ in 0..CLIENTS / 2 {
            clients.push((kind, tokio::spawn(fetch(proxy.get("/").header("x-kind", kind)))));
        }
    }
    proxy.engine.until_waiting(clients.len()).await;
    for _ in kinds {
        let request = upstream.next().await;
        let kind = request.header("x-kind").unwrap().to_owned();
        request.send(&response("200 OK", "Cache-Control: max-age=60\r\nVary: X-Kind\r\n", &kind));
    }
    for (kind, client) in clients {
        assert_eq!(client.await.unwrap().unwrap().body, kind);
    }
    assert_eq!(upstream.asked(), 3);
}

#[tokio::test]
async fn a_head_of_what_is_not_stored_reads_no_body() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let first = proxy.getting("/");
    upstream.answer(&response("200 OK", "Cache-Control: private\r\n", "mine")).await;
    assert!(first.await.unwrap().unwrap().cache_status().contains("private"));
    proxy.settled().await;
    let head = tokio::spawn(fetch(proxy.request(Method::HEAD, "/")));
    let request = upstream.next().await;
    assert!(request.head().starts_with("HEAD / "), "{}", request.head());
    request.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
    drop(request);
    let head = head.await.unwrap().unwrap();
    assert!(head.cache_status().contains("reason=head_only"), "{head:?}");
    assert_eq!(upstream.asked(), 2);
}
