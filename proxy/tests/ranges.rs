//! Parts of responses (RFC 9110 §14): from what is stored, from what is on its way, and past the cache.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use reqwest::Method;
use support::{Got, Proxy, Upstream, cache_all, fetch, response};

const STORED: &str = "Cache-Control: max-age=60\r\nETag: \"1\"\r\nContent-Type: text/plain\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

async fn range(proxy: &Proxy, path: &str, range: &str) -> Got {
    fetch(proxy.get(path).header("range", range)).await.unwrap()
}

/// A proxy that holds `0123456789` under `/a`.
async fn holding() -> (Upstream, Proxy) {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let first = proxy.getting("/a");
    let head = upstream.answer(&response("200 OK", STORED, "0123456789")).await;
    assert!(!head.to_lowercase().contains("\r\nrange:"), "the whole is asked for: {head}");
    assert_eq!(first.await.unwrap().unwrap().status, 200);
    proxy.settled().await;
    (upstream, proxy)
}

#[tokio::test]
async fn parts_of_a_stored_response_are_served_without_asking() {
    let (upstream, proxy) = holding().await;
    for (asked, status, told, body) in [
        ("bytes=0-0", 206, "bytes 0-0/10", "0"),
        ("bytes=3-5", 206, "bytes 3-5/10", "345"),
        ("bytes=7-", 206, "bytes 7-9/10", "789"),
        ("bytes=-4", 206, "bytes 6-9/10", "6789"),
        ("bytes=8-100", 206, "bytes 8-9/10", "89"),
        ("bytes=0-4,5-9", 206, "bytes 0-9/10", "0123456789"),
        ("bytes=10-", 416, "bytes */10", ""),
        ("bytes=5-3", 200, "", "0123456789"),
        ("lines=0-1", 200, "", "0123456789"),
    ] {
        let got = range(&proxy, "/a", asked).await;
        assert_eq!((got.status, got.header("content-range"), got.body.as_str()), (status, told, body), "{asked}");
        assert_eq!(got.header("content-length"), body.len().to_string(), "{asked}");
        assert_eq!(got.header("etag"), "\"1\"", "{asked}");
        assert!(got.is_hit() && !got.header("age").is_empty(), "{asked}: {got:?}");
    }
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn several_parts_come_as_multipart() {
    let (upstream, proxy) = holding().await;
    let got = range(&proxy, "/a", "bytes=8-9, 0-1").await;
    let boundary = got.header("content-type").strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |range: &str, body: &str| {
        format!("--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {range}/10\r\n\r\n{body}\r\n")
    };
    assert_eq!(got.body, format!("{}{}--{boundary}--\r\n", part("8-9", "89"), part("0-1", "01")));
    assert_eq!((got.status, got.header("content-range")), (206, ""));
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn conditions_come_before_ranges() {
    let (upstream, proxy) = holding().await;
    for (name, value, status, why) in [
        ("if-range", "\"1\"", 206, "§13.1.5: the same"),
        ("if-range", "\"2\"", 200, "§13.1.5: another"),
        ("if-range", "W/\"1\"", 200, "§13.1.5: strong comparison"),
        ("if-range", "Sun, 06 Nov 1994 08:49:37 GMT", 206, "§13.1.5: the same date"),
        ("if-range", "Sun, 06 Nov 1994 08:49:38 GMT", 200, "§13.1.5: not an exact match"),
        ("if-none-match", "\"1\"", 304, "§13.2.2: before Range"),
        ("if-none-match", "\"2\"", 206, "§13.2.2"),
    ] {
        let got = fetch(proxy.get("/a").header("range", "bytes=0-1").header(name, value)).await.unwrap();
        assert_eq!(got.status, status, "{name}: {value}: {why}");
    }
    let head = fetch(proxy.request(Method::HEAD, "/a").header("range", "bytes=0-1")).await.unwrap();
    assert_eq!((head.status, head.header("content-length")), (200, "10"), "§14.2: for GET alone");
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn a_part_of_what_is_on_its_way_waits_for_no_more_than_that() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let asking = tokio::spawn(fetch(proxy.get("/a").header("range", "bytes=2-3")));
    let request = upstream.next().await;
    assert_eq!(request.header("range"), None, "the whole is asked for");
    request.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n01234");
    // The rest is not sent before the part was read whole.
    let part = asking.await.unwrap().unwrap();
    assert_eq!((part.status, part.body.as_str(), part.header("content-range")), (206, "23", "bytes 2-3/10"));
    request.send(b"56789");
    drop(request);
    proxy.settled().await;
    let whole = fetch(proxy.get("/a")).await.unwrap();
    assert!(whole.is_hit());
    assert_eq!(whole.body, "0123456789", "the part is not stored as if it were the whole");
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn what_ends_short_gives_no_part_of_what_is_missing() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let asking = tokio::spawn(fetch(proxy.get("/a").header("range", "bytes=2-8")));
    let request = upstream.next().await;
    request.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n01234");
    request.hang_up();
    assert!(asking.await.unwrap().is_err(), "a part that ends early is an error to its reader");
    proxy.settled().await;
    let again = proxy.getting("/a");
    upstream.answer(&response("200 OK", STORED, "0123456789")).await;
    assert!(!again.await.unwrap().unwrap().is_hit());
}

#[tokio::test]
async fn a_part_of_what_cannot_be_stored_is_asked_for_as_a_part() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::with(upstream.addr(), "", "[cache]\nmax_object = \"1MiB\"\n", &cache_all("")).await;
    let asking = tokio::spawn(fetch(proxy.get("/film").header("range", "bytes=4-5")));
    let whole = upstream.next().await;
    assert_eq!(whole.header("range"), None);
    whole.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10000000\r\n\r\n0123456789");
    let part = upstream.next().await;
    assert_eq!(part.header("range"), Some("bytes=4-5"));
    let fields = "Content-Range: bytes 4-5/10000000\r\nCache-Control: max-age=60\r\n";
    part.send(&response("206 Partial Content", fields, "45"));
    drop((whole, part));
    let got = asking.await.unwrap().unwrap();
    assert_eq!((got.status, got.body.as_str()), (206, "45"));
    assert!(got.cache_status().contains("reason=range"), "{got:?}");
    // The next one goes there at once.
    let asking = tokio::spawn(fetch(proxy.get("/film").header("range", "bytes=0-1")));
    let part = upstream.next().await;
    assert_eq!(part.header("range"), Some("bytes=0-1"));
    part.send(&response("206 Partial Content", "Content-Range: bytes 0-1/10000000\r\n", "01"));
    drop(part);
    assert_eq!(asking.await.unwrap().unwrap().body, "01");
    assert_eq!(upstream.asked(), 3);
}
