//! Clients that are slow, or that leave: what they hold is given back, nobody else waits for them, and nothing that they sent in part
//! becomes a request.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use support::raw::{Raw, exchange, get};
use support::strict::Strict;
use support::{LIMIT, PASS, Proxy, Upstream, cache_all, response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use vitrine_load_tests::stack::wait_until;

const SHOP: &str = "shop.example";
/// Among the metrics when all connections are closed.
const NONE_OPEN: &str = "vitrine_connections{scheme=\"http\"} 0";
const FRESH: &str = "Cache-Control: max-age=60\r\n";
/// Between two bytes of what drips: much less than any limit here.
const DRIP: Duration = Duration::from_millis(20);
/// Larger than what the systems of both ends hold between them.
const LARGE: usize = 12 << 20;

async fn proxy(upstream: &Upstream, limits: &str) -> Proxy {
    let listen = format!("limits = {{ {limits} }}");
    let tables = "[cache]\nmemory = \"256MiB\"\nmax_object = \"16MiB\"\n";
    Proxy::listening(upstream.addr(), &listen, "", tables, &format!("{PASS}{}", cache_all(""))).await
}

/// How often a limit was exceeded.
async fn exceeded(proxy: &Proxy, limit: &str) -> u64 {
    let wanted = format!("vitrine_limits_exceeded_total{{limit=\"{limit}\"}} ");
    value(proxy, &wanted).await
}

/// Connections of clients that are open.
async fn open(proxy: &Proxy) -> u64 {
    value(proxy, "vitrine_connections{scheme=\"http\"} ").await
}

async fn value(proxy: &Proxy, line: &str) -> u64 {
    let url = format!("http://{}/metrics", proxy.ops);
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let found =
        text.lines().find_map(|found| found.strip_prefix(line)).unwrap_or_else(|| panic!("no {line} in {text}"));
    found.parse().unwrap()
}

/// Stores a body under `/stored`.
async fn store(upstream: &mut Upstream, proxy: &Proxy, body: &str) {
    let asking = asking(proxy, "/stored");
    upstream.answer(&response("200 OK", FRESH, body)).await;
    assert_eq!(asking.await.unwrap().body.len(), body.len());
    proxy.settled().await;
}

/// Asks in a task of its own, as all clients here do.
fn asking(proxy: &Proxy, path: &str) -> JoinHandle<Raw> {
    let (addr, request) = (proxy.http, get(SHOP, path, ""));
    tokio::spawn(async move { exchange(addr, &request).await })
}

/// A connection that tells of what it reads as little as the system lets it.
async fn narrow(addr: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(addr).await.unwrap()
}

/// Sends `start`, and then a byte after the other until the other end has closed; all that it sent.
async fn drip(mut stream: TcpStream, start: &[u8]) -> Vec<u8> {
    stream.write_all(start).await.unwrap();
    let mut got = Vec::new();
    let dripping = async {
        let mut drips = tokio::time::interval(DRIP);
        loop {
            tokio::select! {
                read = stream.read_buf(&mut got) => match read {
                    Ok(1..) => {}
                    _ => break,
                },
                _ = drips.tick() => {
                    let _ = stream.write_all(b"a").await;
                }
            }
        }
    };
    timeout(LIMIT, dripping).await.expect("the connection is closed");
    got
}

async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    let _ = timeout(LIMIT, stream.read_to_end(&mut got)).await.expect("the connection is closed");
    got
}

/// Reads one response with a length.
async fn one(stream: &mut TcpStream) -> String {
    let mut got = Vec::new();
    loop {
        assert_ne!(timeout(LIMIT, stream.read_buf(&mut got)).await.unwrap().unwrap(), 0, "{}", got.escape_ascii());
        let text = String::from_utf8_lossy(&got);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = support::upstream::field(head, "content-length").unwrap().parse::<usize>().unwrap();
        if body.len() >= length {
            assert_eq!(body.len(), length);
            return text.into_owned();
        }
    }
}

