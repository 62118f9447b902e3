//! HTTP/2 clients that attack, flood or let nothing go: what they hold is bounded, they are told and let go, and others are served.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::time::Duration;

use support::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, Ended, Frames, GOAWAY, HEADERS,
    INITIAL_WINDOW_SIZE, NO_ERROR, PING, PRIORITY, REFUSED_STREAM, RST_STREAM, SETTINGS, WINDOW_UPDATE, field, fields,
    frame, get, post, settings, word,
};
use support::{LIMIT, PASS, Proxy, Upstream, cache_all, response};

const FRESH: &str = "Cache-Control: max-age=60\r\n";
/// Much more than any limit here.
const MANY: u32 = 2000;
/// Between two steps of a client that drips: much less than any limit here.
const DRIP: Duration = Duration::from_millis(20);

async fn start(limits: &str) -> (Upstream, Proxy) {
    let upstream = Upstream::start().await;
    let listen = format!("ops_token = \"ops-secret\"\nh2c = true\nlimits = {{ {limits} }}");
    let tables = "[cache]\nmemory = \"64MiB\"\nmax_object = \"16MiB\"\n";
    let rules = format!("{PASS}{}", cache_all(""));
    let proxy = Proxy::listening(upstream.addr(), &listen, "", tables, &rules).await;
    (upstream, proxy)
}

/// Stores a body of so many bytes under `/stored`.
async fn store(upstream: &mut Upstream, proxy: &Proxy, bytes: usize) {
    let (addr, request) = (proxy.http, support::raw::get("shop.example", "/stored", ""));
    let getting = tokio::spawn(async move { support::raw::exchange(addr, &request).await });
    upstream.answer(&response("200 OK", FRESH, &"s".repeat(bytes))).await;
    assert_eq!(getting.await.unwrap().body.len(), bytes);
    proxy.settled().await;
}

/// The connection was ended for this limit, nothing is left of it, and others are served.
async fn ended_for(proxy: &Proxy, limit: &str) {
    proxy.counted(&format!("vitrine_limits_exceeded_total{{limit=\"{limit}\"}} 1")).await;
    proxy.counted("vitrine_connections{scheme=\"http\"} 0").await;
    assert_eq!(support::raw::exchange(proxy.http, b"nonsense\r\n\r\n").await.status, 400);
}

/// Client streams are odd.
fn streams() -> impl Iterator<Item = u32> {
    (0..MANY).map(|number| number * 2 + 1)
}

#[tokio::test]
async fn a_stream_beyond_those_allowed_is_refused_and_the_others_go_on() {
    let (mut upstream, proxy) = start("h2_streams = 2").await;
    let mut client = Frames::open(proxy.http, &[]).await;
    client.send(&[get(1, "/1"), get(3, "/3"), get(5, "/5")].concat()).await;
    let reset = client.next_of(RST_STREAM).await;
    assert_eq!((reset.stream, reset.word(0)), (5, REFUSED_STREAM));
    for _ in 0..2 {
        let request = upstream.next().await;
        let path = request.head().split(' ').nth(1).unwrap().to_owned();
        request.send(&response("200 OK", "", &path));
    }
    let (mut left, mut content) = (2, Vec::new());
    while left > 0 {
        let frame = client.next().await.unwrap();
        if frame.kind == DATA {
            content.extend_from_slice(&frame.payload);
        }
        left -= i32::from(matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0);
    }
    content.sort_unstable();
    assert_eq!(content, b"//13");
    assert_eq!(upstream.asked(), 2);
}

/// Rapid reset (CVE-2023-44487): streams that the client takes back are no longer concurrent, but cost work.
#[tokio::test]
async fn a_client_that_resets_its_streams_is_let_go() {
    let (upstream, proxy) = start("h2_resets = 50").await;
    let mut client = Frames::open(proxy.http, &[]).await;
    for stream in streams() {
        let bytes = [get(stream, "/pass/reset"), word(RST_STREAM, stream, 8)].concat();
        if !client.send(&bytes).await {
            break;
        }
    }
    let ended = client.ended().await;
    assert!(matches!(ended.goaway, Some(ENHANCE_YOUR_CALM) | None), "{ended:?}");
    ended_for(&proxy, "h2_resets").await;
    assert!(upstream.asked() <= 51, "{}", upstream.asked());
}

