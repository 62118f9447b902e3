//! What rules change of messages: edits, CORS, and whom the edge believes who the client is.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use support::echo::{Echo, reflected};
use support::raw::{Raw, exchange, get};
use support::{Proxy, cache_all, response};

const HOST: &str = "shop.example";
const PAGE: &str = "https://page.example";

/// Reflects the request, with CORS and caching of its own, as shops' APIs do.
async fn api() -> Echo {
    Echo::answering(|request| {
        let fields = "Cache-Control: max-age=60\r\nVary: Origin\r\nETag: \"1\"\r\nServer: origin\r\n\
                      Access-Control-Allow-Origin: https://upstream.example\r\nAccess-Control-Max-Age: 5\r\n";
        response("200 OK", fields, &reflected(request))
    })
    .await
}

async fn ask(proxy: &Proxy, method: &str, path: &str, lines: &str) -> Raw {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{lines}\r\n");
    let got = exchange(proxy.http, request.as_bytes()).await;
    proxy.settled().await;
    got
}

const EDITS: &str = "request_headers = { set = { X-Tenant = \"a\" }, remove = [\"x-locale\"] }\n\
                     response_headers = { set = { Strict-Transport-Security = \"max-age=9\" }, add = { Link = \"<x>\" }, \
                     remove = [\"server\"] }\nkey = { headers = [\"x-locale\"] }\n";

fn assert_edited(got: &Raw) {
    assert_eq!(got.lines("strict-transport-security"), ["max-age=9"], "{got:?}");
    assert_eq!(got.lines("link"), ["<x>"], "{got:?}");
    assert_eq!(got.header("server"), None, "{got:?}");
}

#[tokio::test]
async fn edits_are_made_on_misses_hits_304_passes_and_errors() {
    let echo = api().await;
    let rules =
        cache_all(&format!("{EDITS}vary = {{ origin = \"exact\" }}\n")).replace("methods = [\"GET\", \"HEAD\"]\n", "");
    let proxy = Proxy::start(echo.addr(), &rules).await;
    let miss = ask(&proxy, "GET", "/p", "X-Tenant: strangers\r\nX-Locale: de\r\n").await;
    let hit = ask(&proxy, "GET", "/p", "X-Locale: de\r\n").await;
    assert!(hit.head.contains("vitrine; hit"), "{hit:?}");
    let not_modified = ask(&proxy, "GET", "/p", "X-Locale: de\r\nIf-None-Match: \"1\"\r\n").await;
    assert_eq!(not_modified.status, 304);
    let passed = ask(&proxy, "POST", "/p", "X-Tenant: strangers\r\nX-Locale: de\r\nContent-Length: 0\r\n").await;
    assert!(passed.head.contains("fwd=method"), "{passed:?}");
    for got in [&miss, &hit, &not_modified, &passed] {
        assert_edited(got);
    }
    for got in [&miss, &passed] {
        let body = got.body.to_lowercase();
        assert!(
            body.contains("x-tenant: a\r\n") && !body.contains("strangers") && !body.contains("x-locale"),
            "{got:?}"
        );
    }

    let nobody = Proxy::start(support::local(), &rules).await;
    for method in ["GET", "POST"] {
        let failed = ask(&nobody, method, "/p", "Content-Length: 0\r\n").await;
        assert!(failed.status >= 502, "{failed:?}");
        assert_edited(&failed);
        assert!(failed.header("cache-status").unwrap().contains("rule=all"), "{failed:?}");
    }
}

#[tokio::test]
async fn rules_with_other_edits_share_no_objects() {
    let echo = Echo::start().await;
    let rule = |name: &str, tenant: &str, condition: &str| {
        format!(
            "[[rules]]\nname = \"{name}\"\naction = \"cache\"\npaths = [\"/**\"]\n{condition}\
             request_headers = {{ set = {{ X-Tenant = \"{tenant}\" }} }}\n"
        )
    };
    let rules =
        format!("{}{}", rule("one", "tenant-one", "headers = { x-one = true }\n"), rule("two", "tenant-two", ""));
    let proxy = Proxy::start(echo.addr(), &rules).await;
    assert!(ask(&proxy, "GET", "/p", "X-One: 1\r\n").await.body.contains("tenant-one"));
    assert!(ask(&proxy, "GET", "/p", "").await.body.contains("tenant-two"));
    assert!(ask(&proxy, "GET", "/p", "X-One: 1\r\n").await.head.contains("hit"));
}

fn cors(more: &str) -> String {
    let cors = format!(
        "cors = {{ origins = [\"{PAGE}\", \"https://*.shop.example\"], methods = [\"PUT\"], credentials = true }}\n"
    );
    cache_all(&format!("{cors}{more}"))
}

