//! Interim responses (RFC 9110 §15.2; RFC 8297) of an upstream that is asked for a cacheable request.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use support::{Proxy, Upstream, cache_all, fetch, response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Reads until what was read ends in `end`.
async fn read_to(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "{}", String::from_utf8_lossy(&read));
        read.push(byte[0]);
    }
    String::from_utf8(read).unwrap()
}

async fn asking(proxy: &Proxy, version: &str) -> TcpStream {
    let mut client = TcpStream::connect(proxy.http).await.unwrap();
    client.write_all(format!("GET /a HTTP/{version}\r\nHost: shop\r\n\r\n").as_bytes()).await.unwrap();
    client
}

const HINTS: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nVitrine-Tags: a\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n";

#[tokio::test]
async fn hints_reach_the_client_before_the_response_is_there() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let mut client = asking(&proxy, "1.1").await;
    let request = upstream.next().await;
    request.send(HINTS);
    // Nothing else was sent yet, so the hints were not held back for it.
    let hints = read_to(&mut client, "\r\n\r\n").await.to_lowercase();
    assert!(hints.starts_with("http/1.1 103 early hints\r\n"), "{hints}");
    assert!(hints.contains("link: </style.css>; rel=preload\r\n"), "{hints}");
    assert!(!hints.contains("vitrine-tags") && !hints.contains("x-hop"), "{hints}");
    request.send(&response("200 OK", "Cache-Control: max-age=60\r\n", "body"));
    drop(request);
    let got = read_to(&mut client, "body").await;
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{got}");
    proxy.settled().await;
    let hit = fetch(proxy.get("/a").header("host", "shop")).await.unwrap();
    assert!(hit.is_hit() && hit.body == "body", "the response is stored, the hints are not: {hit:?}");
}

#[tokio::test]
async fn a_client_that_knows_none_gets_none() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let mut client = asking(&proxy, "1.0").await;
    let request = upstream.next().await;
    request.send(HINTS);
    request.send(&response("200 OK", "Cache-Control: max-age=60\r\n", "body"));
    drop(request);
    let got = read_to(&mut client, "body").await;
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n") && !got.contains("103"), "RFC 9110 §15.2: {got}");
}