/// `MadeYouReset` (CVE-2025-8671): the client has the server reset its streams, by mistakes of its own.
#[tokio::test]
async fn a_client_that_makes_this_edge_reset_its_streams_is_let_go() {
    let (_upstream, proxy) = start("h2_resets = 50").await;
    let mut client = Frames::open(proxy.http, &[]).await;
    for stream in streams().take(51) {
        // More than a window can be (RFC 9113 §6.9.1).
        client.send(&[get(stream, "/pass/reset"), word(WINDOW_UPDATE, stream, 0x7fff_ffff)].concat()).await;
    }
    let ended = client.ended().await;
    assert_eq!(ended.goaway, Some(ENHANCE_YOUR_CALM), "{ended:?}");
    assert!(ended.resets.len() >= 50 && ended.resets.iter().all(|(_, reason)| *reason == 3), "{ended:?}");
    ended_for(&proxy, "h2_resets").await;
}

/// Requests that are none (RFC 9113 §8.1.1), refused by the h2 crate, by Pingora and here: so many of them end the connection.
#[tokio::test]
async fn a_client_whose_requests_are_none_is_told_and_let_go() {
    let (upstream, proxy) = start("").await;
    let with = |stream, name: &str, value: &str| {
        frame(HEADERS, END_HEADERS | END_STREAM, stream, &[fields("GET", "/"), field(name, value)].concat())
    };
    for (name, value) in [("x-spaced", " b"), ("expect", "x"), ("host", "a@b:c:d")] {
        let mut client = Frames::open(proxy.http, &[]).await;
        let all: Vec<u8> = streams().take(100).flat_map(|stream| with(stream, name, value)).collect();
        client.send(&all).await;
        let ended = client.ended().await;
        assert_eq!(ended.goaway, Some(ENHANCE_YOUR_CALM), "{name}: {ended:?}");
        proxy.counted("vitrine_connections{scheme=\"http\"} 0").await;
    }
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test]
async fn floods_of_frames_that_ask_for_nothing_end_the_connection() {
    let floods: [(&str, Vec<u8>, Vec<u8>); 7] = [
        ("PING", Vec::new(), frame(PING, 0, 0, &[0; 8])),
        ("answers to no PING", Vec::new(), frame(PING, ACK, 0, &[0; 8])),
        ("SETTINGS", Vec::new(), settings(&[(INITIAL_WINDOW_SIZE, 1000)])),
        ("WINDOW_UPDATE", Vec::new(), word(WINDOW_UPDATE, 0, 1)),
        ("PRIORITY", Vec::new(), frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 7])),
        ("DATA without content", post(1, "/pass/flood"), frame(DATA, 0, 1, &[])),
        ("frames that nobody knows", Vec::new(), frame(0xb7, 0, 0, &[0; 8])),
    ];
    for (name, first, flood) in floods {
        let (_upstream, proxy) = start("h2_frames = 100").await;
        let mut client = Frames::open(proxy.http, &[]).await;
        // So many are a client's right.
        client.send(&[&first[..], &flood.repeat(40)].concat()).await;
        client.send(&get(3, "/pass/served")).await;
        let mut sent = true;
        for _ in 0..MANY {
            sent = sent && client.send(&flood).await;
        }
        let ended = client.ended().await;
        // Who still sends may lose the last words.
        assert!(matches!(ended.goaway, Some(ENHANCE_YOUR_CALM) | None), "{name}: {ended:?}");
        ended_for(&proxy, "h2_frames").await;
    }
}