/// Dripped from the first byte on, on a new connection and behind requests that were answered in either way.
#[tokio::test]
async fn heads_that_drip_are_given_up() {
    let mut upstream = Upstream::start().await;
    let proxy = proxy(&upstream, "head_timeout = \"300ms\"").await;
    store(&mut upstream, &proxy, "stored").await;
    let stored = format!("GET /stored HTTP/1.1\r\nHost: {SHOP}\r\n\r\n");
    let passed = format!("POST /pass/p HTTP/1.1\r\nHost: {SHOP}\r\nContent-Length: 2\r\n\r\nhi");
    let mut dripping = Vec::new();
    for start in ["G", "GET / HTTP/1.1\r\nX-A: b\r\nX-", "POST / HTTP/1.1\r\nHost: "] {
        for before in ["", &stored, &passed] {
            let mut stream = TcpStream::connect(proxy.http).await.unwrap();
            if !before.is_empty() {
                stream.write_all(before.as_bytes()).await.unwrap();
                if before == passed {
                    upstream.answer(&response("200 OK", "", "passed")).await;
                }
                assert!(one(&mut stream).await.starts_with("HTTP/1.1 200"));
            }
            dripping.push(tokio::spawn(async move { (start, drip(stream, start.as_bytes()).await) }));
        }
        // In one piece with the request before it.
        let stream = TcpStream::connect(proxy.http).await.unwrap();
        let all = format!("{stored}{start}");
        dripping.push(tokio::spawn(async move {
            let got = drip(stream, all.as_bytes()).await;
            let second = got.windows(9).rposition(|window| window == b"HTTP/1.1 ").unwrap();
            assert!(got.starts_with(b"HTTP/1.1 200") && second > 0);
            (start, got[second..].to_vec())
        }));
    }
    let count = dripping.len() as u64;
    for dripped in join_all(dripping).await {
        let (start, got) = dripped.unwrap();
        assert_eq!(Strict::of(&got, false).status, 408, "{start:?}");
    }
    assert_eq!(exceeded(&proxy, "head_timeout").await, count);
    assert_eq!(upstream.asked(), 1 + 3, "what dripped never became a request");
}

/// What the client announced and does not send: with a length or in chunks, and where it is asked to go on.
#[tokio::test]
async fn contents_that_drip_are_given_up_and_never_whole_at_the_upstream() {
    let mut upstream = Upstream::start().await;
    let proxy = proxy(&upstream, "body_rate = \"1KiB\", body_grace = \"300ms\"").await;
    let heads = [
        "POST /pass/p HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 100000\r\n\r\n",
        "POST /pass/p HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n",
        "POST /p HTTP/1.1\r\nHost: shop.example\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n",
        "GET /p HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 100000\r\n\r\n",
    ];
    let dripping = heads
        .map(|head| async move { (head, drip(TcpStream::connect(proxy.http).await.unwrap(), head.as_bytes()).await) });
    for (head, got) in join_all(dripping).await {
        assert_eq!(Strict::of(&got, false).status, 408, "{head}: {}", got.escape_ascii());
    }
    assert_eq!(exceeded(&proxy, "body_rate").await, heads.len() as u64);
    // The next request at the upstream is the next client's.
    let posting = tokio::spawn(exchange(
        proxy.http,
        b"POST /pass/q HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi".as_slice(),
    ));
    let request = upstream.next().await;
    assert!(request.head().starts_with("POST /pass/q ") && request.body() == b"hi", "{}", request.head());
    request.send(&response("200 OK", "", "done"));
    drop(request);
    assert_eq!(posting.await.unwrap().body, "done");
    assert_eq!(upstream.asked(), 1);
}

/// A stored answer, one that grows, one that is passed on: whoever does not read is cut off, and others get theirs.
#[tokio::test]
async fn clients_that_never_read_are_cut_off() {
    let mut upstream = Upstream::start().await;
    let proxy = proxy(&upstream, "response_rate = \"10MiB\", response_grace = \"500ms\"").await;
    let large = "x".repeat(LARGE);
    store(&mut upstream, &proxy, &large).await;
    let whole = response("200 OK", FRESH, &large);
    let mut idle = Vec::new();
    for (count, path) in (1..).zip(["/stored", "/grows", "/pass/p"]) {
        let mut stream = narrow(proxy.http).await;
        stream.write_all(&get(SHOP, path, "")).await.unwrap();
        if path != "/stored" {
            upstream.answer(&whole).await;
        }
        let cut_off = async || exceeded(&proxy, "response_rate").await == count;
        wait_until(path, LIMIT, cut_off).await.unwrap();
        idle.push(stream);
    }
    for stream in idle {
        let got = Strict::of(&rest(stream).await, false);
        assert!(got.status == 200 && !got.whole, "{}", got.head);
    }
    proxy.settled().await;
    for path in ["/stored", "/grows"] {
        let got = exchange(proxy.http, &get(SHOP, path, "")).await;
        assert!(got.status == 200 && got.body.len() == LARGE && got.header("cache-status").unwrap().contains("hit"));
    }
    proxy.counted(NONE_OPEN).await;
}