#[tokio::test]
async fn preflights_are_answered_by_the_rule_of_what_they_ask_for() {
    let echo = api().await;
    let rules = format!(
        "[[rules]]\nname = \"writes\"\naction = \"pass\"\npaths = [\"/**\"]\nmethods = [\"PUT\"]\n\
         cors = {{ origins = [\"{PAGE}\"], methods = [\"PUT\"], credentials = true, max_age = \"10m\" }}\n\
         response_headers = {{ set = {{ Strict-Transport-Security = \"max-age=9\" }} }}\n{}",
        cache_all("")
    );
    let proxy = Proxy::start(echo.addr(), &rules).await;
    let asking = |origin: &str, method: &str| {
        format!(
            "Origin: {origin}\r\nAccess-Control-Request-Method: {method}\r\nAccess-Control-Request-Headers: x-a\r\n"
        )
    };
    let allowed = ask(&proxy, "OPTIONS", "/p", &asking(PAGE, "PUT")).await;
    assert_eq!((allowed.status, allowed.body.as_str()), (204, ""), "{allowed:?}");
    for (name, value) in [
        ("access-control-allow-origin", PAGE),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "PUT"),
        ("access-control-allow-headers", "x-a"),
        ("access-control-max-age", "600"),
        ("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
        ("strict-transport-security", "max-age=9"),
        ("cache-status", "vitrine; detail=\"rule=writes\""),
    ] {
        assert_eq!(allowed.header(name), Some(value), "{allowed:?}");
    }
    let refused = ask(&proxy, "OPTIONS", "/p", &asking("https://evil.example", "PUT")).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (204, None));
    assert_eq!(echo.asked(), 0);
    // Of the rule without CORS, and no preflight: the upstream answers.
    for lines in [asking(PAGE, "GET"), format!("Origin: {PAGE}\r\n")] {
        let passed = ask(&proxy, "OPTIONS", "/p", &lines).await;
        assert_eq!(passed.header("access-control-allow-origin"), Some("https://upstream.example"), "{passed:?}");
    }
    assert_eq!(echo.asked(), 2);
}

#[tokio::test]
async fn a_connection_lives_on_after_a_preflight() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let echo = api().await;
    let proxy = Proxy::start(echo.addr(), &cors("")).await;
    let mut stream = tokio::net::TcpStream::connect(proxy.http).await.unwrap();
    let preflight =
        format!("OPTIONS /p HTTP/1.1\r\nHost: {HOST}\r\nOrigin: {PAGE}\r\nAccess-Control-Request-Method: GET\r\n\r\n");
    stream.write_all(preflight.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
    }
    stream.write_all(&get(HOST, "/p", "")).await.unwrap();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.matches("HTTP/1.1 204").count(), 1, "{text}");
    assert_eq!(text.matches("HTTP/1.1 200").count(), 1, "{text}");
}

#[tokio::test]
async fn one_object_serves_all_origins_each_with_its_own_mark() {
    for forward in ["keyed", "headers", "all"] {
        let echo = api().await;
        let proxy = Proxy::start(echo.addr(), &cors(&format!("forward = \"{forward}\"\n"))).await;
        for (index, (origin, allowed)) in [
            (PAGE, true),
            ("https://a.shop.example", true),
            ("https://evil.example", false),
            ("null", false),
            ("", false),
        ]
        .into_iter()
        .enumerate()
        {
            let line = if origin.is_empty() { String::new() } else { format!("Origin: {origin}\r\n") };
            let got = ask(&proxy, "GET", "/p", &line).await;
            assert_eq!(got.head.contains("vitrine; hit"), index > 0, "{forward}: {got:?}");
            assert_eq!(got.header("access-control-allow-origin"), allowed.then_some(origin), "{forward}: {got:?}");
            assert_eq!(got.header("access-control-allow-credentials"), allowed.then_some("true"));
            assert_eq!(got.header("access-control-max-age"), None, "the upstream's own is replaced");
            assert_eq!(got.lines("vary"), ["Origin"], "{forward}: {got:?}");
            assert!(!got.body.to_lowercase().contains("\norigin:"), "the upstream is not told: {got:?}");
        }
        assert_eq!(echo.asked(), 1, "{forward}");
        // A request that is passed tells the upstream, which may refuse strangers, and is marked all the same.
        let passed = ask(&proxy, "GET", "/p", &format!("Origin: {PAGE}\r\nAuthorization: x\r\n")).await;
        assert!(passed.body.contains(&format!("Origin: {PAGE}")), "{passed:?}");
        assert_eq!(passed.lines("access-control-allow-origin"), [PAGE]);
        let not_modified = ask(&proxy, "GET", "/p", &format!("Origin: {PAGE}\r\nIf-None-Match: \"1\"\r\n")).await;
        assert_eq!((not_modified.status, not_modified.header("access-control-allow-origin")), (304, Some(PAGE)));
    }
}

