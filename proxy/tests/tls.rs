//! TLS: which certificate is shown, what is spoken, and that certificates change while clients are served.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::os::unix::fs::OpenOptionsExt as _;

use support::echo::Echo;
use support::raw::read_answers;
use support::tls::{Authority, connect, shown};
use support::{LIMIT, Proxy, cache_all};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{HandshakeKind, ProtocolVersion};
use vitrine_load_tests::stack::wait_until;

const SHOP: &str = "shop.example";

async fn start(authority: &Authority, files: &[&str], keys: &str) -> (Echo, Proxy) {
    let echo = Echo::start().await;
    let listen = format!("ops_token = \"ops-secret\"\n{}{keys}", authority.listen(files));
    let proxy = Proxy::listening(echo.addr(), &listen, "", "", &cache_all("")).await;
    (echo, proxy)
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {SHOP}\r\n\r\n")
}

#[tokio::test]
async fn requests_by_tls_are_hits_misses_and_passes_of_their_own_scheme() {
    let authority = Authority::new();
    authority.sign("shop", &[SHOP]);
    let (echo, proxy) = start(&authority, &["shop"], "").await;
    for versions in [&[&TLS13][..], &[&TLS12]] {
        let client = authority.client_of(versions, &["http/1.1"]);
        let mut stream = connect(proxy.https.unwrap(), &client, SHOP).await.unwrap();
        let post = format!("POST /p HTTP/1.1\r\nHost: {SHOP}\r\nContent-Length: 4\r\n\r\nbody");
        let all = [request("/a"), post, request("/a"), request("/a")].concat();
        stream.write_all(all.as_bytes()).await.unwrap();
        let answers = read_answers(&mut stream, 4).await;
        assert!(answers[1].body.ends_with("body"), "{answers:?}");
        assert!(answers[1].body.to_lowercase().contains("x-forwarded-proto: https\r\n"), "{answers:?}");
        assert!(answers[3].header("cache-status").unwrap().contains("; hit"), "{answers:?}");
        proxy.settled().await;
    }
    assert_eq!(echo.asked(), 3, "one fill and two passes");
    // The same URL in clear text is another object.
    let clear = support::raw::exchange(proxy.http, &support::raw::get(SHOP, "/a", "")).await;
    assert!(!clear.header("cache-status").unwrap().contains("; hit"), "{clear:?}");
    assert!(clear.body.to_lowercase().contains("x-forwarded-proto: http\r\n"), "{clear:?}");
}

#[tokio::test]
async fn the_protocol_is_negotiated() {
    let authority = Authority::new();
    authority.sign("shop", &[SHOP]);
    let (_echo, proxy) = start(&authority, &["shop"], "").await;
    for (offered, chosen) in [
        (&["h2", "http/1.1"][..], Some(&b"h2"[..])),
        (&["http/1.1", "h2"], Some(b"h2")),
        (&["http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ] {
        let stream = connect(proxy.https.unwrap(), &authority.client(offered), SHOP).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen, "{offered:?}");
        assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    }
    // RFC 7301 §3.2: none in common is no connection.
    assert!(connect(proxy.https.unwrap(), &authority.client(&["spdy/3"]), SHOP).await.is_err());
    proxy.counted("vitrine_tls_handshakes_failed_total 1").await;
}

#[tokio::test]
async fn the_name_decides_which_certificate_is_shown() {
    let authority = Authority::new();
    for (file, names) in
        [("one", &["one.example", "localhost"][..]), ("two", &["*.two.example"]), ("three", &["www.two.example"])]
    {
        authority.sign(file, names);
    }
    let (_echo, proxy) = start(&authority, &["one", "two", "three"], "").await;
    let client = authority.client(&[]);
    let mut all = Vec::new();
    for name in ["one.example", "api.two.example", "www.two.example"] {
        all.push(shown(&connect(proxy.https.unwrap(), &client, name).await.unwrap()));
    }
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    assert_eq!(shown(&connect(proxy.https.unwrap(), &client, "localhost").await.unwrap()), all[0]);
    // Who asks for another name is shown the first, which is not for that name.
    assert!(connect(proxy.https.unwrap(), &client, "else.example").await.is_err());
}

#[tokio::test]
async fn a_session_is_taken_up_again() {
    let authority = Authority::new();
    authority.sign("shop", &[SHOP]);
    let (_echo, proxy) = start(&authority, &["shop"], "").await;
    for version in [&TLS13, &TLS12] {
        let client = authority.client_of(&[version], &["http/1.1"]);
        for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut stream = connect(proxy.https.unwrap(), &client, SHOP).await.unwrap();
            stream.write_all(request("/a").as_bytes()).await.unwrap();
            read_answers(&mut stream, 1).await;
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(expected), "{version:?}");
        }
    }
}