/// A head is bounded in all its forms: in one frame, in endless ones, and in empty ones (CVE-2024-27316 and its kin).
#[tokio::test]
async fn heads_are_bounded_however_they_come() {
    let (upstream, proxy) = start("head = \"4KiB\", h2_frames = 100").await;
    let mut client = Frames::open(proxy.http, &[]).await;
    let long = [fields("GET", "/long"), field("x-long", &"x".repeat(6000))].concat();
    client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &long)).await;
    // Its status is in the static table or literal: that the stream is answered, and not served, is what matters.
    let head = client.next_of(HEADERS).await;
    assert!(head.stream == 1 && head.payload.windows(3).any(|three| three == b"431") || head.payload.len() > 2);
    assert_eq!(upstream.asked(), 0);
    drop(client);

    for payload in [field("x-more", &"x".repeat(1000)), Vec::new()] {
        let mut client = Frames::open(proxy.http, &[]).await;
        client.send(&frame(HEADERS, END_STREAM, 1, &fields("GET", "/flood"))).await;
        let more = frame(CONTINUATION, 0, 1, &payload);
        let mut count = 0;
        while count < MANY && client.send(&more).await {
            count += 1;
        }
        let Ended { goaway, .. } = client.ended().await;
        assert!(goaway != Some(NO_ERROR), "{goaway:?}");
        proxy.counted("vitrine_connections{scheme=\"http\"} 0").await;
    }
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up() {
    let (upstream, proxy) = start("head_timeout = \"300ms\"").await;
    let mut client = Frames::open(proxy.http, &[]).await;
    client.send(&frame(HEADERS, END_STREAM, 1, &fields("GET", "/never"))).await;
    assert_eq!(client.ended().await.goaway, Some(ENHANCE_YOUR_CALM));
    ended_for(&proxy, "head_timeout").await;
    assert_eq!(upstream.asked(), 0);
}

