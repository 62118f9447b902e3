//! What is cached, for whom, and what is not.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use reqwest::Method;
use support::{Proxy, Upstream, cache_all, fetch, response};

/// Fields that Vary names are compared, whichever they are.
const EXACT: &str = "vary = { unknown = \"exact\" }";
const FRESH: &str = "Cache-Control: max-age=60\r\n";

#[tokio::test]
async fn a_miss_and_then_a_hit_with_age() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let first = proxy.getting("/a?b=2&a=1&utm_source=x");
    let request = upstream.next().await;
    assert!(request.head().starts_with("GET /a?a=1&b=2 HTTP/1.1\r\n"), "{}", request.head());
    request.send(&response("200 OK", "Cache-Control: max-age=60\r\nAge: 7\r\nETag: \"1\"\r\n", "hello"));
    drop(request);
    let first = first.await.unwrap().unwrap();
    assert_eq!((first.status, first.body.as_str()), (200, "hello"));
    assert!(first.cache_status().starts_with("vitrine; fwd=uri-miss; fwd-status=200; stored"), "{first:?}");
    proxy.settled().await;

    let hit = fetch(proxy.get("/a?a=1&b=2")).await.unwrap();
    assert_eq!(hit.body, "hello");
    assert!(hit.is_hit(), "{hit:?}");
    assert!(hit.header("age").parse::<u64>().unwrap() >= 7, "{hit:?}");
    assert_eq!(hit.header("content-length"), "5");

    let head = fetch(proxy.request(Method::HEAD, "/a?a=1&b=2")).await.unwrap();
    assert!(head.is_hit() && head.body.is_empty());
    assert_eq!(head.header("content-length"), "5");

    let not_modified = fetch(proxy.get("/a?a=1&b=2").header("if-none-match", "W/\"1\"")).await.unwrap();
    assert_eq!(not_modified.status, 304);
    assert_eq!(not_modified.header("etag"), "\"1\"");
    assert_eq!(upstream.asked(), 1);
}

/// RFC 9110 §6.6.1: when the origin made it, also where Expires is counted from it (RFC 9111 §4.2.1).
#[tokio::test]
async fn date_stays_the_origins() {
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    let mut upstream = Upstream::start().await;
    let rules = "[[rules]]\nname = \"all\"\naction = \"cache\"\npaths = [\"/**\"]\nedge_ttl = \"1h\"\n";
    let proxy = Proxy::start(upstream.addr(), rules).await;
    let dated = response("200 OK", &format!("Date: {DATE}\r\nETag: \"1\"\r\n"), "hello");
    let missing = proxy.getting("/");
    upstream.answer(&dated).await;
    assert_eq!(missing.await.unwrap().unwrap().header("date"), DATE, "a miss");
    proxy.settled().await;
    let hit = fetch(proxy.get("/")).await.unwrap();
    assert!(hit.is_hit() && hit.body == "hello", "{hit:?}");
    assert_eq!(hit.header("date"), DATE, "a hit");
    let not_modified = fetch(proxy.get("/").header("if-none-match", "\"1\"")).await.unwrap();
    assert_eq!((not_modified.status, not_modified.header("date")), (304, DATE));

    let passing = tokio::spawn(fetch(proxy.request(Method::POST, "/")));
    upstream.answer(&dated).await;
    assert_eq!(passing.await.unwrap().unwrap().header("date"), DATE, "what is passed");

    let undated = tokio::spawn(fetch(proxy.request(Method::POST, "/")));
    upstream.answer(&response("200 OK", "", "")).await;
    let own = undated.await.unwrap().unwrap();
    assert!(own.header("date").ends_with(" GMT") && own.header("date") != DATE, "{own:?}");
}