#[tokio::test]
async fn certificates_change_under_traffic_and_a_bad_file_changes_nothing() {
    let authority = Authority::new();
    let (certificate, _) = authority.sign("shop", &[SHOP]);
    let (_echo, proxy) = start(&authority, &["shop"], "").await;
    let client = authority.client(&["http/1.1"]);
    let mut kept = connect(proxy.https.unwrap(), &client, SHOP).await.unwrap();
    let first = shown(&kept);
    let https = proxy.https.unwrap();

    // Requests go on all the while, on a connection that stays and on new ones.
    let going_on = tokio::spawn({
        let client = client.clone();
        async move {
            for _ in 0..50 {
                kept.write_all(request("/kept").as_bytes()).await.unwrap();
                assert_eq!(read_answers(&mut kept, 1).await[0].status, 200);
                let mut new = connect(https, &client, SHOP).await.unwrap();
                new.write_all(request("/new").as_bytes()).await.unwrap();
                assert_eq!(read_answers(&mut new, 1).await[0].status, 200);
            }
            kept
        }
    });
    authority.sign("shop", &[SHOP]);
    let shows_another = async || shown(&connect(https, &client, SHOP).await.unwrap()) != first;
    wait_until("the new certificate is shown", LIMIT, shows_another).await.unwrap();
    let mut kept = going_on.await.unwrap();
    proxy.counted("vitrine_certificates_ok 1").await;

    let second = shown(&connect(https, &client, SHOP).await.unwrap());
    std::fs::write(&certificate, "no certificate").unwrap();
    proxy.counted("vitrine_certificates_ok 0").await;
    assert_eq!(shown(&connect(https, &client, SHOP).await.unwrap()), second, "what was there is shown on");
    authority.sign("shop", &[SHOP]);
    proxy.counted("vitrine_certificates_ok 1").await;
    assert_ne!(shown(&connect(https, &client, SHOP).await.unwrap()), second);

    kept.write_all(request("/kept").as_bytes()).await.unwrap();
    assert_eq!(read_answers(&mut kept, 1).await[0].status, 200, "the oldest connection is as it was");
    let left = format!("vitrine_certificate_expires_seconds{{file=\"{}\"}} ", certificate.display());
    let line = proxy.metrics().await.into_iter().find_map(|line| line.strip_prefix(&left).map(str::to_owned));
    assert!(line.unwrap().parse::<f64>().unwrap() > 1e6);
}

/// A certificate's file that hangs when it is read, as one on a file system of the network does: nobody waits for it, nor does the end.
#[tokio::test]
async fn a_certificate_that_cannot_be_read_to_its_end_holds_nobody_up() {
    let authority = Authority::new();
    let (certificate, _) = authority.sign("shop", &[SHOP]);
    let (_echo, proxy) = start(&authority, &["shop"], "").await;
    let pipe = certificate.with_extension("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::rename(&pipe, &certificate).unwrap();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).custom_flags(nix::libc::O_NONBLOCK);
    // It can be opened once somebody reads it.
    let mut hangs = None;
    let read = async || {
        hangs = options.open(&certificate).ok();
        hangs.is_some()
    };
    wait_until("it is read", LIMIT, read).await.unwrap();
    let client = authority.client(&["http/1.1"]);
    let mut stream = timeout(LIMIT, connect(proxy.https.unwrap(), &client, SHOP)).await.unwrap().unwrap();
    stream.write_all(request("/a").as_bytes()).await.unwrap();
    assert_eq!(read_answers(&mut stream, 1).await[0].status, 200);
    drop(stream);
    proxy.stopped().await;
    drop(hangs);
}

#[tokio::test]
async fn who_does_not_shake_hands_is_let_go() {
    let authority = Authority::new();
    authority.sign("shop", &[SHOP]);
    let (_echo, proxy) = start(&authority, &["shop"], "limits = { handshake_timeout = \"300ms\" }\n").await;
    let mut silent = TcpStream::connect(proxy.https.unwrap()).await.unwrap();
    let mut half = TcpStream::connect(proxy.https.unwrap()).await.unwrap();
    half.write_all(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03").await.unwrap();
    for stream in [&mut silent, &mut half] {
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or(0), 0);
    }
    proxy.counted("vitrine_limits_exceeded_total{limit=\"handshake_timeout\"} 2").await;
    let mut clear = TcpStream::connect(proxy.https.unwrap()).await.unwrap();
    clear.write_all(request("/").as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let _ = clear.read_to_end(&mut said).await;
    assert!(!said.starts_with(b"HTTP"), "no answer in clear text: {said:?}");
    proxy.counted("vitrine_connections{scheme=\"https\"} 0").await;
}

#[tokio::test]
async fn the_end_of_a_response_is_told_and_a_truncated_one_is_not_taken_for_whole() {
    let authority = Authority::new();
    authority.sign("shop", &[SHOP]);
    let (_echo, proxy) = start(&authority, &["shop"], "").await;
    let client = authority.client(&["http/1.1"]);
    for fields in ["Connection: close\r\n", "Content-Length: x\r\n"] {
        let mut stream = connect(proxy.https.unwrap(), &client, SHOP).await.unwrap();
        let text = format!("GET /a HTTP/1.1\r\nHost: {SHOP}\r\n{fields}\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.expect("close_notify comes before the end");
        assert!(all.starts_with(b"HTTP/1.1 "));
    }
}