/// A window that is never opened, on streams whose answers are in memory.
#[tokio::test]
async fn a_client_that_lets_nothing_go_is_let_go() {
    let (mut upstream, proxy) = start("response_rate = \"1KiB\", response_grace = \"500ms\"").await;
    store(&mut upstream, &proxy, 300_000).await;
    let mut client = Frames::open(proxy.http, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    let all: Vec<_> = streams().take(50).flat_map(|stream| get(stream, "/stored")).collect();
    client.send(&all).await;
    let ended = client.ended().await;
    assert_eq!((ended.goaway, ended.content), (Some(ENHANCE_YOUR_CALM), 0));
    ended_for(&proxy, "response_rate").await;
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn a_client_that_opens_its_window_byte_by_byte_is_let_go() {
    let (mut upstream, proxy) = start("response_rate = \"1KiB\", response_grace = \"500ms\"").await;
    store(&mut upstream, &proxy, 300_000).await;
    let mut client = Frames::open(proxy.http, &[(INITIAL_WINDOW_SIZE, 1)]).await;
    client.send(&get(1, "/stored")).await;
    let dripping = async {
        let mut drips = tokio::time::interval(DRIP);
        while client.send(&word(WINDOW_UPDATE, 1, 1)).await {
            drips.tick().await;
        }
    };
    tokio::time::timeout(LIMIT, dripping).await.expect("the connection ends");
    ended_for(&proxy, "response_rate").await;
}

/// The bit before an increment says nothing (RFC 9113 §6.9): it opens no window.
#[tokio::test]
async fn a_client_that_opens_its_window_by_a_bit_that_says_nothing_is_let_go() {
    const RESERVED: u32 = 1 << 31;
    let (mut upstream, proxy) = start("response_rate = \"1KiB\", response_grace = \"500ms\"").await;
    store(&mut upstream, &proxy, 300_000).await;
    let mut client = Frames::open(proxy.http, &[(INITIAL_WINDOW_SIZE, 0)]).await;
    client.send(&[get(1, "/stored"), word(WINDOW_UPDATE, 1, RESERVED | 5)].concat()).await;
    let ended = client.ended().await;
    assert_eq!((ended.goaway, ended.content), (Some(ENHANCE_YOUR_CALM), 5));
    ended_for(&proxy, "response_rate").await;
}

/// What is passed on is not read from the upstream faster than the client lets it go.
#[tokio::test]
async fn a_closed_window_holds_little_of_what_is_passed() {
    const PIECES: usize = 64;
    let (mut upstream, proxy) =
        start("h2_memory = \"128KiB\", response_rate = \"1KiB\", response_grace = \"500ms\"").await;
    let mut client = Frames::open(proxy.http, &[(INITIAL_WINDOW_SIZE, 10)]).await;
    client.send(&get(1, "/pass/large")).await;
    let request = upstream.next().await;
    let piece = vec![b'x'; 1 << 20];
    request.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", PIECES << 20).as_bytes());
    let mut taken = 0;
    while taken < PIECES && request.drips(&piece).await {
        taken += 1;
    }
    // Both ends' systems hold some of it.
    assert!(taken < PIECES / 2, "{taken} MiB were taken");
    assert_eq!(client.ended().await.content, 10);
    ended_for(&proxy, "response_rate").await;
}

#[tokio::test]
async fn contents_that_drip_are_given_up() {
    let (_upstream, proxy) = start("body_rate = \"1KiB\", body_grace = \"500ms\"").await;
    let mut client = Frames::open(proxy.http, &[]).await;
    client.send(&post(1, "/pass/slow")).await;
    let dripping = async {
        let mut drips = tokio::time::interval(DRIP);
        while client.send(&frame(DATA, 0, 1, b"x")).await {
            drips.tick().await;
        }
    };
    tokio::time::timeout(LIMIT, dripping).await.expect("the connection ends");
    ended_for(&proxy, "body_rate").await;
}

#[tokio::test]
async fn an_idle_connection_ends_and_is_told_so() {
    let (mut upstream, proxy) = start("idle_timeout = \"300ms\"").await;
    store(&mut upstream, &proxy, 10).await;
    let mut client = Frames::open(proxy.http, &[]).await;
    client.send(&get(1, "/stored")).await;
    assert_eq!(client.content(1).await, b"ssssssssss");
    let goaway = client.next_of(GOAWAY).await;
    assert_eq!((goaway.word(0), goaway.word(4)), (1, NO_ERROR), "the last request and the reason");
    assert!(client.next().await.is_none());
    ended_for(&proxy, "idle_timeout").await;
}

#[tokio::test]
async fn a_connection_has_so_many_requests() {
    let (mut upstream, proxy) = start("requests = 3").await;
    store(&mut upstream, &proxy, 10).await;
    let mut client = Frames::open(proxy.http, &[]).await;
    for stream in [1, 3, 5] {
        client.send(&get(stream, "/stored")).await;
        assert_eq!(client.content(stream).await.len(), 10);
    }
    // First that there are to be no more, and behind the answer to a PING which was the last (RFC 9113 §6.8).
    let ping = client.next_of(PING).await;
    client.send(&frame(PING, ACK, 0, &ping.payload)).await;
    assert_eq!(client.ended().await.goaway, Some(NO_ERROR));
    proxy.counted("vitrine_limits_exceeded_total{limit=\"requests\"} 1").await;
}

/// No bytes behind the preface are taken for HTTP/1.1.
#[tokio::test]
async fn what_is_no_frame_is_no_request() {
    let (upstream, proxy) = start("").await;
    for behind in
        ["GET / HTTP/1.1\r\nHost: h\r\n\r\n", "POST /pass/ HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"]
    {
        let mut client = Frames::open(proxy.http, &[]).await;
        client.send(behind.as_bytes()).await;
        client.send(&[0; 1000]).await;
        let ended = client.ended().await;
        assert!(matches!(ended.goaway, Some(1..)) && ended.content == 0, "{ended:?}");
    }
    // A setting that cannot be, and a stream that is the server's.
    for bytes in [settings(&[(INITIAL_WINDOW_SIZE, u32::MAX)]), get(2, "/"), frame(SETTINGS, 0, 1, &[])] {
        let mut client = Frames::open(proxy.http, &[]).await;
        client.send(&bytes).await;
        assert!(matches!(client.ended().await.goaway, Some(1..)));
    }
    assert_eq!(upstream.asked(), 0);
    proxy.counted("vitrine_connections{scheme=\"http\"} 0").await;
}
