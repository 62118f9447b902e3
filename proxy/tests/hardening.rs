//! What strangers must not reach: purging by a claimed address, another client's answer, and more memory or time than is theirs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use support::echo::Echo;
use support::raw::{exchange, get};
use support::{Proxy, Upstream, cache_all, response};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const SHOP: &str = "shop.example";
const LOGGED_IN: &str = "Cookie: session=secret-of-the-victim\r\n";

async fn behind_proxies(upstream: std::net::SocketAddr, fields: &str, rules: &str) -> Proxy {
    let listen = format!("trusted_proxies = [\"127.0.0.0/8\"]\ntrusted_fields = \"{fields}\"");
    Proxy::listening(upstream, &listen, "", "", rules).await
}

fn purge(lines: &[u8]) -> Vec<u8> {
    [format!("PURGE /p HTTP/1.1\r\nHost: {SHOP}\r\nConnection: close\r\n").as_bytes(), lines, b"\r\n"].concat()
}

/// The proxy before this one appends the client's address; what the client wrote before it must not make that unreadable, so that
/// the client is taken for the proxy, which may purge.
#[tokio::test]
async fn a_client_that_garbles_its_chain_is_not_taken_for_the_proxy() {
    let echo = Echo::start().await;
    let rules = cache_all("purge_from = [\"127.0.0.0/8\"]");
    for (fields, lines) in [
        ("x-forwarded", &[&b"X-Forwarded-For: 192.0.2.1\r\n"[..], b"X-Forwarded-For: \xff, 192.0.2.1\r\n"][..]),
        ("x-forwarded", &[b"X-Forwarded-For: 127.0.0.1, unknown\r\n", b"X-Forwarded-For: 127.0.0.1,\r\n"]),
        ("forwarded", &[b"Forwarded: for=192.0.2.1\r\n", b"Forwarded: for=\", for=192.0.2.1\r\n"]),
        ("forwarded", &[b"Forwarded: x\r\nForwarded: for=_hidden\r\n", b"Forwarded: for=127.0.0.1, nonsense\r\n"]),
    ] {
        let proxy = behind_proxies(echo.addr(), fields, &rules).await;
        assert_eq!(exchange(proxy.http, &purge(b"")).await.status, 200, "the proxy itself may");
        for line in lines {
            let got = exchange(proxy.http, &purge(line)).await;
            assert_eq!(got.status, 403, "{}", String::from_utf8_lossy(line));
        }
    }
}

/// Gateways to applications take `X_Forwarded_For` for `X-Forwarded-For`, and make of `Proxy` the variable `HTTP_PROXY`.
#[tokio::test]
async fn claims_with_underscores_and_httpoxy_do_not_reach_the_upstream() {
    const CLAIMS: &str = "X_Forwarded_For: 6.6.6.6\r\nX_FORWARDED_HOST: evil\r\nX-Original_URL: /evil\r\nX_Real_IP: 6.6.6.6\r\n\
                          Proxy: http://evil\r\nFront-End-Https: evil\r\nX-Url-Scheme: evil\r\nClient-IP: 6.6.6.6\r\n";
    let echo = Echo::start().await;
    let proxy = Proxy::start(echo.addr(), &cache_all("forward = \"all\"")).await;
    let passed = format!("POST /p HTTP/1.1\r\nHost: {SHOP}\r\nConnection: close\r\nContent-Length: 0\r\n{CLAIMS}\r\n");
    for request in [passed.into_bytes(), get(SHOP, "/p", CLAIMS)] {
        let got = exchange(proxy.http, &request).await;
        assert!(got.status == 200 && got.body.contains("Host: shop.example"), "{got:?}");
        assert!(!got.body.contains("evil") && !got.body.contains("6.6.6.6"), "{got:?}");
    }
}

/// The edge adds who the client is; a client that names those fields in Connection must not have the next hop take them out.
#[tokio::test]
async fn connection_does_not_take_the_edges_word_from_the_upstream() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(echo.addr(), &cache_all("")).await;
    for names in ["x-forwarded-for", "x-forwarded-proto, x-forwarded-host", "x-request-id", "host", "via"] {
        for method in ["POST", "GET"] {
            let request = format!(
                "{method} /p HTTP/1.1\r\nHost: {SHOP}\r\nConnection: close, {names}\r\nContent-Length: 0\r\n\r\n"
            );
            let got = exchange(proxy.http, request.as_bytes()).await;
            let asked = echo.heads().last().cloned().unwrap_or_default().to_lowercase();
            assert!(got.status == 400 || !asked.contains(&format!(", {names}")), "{method} {names}: {asked}");
        }
    }
}

