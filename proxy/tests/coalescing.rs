//! Many requests, one fill; and what becomes of them when the upstream or a client does not go on.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use support::{Proxy, Upstream, cache_all, fetch, response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const FRESH: &str = "Cache-Control: max-age=60\r\n";
/// Stored, stale at once, and with a validator.
const VALIDATED: &str = "Cache-Control: max-age=0\r\nETag: \"1\"\r\n";

/// A request on a connection of its own.
async fn send(proxy: &Proxy, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.http).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn read(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn a_thousand_first_requests_are_one_request_upstream() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let mut clients = Vec::new();
    for _ in 0..1_000 {
        clients.push(send(&proxy, "/").await);
    }
    proxy.engine.until_waiting(1_000).await;
    upstream.answer(&response("200 OK", FRESH, "for all")).await;
    let mut collapsed = 0;
    for client in clients {
        let got = read(client).await;
        assert!(got.starts_with("HTTP/1.1 200") && got.ends_with("\r\n\r\nfor all"), "{got}");
        collapsed += usize::from(got.contains("; collapsed"));
    }
    assert_eq!((upstream.asked(), collapsed), (1, 999));
}

#[tokio::test]
async fn a_client_that_leaves_cancels_nothing() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let client = send(&proxy, "/").await;
    let held = upstream.next().await;
    drop(client);
    held.send(&response("200 OK", FRESH, "hello"));
    drop(held);
    proxy.settled().await;
    let got = fetch(proxy.get("/").header("host", "shop.example")).await.unwrap();
    assert!(got.is_hit(), "{got:?}");
    assert_eq!((got.body.as_str(), upstream.asked()), ("hello", 1));
}

#[tokio::test]
async fn followers_read_as_the_body_grows() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let scripts = [
        ("/length", "Content-Length: 10\r\n\r\nhello", "world"),
        ("/chunked", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "5\r\nworld\r\n0\r\n\r\n"),
    ];
    for (path, start, end) in scripts {
        let first = proxy.getting(path);
        let held = upstream.next().await;
        held.send(format!("HTTP/1.1 200 OK\r\n{FRESH}{start}").as_bytes());
        let mut late = proxy.get(path).send().await.unwrap();
        assert_eq!(late.chunk().await.unwrap().unwrap(), "hello");
        held.send(end.as_bytes());
        drop(held);
        assert_eq!(late.chunk().await.unwrap().unwrap(), "world");
        assert_eq!(first.await.unwrap().unwrap().body, "helloworld");
    }
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn a_response_that_is_cut_short_is_an_error_for_all_and_is_not_stored() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let starts = [
        format!("HTTP/1.1 200 OK\r\n{FRESH}Content-Length: 10\r\n\r\nhello"),
        format!("HTTP/1.1 200 OK\r\n{FRESH}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ];
    for start in starts {
        let clients = [proxy.getting("/"), proxy.getting("/"), proxy.getting("/")];
        proxy.engine.until_waiting(3).await;
        let held = upstream.next().await;
        held.send(start.as_bytes());
        proxy.engine.until_waiting(0).await;
        held.hang_up();
        for client in clients {
            assert!(client.await.unwrap().is_err(), "a cut response must not look whole");
        }
        proxy.settled().await;
        assert_eq!(proxy.engine.context().store.len(), 0);
    }
    let again = proxy.getting("/");
    upstream.answer(&response("200 OK", FRESH, "whole")).await;
    assert_eq!(again.await.unwrap().unwrap().body, "whole");
}

#[tokio::test]
async fn a_closed_pooled_connection_is_tried_again_once() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let first = proxy.getting("/1");
    upstream.answer(&response("200 OK", FRESH, "one")).await;
    first.await.unwrap().unwrap();
    proxy.settled().await;
    let second = proxy.getting("/2");
    // The pooled connection ends without an answer; the new one does too, and that is the upstream's failure.
    let asked = upstream.fail().await;
    assert_eq!(second.await.unwrap().unwrap().status, 502);
    assert_eq!(upstream.asked(), 1 + asked);
}