#[tokio::test]
async fn where_all_may_read_the_answer_is_one_for_all() {
    let echo = api().await;
    let proxy = Proxy::start(echo.addr(), &cache_all("cors = { origins = [\"*\"] }")).await;
    for lines in ["", "Origin: null\r\n", "Origin: https://a.example\r\n"] {
        let got = ask(&proxy, "GET", "/p", lines).await;
        assert_eq!(got.lines("access-control-allow-origin"), ["*"], "{got:?}");
        assert_eq!((got.header("vary"), got.header("access-control-allow-credentials")), (None, None), "{got:?}");
    }
    assert_eq!(echo.asked(), 1);
}

const TRUSTED: &str = "trusted_proxies = [\"127.0.0.1\"]";
const CLAIMS: &str = "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: www.shop.example\r\n\
                      X-Forwarded-Prefix: /x\r\nX-Real-IP: 192.0.2.1\r\nX-Original-URL: /admin\r\n";

#[tokio::test]
async fn trusted_proxies_say_who_the_client_is() {
    let echo = Echo::start().await;
    let proxy = Proxy::with(echo.addr(), "", &format!("{TRUSTED}\n"), &cache_all("")).await;
    let by_http = ask(&proxy, "GET", "/p", "").await;
    let by_https = ask(&proxy, "GET", "/p", CLAIMS).await;
    assert!(!by_https.head.contains("hit"), "scheme and host are of the key: {by_https:?}");
    for (got, host, scheme) in [(&by_http, HOST, "http"), (&by_https, "www.shop.example", "https")] {
        let body = got.body.to_lowercase();
        for line in [
            format!("\nhost: {host}\r"),
            format!("x-forwarded-proto: {scheme}\r"),
            format!("x-forwarded-host: {host}\r"),
        ] {
            assert!(body.contains(&line), "{line}: {got:?}");
        }
        for claim in ["x-forwarded-for", "x-forwarded-prefix", "x-real-ip", "x-original-url"] {
            assert!(!body.contains(claim), "a fill is for all: {got:?}");
        }
    }
    assert!(ask(&proxy, "GET", "/p", CLAIMS).await.head.contains("hit"));

    let passed = ask(&proxy, "POST", "/p", &format!("{CLAIMS}Content-Length: 0\r\n")).await.body.to_lowercase();
    for line in ["x-forwarded-for: 192.0.2.1, 127.0.0.1\r", "x-forwarded-proto: https\r", "x-real-ip: 192.0.2.1\r"] {
        assert!(passed.contains(line), "{line}: {passed}");
    }
    for claim in ["6.6.6.6", "x-forwarded-prefix", "x-original-url"] {
        assert!(!passed.contains(claim), "{passed}");
    }
}

#[tokio::test]
async fn strangers_say_nothing_of_who_they_are() {
    let echo = Echo::start().await;
    let proxy = Proxy::with(echo.addr(), "", "trusted_proxies = [\"192.0.2.0/24\"]\n", &cache_all("")).await;
    let first = ask(&proxy, "GET", "/p", CLAIMS).await;
    let second = ask(&proxy, "GET", "/p", "").await;
    assert!(first.body.contains(HOST) && second.head.contains("hit"), "{first:?} {second:?}");
    let passed = ask(&proxy, "POST", "/p", &format!("{CLAIMS}Content-Length: 0\r\n")).await.body.to_lowercase();
    assert!(
        passed.contains("x-forwarded-for: 127.0.0.1\r") && passed.contains("x-forwarded-proto: http\r"),
        "{passed}"
    );
    for claim in ["6.6.6.6", "192.0.2.1", "www.shop.example", "x-forwarded-prefix", "x-original-url", "x-real-ip"] {
        assert!(!passed.contains(claim), "{claim}: {passed}");
    }
}

#[tokio::test]
async fn a_host_that_a_proxy_brings_is_checked_as_any() {
    let echo = Echo::start().await;
    let proxy = Proxy::with(echo.addr(), "", &format!("{TRUSTED}\n"), &cache_all("")).await;
    let got = ask(&proxy, "GET", "/p", "X-Forwarded-Host: a@b\r\n").await;
    assert_eq!((got.status, echo.asked()), (400, 0));
}
