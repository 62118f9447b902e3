//! Invalidation by unsafe methods (RFC 9111 §4.4).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use reqwest::Method;
use support::{Got, Proxy, Upstream, fetch, response};

const FRESH: &str = "Cache-Control: max-age=60\r\n";
const RULES: &str = "[[rules]]\nname = \"cart\"\naction = \"pass\"\npaths = [\"/cart/**\"]\n\
                     [[rules]]\nname = \"all\"\naction = \"cache\"\npaths = [\"/**\"]\n\
                     key = { headers = [\"x-shop\"] }\n";

async fn fill(proxy: &Proxy, upstream: &mut Upstream, path: &str, shop: &str, body: &str) {
    let getting = tokio::spawn(fetch(proxy.get(path).header("x-shop", shop)));
    upstream.answer(&response("200 OK", FRESH, body)).await;
    assert_eq!(getting.await.unwrap().unwrap().body, body);
    proxy.settled().await;
}

/// Sends an unsafe request, answered by the upstream.
async fn change(proxy: &Proxy, upstream: &mut Upstream, method: &str, path: &str, status: &str, fields: &str) -> Got {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let changing = tokio::spawn(fetch(proxy.request(method, path)));
    upstream.answer(&response(status, fields, "")).await;
    changing.await.unwrap().unwrap()
}

/// Whether a path is answered from the cache; where not, it is filled again.
async fn is_hit(proxy: &Proxy, upstream: &mut Upstream, path: &str, shop: &str) -> bool {
    let getting = tokio::spawn(fetch(proxy.get(path).header("x-shop", shop)));
    tokio::select! {
        got = getting => got.unwrap().unwrap().is_hit(),
        request = upstream.next() => {
            request.send(&response("200 OK", FRESH, "again"));
            drop(request);
            proxy.settled().await;
            false
        }
    }
}

#[tokio::test]
async fn a_success_invalidates_the_uri_with_all_keyed_headers() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    for (method, status, invalidates) in [
        ("POST", "200 OK", true),
        ("PUT", "204 No Content", true),
        ("DELETE", "303 See Other", true),
        ("FROBNICATE", "200 OK", true),
        ("POST", "404 Not Found", false),
        ("POST", "503 Service Unavailable", false),
        ("OPTIONS", "200 OK", false),
    ] {
        for shop in ["1", "2"] {
            is_hit(&proxy, &mut upstream, "/p?b=2&a=1", shop).await;
            proxy.settled().await;
        }
        change(&proxy, &mut upstream, method, "/p?a=1&b=2&utm_source=x", status, "").await;
        for shop in ["1", "2"] {
            let hit = is_hit(&proxy, &mut upstream, "/p?a=1&b=2", shop).await;
            assert_eq!(hit, !invalidates, "{method} {status} {shop}");
        }
    }
}

#[tokio::test]
async fn uris_of_the_same_origin_that_the_answer_names_are_invalidated_too() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    let host = proxy.http.to_string();
    for path in ["/a", "/b", "/c"] {
        fill(&proxy, &mut upstream, path, "1", path).await;
    }
    let fields = format!("Location: ../a\r\nContent-Location: http://{host}/b\r\n");
    change(&proxy, &mut upstream, "POST", "/new/", "201 Created", &fields).await;
    assert!(!is_hit(&proxy, &mut upstream, "/a", "1").await);
    assert!(!is_hit(&proxy, &mut upstream, "/b", "1").await);
    assert!(is_hit(&proxy, &mut upstream, "/c", "1").await);
    // Another origin must not reach into this one, nor an error anything.
    let fields = format!("Location: http://other.example/a\r\nContent-Location: https://{host}/b\r\n");
    change(&proxy, &mut upstream, "POST", "/new/", "201 Created", &fields).await;
    change(&proxy, &mut upstream, "POST", "/new/", "400 Bad Request", "Location: /c\r\n").await;
    for path in ["/a", "/b", "/c"] {
        assert!(is_hit(&proxy, &mut upstream, path, "1").await, "{path}");
    }
}