#[tokio::test]
async fn a_304_freshens_the_stored_object() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let first = proxy.getting("/");
    upstream.answer(&response("200 OK", VALIDATED, "hello")).await;
    first.await.unwrap().unwrap();
    proxy.settled().await;

    let second = proxy.getting("/");
    let asked = upstream.next().await;
    assert_eq!(asked.header("if-none-match"), Some("\"1\""));
    asked.send(b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\nX-New: yes\r\n\r\n");
    drop(asked);
    let second = second.await.unwrap().unwrap();
    assert_eq!((second.status, second.body.as_str()), (200, "hello"));
    assert!(second.cache_status().contains("fwd=stale; fwd-status=304; stored"), "{second:?}");
    proxy.settled().await;

    let third = fetch(proxy.get("/")).await.unwrap();
    assert!(third.is_hit(), "{third:?}");
    assert_eq!((third.body.as_str(), third.header("x-new")), ("hello", "yes"));
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn stale_while_revalidate_refreshes_exactly_once() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let first = proxy.getting("/");
    upstream.answer(&response("200 OK", "Cache-Control: max-age=0, stale-while-revalidate=60\r\n", "old")).await;
    first.await.unwrap().unwrap();
    proxy.settled().await;
    for _ in 0..20 {
        let got = fetch(proxy.get("/")).await.unwrap();
        assert_eq!(got.body, "old");
        assert!(got.cache_status().contains("reason=swr"), "{got:?}");
    }
    upstream.answer(&response("200 OK", FRESH, "new")).await;
    proxy.settled().await;
    assert_eq!(fetch(proxy.get("/")).await.unwrap().body, "new");
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn stale_if_error_covers_failures_and_nothing_else() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let first = proxy.getting("/");
    upstream.answer(&response("200 OK", "Cache-Control: max-age=0, stale-if-error=60\r\n", "old")).await;
    first.await.unwrap().unwrap();
    proxy.settled().await;

    let failing = proxy.getting("/");
    upstream.answer(&response("503 Service Unavailable", "", "broken")).await;
    let stale = failing.await.unwrap().unwrap();
    assert_eq!((stale.status, stale.body.as_str()), (200, "old"));
    assert!(stale.cache_status().contains("reason=sie"), "{stale:?}");
    // Its connection is back in the pool then.
    proxy.settled().await;

    let hanging = proxy.getting("/");
    upstream.fail().await;
    assert_eq!(hanging.await.unwrap().unwrap().body, "old");

    let gone = proxy.getting("/");
    upstream.answer(&response("404 Not Found", "", "gone")).await;
    assert_eq!(gone.await.unwrap().unwrap().status, 404);
}

#[tokio::test]
async fn a_failing_upstream_is_asked_once_for_all_who_wait() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let clients: Vec<_> = (0..20).map(|_| proxy.getting("/")).collect();
    proxy.engine.until_waiting(20).await;
    upstream.answer(&response("500 Internal Server Error", "", "broken")).await;
    for client in clients {
        let got = client.await.unwrap().unwrap();
        assert_eq!((got.status, got.body.as_str()), (500, "broken"));
    }
    assert_eq!(upstream.asked(), 1);
}

/// Whoever learns from the store that the reply varies finds the fill that is bringing the variant.
#[tokio::test]
async fn a_variant_on_its_way_is_joined_once_its_head_has_come() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("vary = { accept-language = \"exact\" }")).await;
    let first = tokio::spawn(proxy.get("/").send());
    let held = upstream.next().await;
    held.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nVary: Accept-Language\r\nContent-Length: 5\r\n\r\nhe");
    let first = first.await.unwrap().unwrap();
    let second = proxy.get("/").send().await.unwrap();
    held.send(b"llo");
    drop(held);
    assert_eq!(first.text().await.unwrap(), "hello");
    let status = second.headers()["cache-status"].to_str().unwrap().to_owned();
    assert!(status.contains("; collapsed"), "{status}");
    assert_eq!(second.text().await.unwrap(), "hello");
    assert_eq!(upstream.asked(), 1);
}