#[tokio::test]
async fn a_fill_sends_only_what_the_key_holds() {
    let mut upstream = Upstream::start().await;
    let rules = cache_all("key = { query = \"all\", headers = [\"x-locale\"], cookies = [\"currency\"] }");
    let proxy = Proxy::start(upstream.addr(), &rules).await;
    let request = proxy
        .get("/")
        .header("cookie", "session=secret; currency=eur")
        .header("x-locale", "da")
        .header("x-forwarded-host", "evil.example")
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-original-url", "/admin")
        .header("user-agent", "someone")
        .header("cache-min-epoch", "9.9")
        .header("x-request-id", "abc-1");
    let getting = tokio::spawn(fetch(request));
    let asked = upstream.next().await;
    assert_eq!(asked.header("cookie"), Some("currency=eur"));
    assert_eq!(asked.header("x-locale"), Some("da"));
    assert_eq!(asked.header("x-forwarded-host"), Some(proxy.http.to_string().as_str()));
    assert_eq!(asked.header("x-forwarded-for"), None);
    assert_eq!(asked.header("x-original-url"), None);
    assert_eq!(asked.header("user-agent"), Some("vitrine"));
    assert_eq!(asked.header("cache-min-epoch"), None);
    assert_eq!(asked.header("x-request-id"), Some("abc-1"));
    let fields = "Cache-Control: max-age=60\r\nCache-Epoch: 0.0\r\nVitrine-Tags: product:1\r\n";
    asked.send(&response("200 OK", fields, "x"));
    drop(asked);
    let got = getting.await.unwrap().unwrap();
    assert_eq!(got.header("x-request-id"), "abc-1");
    for name in ["cache-epoch", "vitrine-tags", "vitrine-valid-until"] {
        assert_eq!(got.header(name), "", "{name} is for edges alone");
    }
}

#[tokio::test]
async fn a_named_cookie_and_authorization_pass() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("bypass = { cookies = [\"sid\"] }")).await;
    for (name, value) in [("cookie", "sid=1"), ("authorization", "Bearer 1")] {
        for _ in 0..2 {
            let request = proxy
                .get("/")
                .header(name, value)
                .header("x-forwarded-for", "6.6.6.6")
                .header("forwarded", "for=6.6.6.6")
                .header("x-forwarded-ssl", "on")
                .header("cache-epoch", "9.9")
                .header("cache-min-epoch", "9.9");
            let getting = tokio::spawn(fetch(request));
            let asked = upstream.next().await;
            assert_eq!(asked.header(name), Some(value));
            assert_eq!(asked.header("x-forwarded-for"), Some("127.0.0.1"));
            for claim in ["forwarded", "x-forwarded-ssl", "cache-epoch", "cache-min-epoch"] {
                assert_eq!(asked.header(claim), None, "{claim}");
            }
            asked.send(&response("200 OK", "Cache-Control: max-age=60\r\nVitrine-Tags: a\r\n", value));
            drop(asked);
            let got = getting.await.unwrap().unwrap();
            assert_eq!(got.body, value);
            assert!(got.cache_status().contains("fwd=bypass"), "{got:?}");
            assert_eq!(got.header("vitrine-tags"), "");
        }
    }
    // Another cookie is nobody's business: cached, and not sent.
    let getting = tokio::spawn(fetch(proxy.get("/").header("cookie", "theme=dark")));
    let asked = upstream.next().await;
    assert_eq!(asked.header("cookie"), None);
    asked.send(&response("200 OK", FRESH, "for all"));
    drop(asked);
    getting.await.unwrap().unwrap();
    proxy.settled().await;
    assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
    assert_eq!(upstream.asked(), 5);
}

#[tokio::test]
async fn a_response_that_sets_a_cookie_is_neither_stored_nor_shared() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let first = proxy.getting("/");
    let held = upstream.next().await;
    let second = proxy.getting("/");
    proxy.engine.until_waiting(2).await;
    held.send(&response("200 OK", "Cache-Control: max-age=60\r\nSet-Cookie: id=1\r\n", "one"));
    drop(held);
    // The one who waited asks on its own and gets its own.
    upstream.answer(&response("200 OK", "Cache-Control: max-age=60\r\nSet-Cookie: id=2\r\n", "two")).await;
    let mut got = [first.await.unwrap().unwrap(), second.await.unwrap().unwrap()];
    got.sort_by(|one, other| one.body.cmp(&other.body));
    assert_eq!((got[0].body.as_str(), got[0].header("set-cookie")), ("one", "id=1"));
    assert_eq!((got[1].body.as_str(), got[1].header("set-cookie")), ("two", "id=2"));
    assert!(got[0].cache_status().contains("set_cookie"), "{:?}", got[0]);
    assert_eq!(proxy.engine.context().store.len(), 0);
}