/// A client that closes its half has said all, and waits: what is at hand it gets.
#[tokio::test]
async fn clients_that_close_their_half_get_what_is_stored() {
    let mut upstream = Upstream::start().await;
    let proxy = proxy(&upstream, "").await;
    store(&mut upstream, &proxy, "stored").await;
    let request = format!("GET /stored HTTP/1.1\r\nHost: {SHOP}\r\n\r\n");
    for count in [1, 3] {
        let mut stream = TcpStream::connect(proxy.http).await.unwrap();
        stream.write_all(request.repeat(count).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let got = String::from_utf8(rest(stream).await).unwrap();
        assert_eq!(got.matches("HTTP/1.1 200").count(), count, "{got}");
        assert_eq!(got.matches("\r\n\r\nstored").count(), count, "{got}");
    }
}

/// Half a head, and half a content, are no request.
#[tokio::test]
async fn what_ends_in_the_middle_is_no_request() {
    let mut upstream = Upstream::start().await;
    let proxy = proxy(&upstream, "").await;
    let starts = [
        "GET /p HTTP/1.1\r\nHost: shop.example\r\n",
        "GET /p HTTP/1.1\r\nHost: shop.example\r\n\r",
        "POST /p HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 10\r\n\r\nhalf",
        "POST /p HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "POST /p HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
        "GET /p HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 10\r\n\r\nhalf",
    ];
    for start in starts {
        for resets in [false, true] {
            let mut stream = TcpStream::connect(proxy.http).await.unwrap();
            stream.write_all(start.as_bytes()).await.unwrap();
            if resets {
                stream.set_zero_linger().unwrap();
                drop(stream);
            } else {
                stream.shutdown().await.unwrap();
                let got = rest(stream).await;
                assert!(got.is_empty() || Strict::of(&got, false).status == 400, "{start:?}: {}", got.escape_ascii());
            }
        }
    }
    proxy.counted(NONE_OPEN).await;
    let asking = asking(&proxy, "/last");
    assert!(upstream.next().await.head().starts_with("GET /last "), "and nothing of the halves came before it");
    asking.abort();
    assert_eq!(upstream.asked(), 1);
}

/// Whoever waits for an upstream and leaves gives back its connection; the fill goes on for the others.
#[tokio::test]
async fn clients_that_leave_while_they_wait_hold_nothing() {
    let mut upstream = Upstream::start().await;
    let proxy = proxy(&upstream, "").await;
    let staying = asking(&proxy, "/p");
    let held = upstream.next().await;
    let mut leaving = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(proxy.http).await.unwrap();
        stream.write_all(&get(SHOP, "/p", "")).await.unwrap();
        leaving.push(stream);
    }
    proxy.engine.until_waiting(11).await;
    for (index, stream) in leaving.into_iter().enumerate() {
        if index % 2 == 0 {
            stream.set_zero_linger().unwrap();
        }
        drop(stream);
    }
    proxy.engine.until_waiting(1).await;
    wait_until("they are closed", LIMIT, async || open(&proxy).await == 1).await.unwrap();
    held.send(&response("200 OK", FRESH, "for who stays"));
    assert_eq!(staying.await.unwrap().body, "for who stays");
    drop(held);
    proxy.settled().await;
}

/// In the middle of an answer of which no more comes: of one that is kept, and of those that are not.
#[tokio::test]
async fn clients_that_leave_in_the_middle_hold_nothing() {
    let mut upstream = Upstream::start().await;
    let proxy = proxy(&upstream, "").await;
    for (path, fields) in [("/kept", FRESH), ("/dropped", "Cache-Control: no-store\r\n"), ("/pass/p", FRESH)] {
        let mut stream = TcpStream::connect(proxy.http).await.unwrap();
        stream.write_all(&get(SHOP, path, "")).await.unwrap();
        let held = upstream.next().await;
        held.send(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 8\r\n\r\nhalf").as_bytes());
        let mut got = Vec::new();
        while !got.ends_with(b"half") {
            assert_ne!(stream.read_buf(&mut got).await.unwrap(), 0);
        }
        drop(stream);
        wait_until("it is closed", LIMIT, async || open(&proxy).await == 0).await.unwrap();
        if path == "/kept" {
            held.send(b"half");
            drop(held);
            proxy.settled().await;
            let got = exchange(proxy.http, &get(SHOP, path, "")).await;
            assert!(got.body == "halfhalf" && got.header("cache-status").unwrap().contains("hit"), "{got:?}");
        } else {
            // Nobody wants the rest.
            timeout(LIMIT, held.closed()).await.expect("the upstream's connection is closed");
        }
    }
}

/// Two thousand connections on which nothing is asked, or nothing more, and then none.
#[tokio::test]
async fn idle_connections_are_held_and_then_ended() {
    const COUNT: usize = 2_000;
    let mut upstream = Upstream::start().await;
    let proxy = proxy(&upstream, "connections_per_address = 3000, idle_timeout = \"3s\"").await;
    store(&mut upstream, &proxy, "stored").await;
    let request = format!("GET /stored HTTP/1.1\r\nHost: {SHOP}\r\n\r\n");
    let mut idle = Vec::new();
    for index in 0..COUNT {
        let mut stream = TcpStream::connect(proxy.http).await.unwrap();
        if index % 2 == 0 {
            stream.write_all(request.as_bytes()).await.unwrap();
            assert!(one(&mut stream).await.ends_with("stored"));
        }
        idle.push(stream);
    }
    assert_eq!(exchange(proxy.http, &get(SHOP, "/stored", "")).await.body, "stored", "others are answered");
    for ended in join_all(idle.into_iter().map(rest)).await {
        assert!(ended.is_empty(), "{}", ended.escape_ascii());
    }
    proxy.counted(NONE_OPEN).await;
}
