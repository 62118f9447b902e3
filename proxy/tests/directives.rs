//! What clients ask of caches (RFC 9111 §5.2.1): heeded where the rule says so, else but for `only-if-cached`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use support::{Got, Proxy, Upstream, cache_all, fetch, response};

const OBEY: &str = "request_directives = \"obey\"";

async fn ask(proxy: &Proxy, directives: &str) -> Got {
    fetch(proxy.get("/a").header("cache-control", directives)).await.unwrap()
}

/// A proxy that holds `/a`, ten seconds old by its Age, fresh for a minute.
async fn holding(keys: &str, freshness: &str) -> (Upstream, Proxy) {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(keys)).await;
    let first = proxy.getting("/a");
    upstream.answer(&response("200 OK", &format!("{freshness}ETag: \"1\"\r\n"), "one")).await;
    first.await.unwrap().unwrap();
    proxy.settled().await;
    (upstream, proxy)
}

#[tokio::test]
async fn a_client_can_ask_for_a_fresher_answer_and_gets_it_by_validation() {
    for directives in ["no-cache", "max-age=5", "min-fresh=55"] {
        let (mut upstream, proxy) = holding(OBEY, "Cache-Control: max-age=60\r\nAge: 10\r\n").await;
        assert!(ask(&proxy, "max-age=50, min-fresh=5, no-store, x=1").await.is_hit(), "{directives}");
        let asking = tokio::spawn(fetch(proxy.get("/a").header("cache-control", directives)));
        let request = upstream.next().await;
        assert_eq!(request.header("if-none-match"), Some("\"1\""), "{directives}");
        assert_eq!(request.header("cache-control"), Some(directives), "RFC 9111 §5.2: it goes on");
        request.send(b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nCache-Control: max-age=60\r\n\r\n");
        drop(request);
        let got = asking.await.unwrap().unwrap();
        assert_eq!(got.body, "one");
        assert!(got.cache_status().contains("fwd=request; fwd-status=304"), "{directives}: {got:?}");
        assert_eq!(upstream.asked(), 2);
    }
}

#[tokio::test]
async fn a_client_can_take_what_is_stale() {
    let (mut upstream, proxy) = holding(OBEY, "Cache-Control: max-age=60\r\nAge: 70\r\n").await;
    let got = ask(&proxy, "max-stale=1000").await;
    assert_eq!(got.body, "one");
    assert!(got.cache_status().contains("reason=max_stale"), "{got:?}");
    assert_eq!(upstream.asked(), 1);
    let asking = tokio::spawn(fetch(proxy.get("/a").header("cache-control", "max-stale=5")));
    upstream.answer(&response("200 OK", "Cache-Control: max-age=60\r\n", "two")).await;
    assert_eq!(asking.await.unwrap().unwrap().body, "two", "it is ten seconds past its freshness");
}

#[tokio::test]
async fn only_if_cached_never_asks_the_upstream() {
    for keys in ["", OBEY] {
        let upstream = Upstream::start().await;
        let proxy = Proxy::start(upstream.addr(), &cache_all(keys)).await;
        let got = ask(&proxy, "only-if-cached").await;
        assert_eq!(got.status, 504, "RFC 9111 §5.2.1.7");
        assert!(got.cache_status().contains("rule=all reason=only_if_cached"), "{got:?}");
        assert_eq!(upstream.asked(), 0);
        let (upstream, proxy) = holding(keys, "Cache-Control: max-age=60\r\n").await;
        assert!(ask(&proxy, "only-if-cached").await.is_hit());
        assert_eq!(upstream.asked(), 1);
    }
}

#[tokio::test]
async fn what_a_client_forbids_to_store_is_not_stored_and_nobody_queues_for_it() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(OBEY)).await;
    let secret = tokio::spawn(fetch(proxy.get("/a").header("cache-control", "no-store")));
    let held = upstream.next().await;
    // Another client's request does not join it.
    let open = proxy.getting("/a");
    let other = upstream.next().await;
    other.send(&response("200 OK", "Cache-Control: max-age=60\r\n", "open"));
    drop(other);
    assert_eq!(open.await.unwrap().unwrap().body, "open");
    held.send(&response("200 OK", "Cache-Control: max-age=60\r\n", "secret"));
    drop(held);
    let got = secret.await.unwrap().unwrap();
    assert_eq!(got.body, "secret");
    assert!(got.cache_status().contains("request_no_store"), "{got:?}");
    proxy.settled().await;
    let hit = fetch(proxy.get("/a")).await.unwrap();
    assert_eq!((hit.is_hit(), hit.body.as_str()), (true, "open"));
}

#[tokio::test]
async fn strangers_cannot_make_the_upstream_work_unless_the_rule_lets_them() {
    let (upstream, proxy) = holding("", "Cache-Control: max-age=60\r\nAge: 10\r\n").await;
    for directives in ["no-cache", "no-store", "max-age=0", "min-fresh=100", "unknown"] {
        assert!(ask(&proxy, directives).await.is_hit(), "{directives}");
    }
    let pragma = fetch(proxy.get("/a").header("pragma", "no-cache")).await.unwrap();
    assert!(pragma.is_hit());
    assert_eq!(upstream.asked(), 1);
}

/// RFC 9111 §5.2.1.4: nothing stored is used without successful validation, so a failure does not count as one.
#[tokio::test]
async fn who_wants_a_validated_answer_gets_no_other_when_the_upstream_fails() {
    let (mut upstream, proxy) = holding(OBEY, "Cache-Control: max-age=60, stale-if-error=60\r\nAge: 10\r\n").await;
    for directives in ["no-cache", "max-age=5"] {
        let asking = tokio::spawn(fetch(proxy.get("/a").header("cache-control", directives)));
        upstream.answer(&response("503 Service Unavailable", "", "broken")).await;
        assert_eq!(asking.await.unwrap().unwrap().status, 503, "{directives}");
    }
    assert!(fetch(proxy.get("/a")).await.unwrap().is_hit(), "for others it is still there");
}