#[tokio::test]
async fn who_cannot_share_does_not_queue() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let first = proxy.getting("/");
    upstream.answer(&response("200 OK", "Cache-Control: private\r\n", "one")).await;
    first.await.unwrap().unwrap();
    // Both are at the upstream at once: neither waits for the other.
    let (second, third) = (proxy.getting("/"), proxy.getting("/"));
    let (one, other) = (upstream.next().await, upstream.next().await);
    other.send(&response("200 OK", "Cache-Control: private\r\n", "x"));
    one.send(&response("200 OK", "Cache-Control: private\r\n", "y"));
    drop((one, other));
    assert_ne!(second.await.unwrap().unwrap().body, third.await.unwrap().unwrap().body);
}

#[tokio::test]
async fn hosts_are_not_mixed() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    for host in ["one.example", "two.example"] {
        let getting = tokio::spawn(fetch(proxy.get("/").header("host", host)));
        let asked = upstream.next().await;
        assert_eq!(asked.header("host"), Some(host));
        asked.send(&response("200 OK", FRESH, host));
        drop(asked);
        assert_eq!(getting.await.unwrap().unwrap().body, host);
        proxy.settled().await;
    }
    for host in ["ONE.example", "two.example:80"] {
        let got = fetch(proxy.get("/").header("host", host)).await.unwrap();
        assert!(got.is_hit());
        assert_eq!(got.body, host.to_lowercase().trim_end_matches(":80"));
    }
}

#[tokio::test]
async fn variants_are_kept_apart() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(EXACT)).await;
    let vary = "Cache-Control: max-age=60\r\nVary: Accept-Language\r\n";
    // What the upstream varies by is not known yet, so it is not told the language; its answer is not used for this client.
    let danish = tokio::spawn(fetch(proxy.get("/").header("accept-language", "da")));
    let asked = upstream.next().await;
    assert_eq!(asked.header("accept-language"), None);
    asked.send(&response("200 OK", vary, "hello"));
    drop(asked);
    let asked = upstream.next().await;
    assert_eq!(asked.header("accept-language"), Some("da"));
    asked.send(&response("200 OK", vary, "hej"));
    drop(asked);
    assert_eq!(danish.await.unwrap().unwrap().body, "hej");
    proxy.settled().await;

    let german = tokio::spawn(fetch(proxy.get("/").header("accept-language", "de")));
    let asked = upstream.next().await;
    assert_eq!(asked.header("accept-language"), Some("de"));
    asked.send(&response("200 OK", vary, "hallo"));
    drop(asked);
    let german = german.await.unwrap().unwrap();
    assert!(german.cache_status().contains("vary-miss"), "{german:?}");
    proxy.settled().await;

    for (language, body) in [(Some("da"), "hej"), (Some("de"), "hallo"), (None, "hello")] {
        let request = proxy.get("/");
        let request = match language {
            Some(language) => request.header("accept-language", language),
            None => request,
        };
        let got = fetch(request).await.unwrap();
        assert!(got.is_hit(), "{language:?}: {got:?}");
        assert_eq!(got.body, body);
    }
    assert_eq!(upstream.asked(), 3);
}

#[tokio::test]
async fn a_successful_unsafe_method_drops_what_is_stored() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let first = proxy.getting("/thing");
    upstream.answer(&response("200 OK", FRESH, "old")).await;
    first.await.unwrap().unwrap();
    proxy.settled().await;
    for (answer, still_stored) in [("404 Not Found", true), ("200 OK", false)] {
        let posting = tokio::spawn(fetch(proxy.request(Method::POST, "/thing").body("{}")));
        let asked = upstream.next().await;
        assert_eq!(asked.body(), b"{}");
        asked.send(&response(answer, "", ""));
        drop(asked);
        posting.await.unwrap().unwrap();
        let again = proxy.getting("/thing");
        if !still_stored {
            upstream.answer(&response("200 OK", FRESH, "new")).await;
        }
        let again = again.await.unwrap().unwrap();
        assert_eq!((again.is_hit(), again.body == "old"), (still_stored, still_stored), "{answer}: {again:?}");
    }
}