/// Under fixed times an answer that is to be validated each time says nothing of being shared.
#[tokio::test]
async fn a_page_of_one_session_is_not_shared_for_a_rules_time() {
    for fields in
        ["max-age=0", "no-cache", "no-cache, max-age=60", "s-maxage=0, max-age=60", "max-age=0, must-revalidate"]
    {
        let answer = format!("Cache-Control: {fields}\r\nETag: \"1\"\r\n");
        let echo = Echo::answering(move |request| {
            response(
                "200 OK",
                &answer,
                request.header("cookie").or(request.header("authorization")).unwrap_or("nobody"),
            )
        })
        .await;
        let rules = cache_all("forward = \"all\"\nbypass = { authorization = false }")
            .replace("\"respect\"\nbrowser", "\"4h\"\nbrowser");
        let proxy = Proxy::start(echo.addr(), &rules).await;
        for (path, lines) in
            [("/cookie", LOGGED_IN), ("/nameless", "Cookie: =secret\r\n"), ("/auth", "Authorization: secret\r\n")]
        {
            assert!(exchange(proxy.http, &get(SHOP, path, lines)).await.body.contains("secret"));
            proxy.settled().await;
            assert_eq!(exchange(proxy.http, &get(SHOP, path, "")).await.body, "nobody", "{fields} {path}");
        }
    }
}

async fn send(proxy: &Proxy, lines: &str) -> TcpStream {
    let mut stream = TcpStream::connect(proxy.http).await.unwrap();
    stream.write_all(&get(SHOP, "/p", lines)).await.unwrap();
    stream
}

/// A failure of the upstream is told to all who wait for it, but not where it is the answer to one of them.
#[tokio::test]
async fn a_failure_with_a_cookie_or_for_one_session_is_not_told_to_others() {
    let rules = cache_all("forward = \"all\"\nresponses = [{ status = [\"5xx\"], store = false }]");
    for (lines, fields) in [
        ("", "Set-Cookie: session=secret-of-the-first\r\n"),
        ("", "Cache-Control: private\r\n"),
        ("", "Cache-Control: no-store\r\n"),
        (LOGGED_IN, ""),
    ] {
        let mut upstream = Upstream::start().await;
        let proxy = Proxy::start(upstream.addr(), &rules).await;
        let first = send(&proxy, lines).await;
        proxy.engine.until_waiting(1).await;
        let held = upstream.next().await;
        let second = send(&proxy, "").await;
        proxy.engine.until_waiting(2).await;
        held.send(&response("500 Broken", fields, "secret-of-the-first"));
        drop(held);
        upstream.answer(&response("500 Broken", "", "of the second")).await;
        let (first, second) = (read(first).await, read(second).await);
        assert!(first.contains("secret-of-the-first"), "{first}");
        assert!(second.ends_with("of the second") && !second.contains("secret"), "{fields:?} {lines:?}: {second}");
    }
}

async fn read(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut all).await.unwrap();
    String::from_utf8(all).unwrap()
}

/// A request is held until its answer comes, and a client may be gone by then.
#[tokio::test]
async fn heads_of_a_mebibyte_are_not_held() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(echo.addr(), &cache_all("")).await;
    let of = |length: usize| get(SHOP, "/p", &format!("X-Long: {}\r\n", "x".repeat(length)));
    assert_eq!(exchange(proxy.http, &of(60 << 10)).await.status, 200);
    let got = exchange(proxy.http, &of(900 << 10)).await;
    assert_eq!((got.status, echo.asked()), (431, 1), "{}", got.head);
    let many = (0..200).map(|n| format!("X-{n}: {}\r\n", "x".repeat(400))).collect::<Vec<_>>().concat();
    assert_eq!(exchange(proxy.http, &get(SHOP, "/p", &many)).await.status, 431);
}