#[tokio::test]
async fn it_reaches_a_running_fill() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    let before = proxy.getting("/p");
    let held = upstream.next().await;
    change(&proxy, &mut upstream, "POST", "/p", "200 OK", "").await;
    let after = proxy.getting("/p");
    proxy.engine.until_waiting(2).await;
    held.send(&response("200 OK", FRESH, "old"));
    drop(held);
    // Who asked before the change may have the old answer; who asked after it may not, and it is not kept.
    assert_eq!(before.await.unwrap().unwrap().body, "old");
    upstream.answer(&response("200 OK", FRESH, "new")).await;
    assert_eq!(after.await.unwrap().unwrap().body, "new");
    proxy.settled().await;
    let stored = fetch(proxy.get("/p")).await.unwrap();
    assert!(stored.is_hit() && stored.body == "new", "{stored:?}");
}

#[tokio::test]
async fn it_reaches_a_validation_and_a_refresh_behind() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    let not_modified = b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\n\r\n";
    for stale in ["max-age=0", "max-age=0, stale-while-revalidate=60"] {
        let getting = proxy.getting("/p");
        let fields = format!("Cache-Control: {stale}\r\nETag: \"1\"\r\n");
        upstream.answer(&response("200 OK", &fields, "old")).await;
        getting.await.unwrap().unwrap();
        proxy.settled().await;
        let before = proxy.getting("/p");
        let validation = upstream.next().await;
        assert_eq!(validation.header("if-none-match"), Some("\"1\""));
        change(&proxy, &mut upstream, "PUT", "/p", "204 No Content", "").await;
        validation.send(not_modified);
        drop(validation);
        assert_eq!(before.await.unwrap().unwrap().body, "old");
        proxy.settled().await;
        let after = proxy.getting("/p");
        upstream.answer(&response("200 OK", FRESH, "new")).await;
        assert_eq!(after.await.unwrap().unwrap().body, "new");
        change(&proxy, &mut upstream, "PUT", "/p", "204 No Content", "").await;
    }
}

#[tokio::test]
async fn an_answer_to_an_unsafe_method_purges_the_groups_that_it_names() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    let groups = format!("{FRESH}Cache-Groups: \"prices\", \"stock\"\r\n");
    let getting = proxy.getting("/p");
    upstream.answer(&response("200 OK", &groups, "x")).await;
    getting.await.unwrap().unwrap();
    proxy.settled().await;
    fill(&proxy, &mut upstream, "/other", "1", "x").await;
    let named = "Cache-Group-Invalidation: \"news\", \"stock\"\r\n";
    // RFC 9875 §3: ignored on answers to safe methods, and other groups stay.
    change(&proxy, &mut upstream, "GET", "/cart/1", "200 OK", named).await;
    change(&proxy, &mut upstream, "POST", "/cart/1", "200 OK", "Cache-Group-Invalidation: \"news\"\r\n").await;
    assert!(fetch(proxy.get("/p")).await.unwrap().is_hit());
    change(&proxy, &mut upstream, "POST", "/cart/1", "200 OK", named).await;
    let getting = proxy.getting("/p");
    upstream.answer(&response("200 OK", FRESH, "new")).await;
    assert_eq!(getting.await.unwrap().unwrap().body, "new");
    assert!(is_hit(&proxy, &mut upstream, "/other", "1").await);
}

#[tokio::test]
async fn strangers_requests_leave_nothing_behind_where_nothing_is_stored() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    fill(&proxy, &mut upstream, "/p", "1", "x").await;
    let context = proxy.engine.context();
    let (stamp, tags) = (context.live.stamp(), context.live.tags());
    for number in 0..20 {
        change(&proxy, &mut upstream, "POST", &format!("/random/{number}"), "200 OK", "Location: /r\r\n").await;
        change(&proxy, &mut upstream, "POST", "/cart/1", "200 OK", "").await;
    }
    assert_eq!((context.live.stamp(), context.live.tags(), context.presence.len()), (stamp, tags, 1));
    assert!(is_hit(&proxy, &mut upstream, "/p", "1").await);
    // Where something is stored it takes no place in the tag table either, however often it comes.
    for _ in 0..20 {
        change(&proxy, &mut upstream, "POST", "/p", "200 OK", "").await;
    }
    assert_eq!((context.live.tags(), context.presence.len()), (tags, 1));
    assert!(!is_hit(&proxy, &mut upstream, "/p", "1").await);
}