#[tokio::test]
async fn the_byte_budget_is_kept() {
    let mut upstream = Upstream::start().await;
    let proxy =
        Proxy::with(upstream.addr(), "", "[cache]\nmemory = \"4MiB\"\nmax_object = \"256KiB\"", &cache_all("")).await;
    let body = "x".repeat(100_000);
    for number in 0..60 {
        let getting = proxy.getting(&format!("/{number}"));
        upstream.answer(&response("200 OK", FRESH, &body)).await;
        assert_eq!(getting.await.unwrap().unwrap().body.len(), body.len());
        proxy.settled().await;
        let store = &proxy.engine.context().store;
        assert!(store.bytes() <= store.capacity(), "{} of {}", store.bytes(), store.capacity());
        assert_eq!(proxy.engine.context().budget.used(), 0);
    }
    let store = &proxy.engine.context().store;
    assert!(store.len() < 42 && store.len() > 30, "{}", store.len());

    // Too large by its own word, and too large as it turns out.
    let large = "y".repeat(300_000);
    let chunked = format!("HTTP/1.1 200 OK\r\n{FRESH}Transfer-Encoding: chunked\r\n\r\n493e0\r\n{large}\r\n0\r\n\r\n");
    for answer in [response("200 OK", FRESH, &large), chunked.into_bytes()] {
        let getting = proxy.getting("/large");
        upstream.answer(&answer).await;
        assert_eq!(getting.await.unwrap().unwrap().body, large);
        proxy.settled().await;
        assert_eq!(proxy.engine.context().budget.used(), 0);
    }
    assert_eq!(upstream.asked(), 62);
}

#[tokio::test]
async fn malformed_requests_are_refused_with_json() {
    let upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let got = fetch(proxy.get("/").header("host", "a b")).await.unwrap();
    assert_eq!(got.status, 400);
    let long = fetch(proxy.get(&format!("/{}", "a".repeat(20_000)))).await.unwrap();
    assert_eq!(long.status, 414);
    assert_eq!(long.header("content-type"), "application/json");
    assert!(long.body.contains("\"type\":\"invalid_request\""), "{}", long.body);
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test]
async fn an_upstream_that_is_gone_gives_a_clear_error() {
    let addr = Upstream::start().await.stop().await;
    let proxy = Proxy::start(addr, &cache_all("bypass = { cookies = [\"sid\"] }")).await;
    for request in [proxy.get("/"), proxy.get("/").header("cookie", "sid=1")] {
        let got = fetch(request).await.unwrap();
        assert_eq!(got.status, 502, "{got:?}");
        assert!(got.body.contains("upstream_failed"), "{}", got.body);
    }
}

/// A 304 may tell other fields than the response that it confirms (RFC 9110 §15.4.5), Vary among them.
#[tokio::test]
async fn a_304_that_begins_to_vary_is_not_shared_with_those_who_waited() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(EXACT)).await;
    let first = proxy.getting("/");
    upstream.answer(&response("200 OK", "Cache-Control: max-age=0\r\nETag: \"1\"\r\n", "plain")).await;
    assert_eq!(first.await.unwrap().unwrap().body, "plain");
    proxy.settled().await;

    let starter = proxy.getting("/");
    proxy.engine.until_waiting(1).await;
    let danish = tokio::spawn(fetch(proxy.get("/").header("accept-language", "da")));
    proxy.engine.until_waiting(2).await;
    let fields = "Cache-Control: max-age=60\r\nETag: \"1\"\r\nVary: Accept-Language\r\n";
    upstream.answer(format!("HTTP/1.1 304 Not Modified\r\n{fields}\r\n").as_bytes()).await;
    assert_eq!(starter.await.unwrap().unwrap().body, "plain");
    // The first answer tells by what it varies; only then is that field sent.
    upstream.answer(&response("200 OK", fields, "plain")).await;
    let asked = upstream.answer(&response("200 OK", fields, "dansk")).await;
    assert!(asked.to_lowercase().contains("accept-language: da"), "{asked}");
    assert_eq!(danish.await.unwrap().unwrap().body, "dansk");
}
