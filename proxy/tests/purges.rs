//! Purges against everything that could bring back what they removed (invalidation protocol, rules 4 to 7).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use support::{Proxy, Upstream, cache_all, fetch, response};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::Mode;

const TAGGED: &str = "Cache-Control: max-age=60\r\nVitrine-Tags: product:1\r\n";

async fn stored(proxy: &Proxy, upstream: &mut Upstream, fields: &str, body: &str) {
    let getting = proxy.getting("/");
    upstream.answer(&response("200 OK", fields, body)).await;
    assert_eq!(getting.await.unwrap().unwrap().body, body);
    proxy.settled().await;
}

#[tokio::test]
async fn a_purge_reaches_stored_objects_by_tag() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("tags = [\"rule-tag\"]")).await;
    for tag in ["product:1", "rule-tag"] {
        stored(&proxy, &mut upstream, TAGGED, "old").await;
        proxy.purge(Mode::Hard, &["product:2"]);
        assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
        proxy.purge(Mode::Hard, &[tag]);
        let anew = proxy.getting("/");
        upstream.answer(&response("200 OK", "Cache-Control: max-age=0\r\nETag: \"1\"\r\n", "new")).await;
        let anew = anew.await.unwrap().unwrap();
        assert_eq!(anew.body, "new");
        assert!(anew.cache_status().contains("reason=purged"), "{anew:?}");
        proxy.settled().await;
    }
}

#[tokio::test]
async fn a_purge_beats_the_fill_that_it_overtakes() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let before = proxy.getting("/");
    let held = upstream.next().await;
    proxy.purge(Mode::Hard, &["product:1"]);
    let after = proxy.getting("/");
    proxy.engine.until_waiting(2).await;
    held.send(&response("200 OK", TAGGED, "old"));
    drop(held);
    // Who asked before the purge may have the old answer; who asked after it asks anew.
    assert_eq!(before.await.unwrap().unwrap().body, "old");
    upstream.answer(&response("200 OK", TAGGED, "new")).await;
    let after = after.await.unwrap().unwrap();
    assert_eq!(after.body, "new");
    assert!(after.cache_status().contains("reason=overtaken"), "{after:?}");
    proxy.settled().await;
    let later = fetch(proxy.get("/")).await.unwrap();
    assert!(later.is_hit(), "{later:?}");
    assert_eq!((later.body.as_str(), upstream.asked()), ("new", 2));
}

#[tokio::test]
async fn nobody_joins_a_body_that_a_purge_has_overtaken() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let mut before = proxy.get("/");
    let held = {
        let sending = tokio::spawn(before.try_clone().unwrap().send());
        let held = upstream.next().await;
        held.send(format!("HTTP/1.1 200 OK\r\n{TAGGED}Transfer-Encoding: chunked\r\n\r\n3\r\nold\r\n").as_bytes());
        let mut response = sending.await.unwrap().unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "old");
        proxy.purge(Mode::Hard, &["product:1"]);
        before = proxy.get("/");
        (held, response)
    };
    let after = tokio::spawn(fetch(before));
    upstream.answer(&response("200 OK", TAGGED, "new")).await;
    assert_eq!(after.await.unwrap().unwrap().body, "new");
    // The overtaken fill ends after the newer one was stored, and does not replace it.
    let (held, mut reading) = held;
    held.send(b"3\r\nold\r\n0\r\n\r\n");
    drop(held);
    assert_eq!(reading.chunk().await.unwrap().unwrap(), "old");
    proxy.settled().await;
    assert_eq!(fetch(proxy.get("/")).await.unwrap().body, "new");
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn a_waiter_takes_a_fill_of_which_nothing_was_purged() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let before = proxy.getting("/");
    let held = upstream.next().await;
    proxy.purge(Mode::Hard, &["product:2"]);
    let after = proxy.getting("/");
    proxy.engine.until_waiting(2).await;
    held.send(&response("200 OK", TAGGED, "same"));
    drop(held);
    assert_eq!(before.await.unwrap().unwrap().body, "same");
    assert_eq!(after.await.unwrap().unwrap().body, "same");
    proxy.settled().await;
    assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn a_raised_floor_overtakes_a_fill_too() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let before = proxy.getting("/");
    let held = upstream.next().await;
    proxy.engine.context().live.take_position(Epoch::new(2, 9));
    let after = proxy.getting("/");
    proxy.engine.until_waiting(2).await;
    held.send(&response("200 OK", TAGGED, "old"));
    drop(held);
    assert_eq!(before.await.unwrap().unwrap().body, "old");
    upstream.answer(&response("200 OK", TAGGED, "new")).await;
    assert_eq!(after.await.unwrap().unwrap().body, "new");
}

#[tokio::test]
async fn a_retry_is_stamped_anew() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    stored(&proxy, &mut upstream, "Cache-Control: max-age=0\r\nETag: \"0\"\r\n", "old").await;
    let getting = proxy.getting("/");
    let first_try = upstream.next().await;
    proxy.purge(Mode::Hard, &["product:1"]);
    first_try.hang_up();
    upstream.answer(&response("200 OK", TAGGED, "new")).await;
    assert_eq!(getting.await.unwrap().unwrap().body, "new");
    proxy.settled().await;
    // With the first attempt's stamp this would count as purged.
    let got = fetch(proxy.get("/")).await.unwrap();
    assert!(got.is_hit(), "{got:?}");
    assert_eq!(upstream.asked(), 3);
}

#[tokio::test]
async fn a_304_that_a_purge_overtakes_freshens_nothing() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let validated = "Cache-Control: max-age=0\r\nETag: \"1\"\r\nLast-Modified: Sat, 21 Nov 2026 08:00:00 GMT\r\n\
                     Vitrine-Tags: product:1\r\n";
    stored(&proxy, &mut upstream, validated, "old").await;
    let before = proxy.getting("/");
    let held = upstream.next().await;
    assert!(held.header("if-modified-since").is_some());
    proxy.purge(Mode::Hard, &["product:1"]);
    held.send(
        b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\nVitrine-Tags: product:1\r\n\r\n",
    );
    drop(held);
    assert_eq!(before.await.unwrap().unwrap().body, "old");
    proxy.settled().await;

    let after = proxy.getting("/");
    let asked = upstream.next().await;
    // Of a purged object only the entity tag can show that the content came out the same.
    assert_eq!((asked.header("if-none-match"), asked.header("if-modified-since")), (Some("\"1\""), None));
    asked.send(&response("200 OK", TAGGED, "new"));
    drop(asked);
    assert_eq!(after.await.unwrap().unwrap().body, "new");
    proxy.settled().await;
    assert_eq!(fetch(proxy.get("/")).await.unwrap().body, "new");
}

#[tokio::test]
async fn a_304_takes_new_tags() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    stored(&proxy, &mut upstream, "Cache-Control: max-age=0\r\nETag: \"1\"\r\nVitrine-Tags: product:1\r\n", "same")
        .await;
    let getting = proxy.getting("/");
    let fields = "Cache-Control: max-age=60\r\nETag: \"1\"\r\nVitrine-Tags: product:2\r\n";
    upstream.answer(format!("HTTP/1.1 304 Not Modified\r\n{fields}\r\n").as_bytes()).await;
    getting.await.unwrap().unwrap();
    proxy.settled().await;
    proxy.purge(Mode::Hard, &["product:1"]);
    assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
    proxy.purge(Mode::Hard, &["product:2"]);
    let getting = proxy.getting("/");
    upstream.answer(&response("200 OK", TAGGED, "new")).await;
    assert_eq!(getting.await.unwrap().unwrap().body, "new");
}

#[tokio::test]
async fn purged_is_not_stale() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let forgiving = "Cache-Control: max-age=60, stale-while-revalidate=60, stale-if-error=60\r\nVitrine-Tags: a\r\n";
    stored(&proxy, &mut upstream, forgiving, "old").await;
    proxy.purge(Mode::Soft, &["a"]);
    // Softly purged: served while one refresh runs behind.
    let soft = fetch(proxy.get("/")).await.unwrap();
    assert_eq!(soft.body, "old");
    assert!(soft.cache_status().contains("reason=soft_purged"), "{soft:?}");
    let refresh = upstream.next().await;
    proxy.purge(Mode::Hard, &["a"]);
    let is_repeated = !refresh.is_first();
    refresh.hang_up();
    if is_repeated {
        upstream.next().await.hang_up();
    }
    proxy.settled().await;
    let hard = proxy.getting("/");
    upstream.next().await.hang_up();
    assert_eq!(hard.await.unwrap().unwrap().status, 502);
}

#[tokio::test]
async fn tags_that_cannot_be_read_are_not_stored() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    for fields in [
        "Cache-Control: max-age=60\r\nVitrine-Tags: a,b\r\n",
        "Cache-Control: max-age=60\r\nCache-Epoch: never\r\n",
        "Cache-Control: max-age=60\r\nVitrine-Valid-Until: soon\r\n",
    ] {
        let getting = proxy.getting("/");
        upstream.answer(&response("200 OK", fields, "x")).await;
        let got = getting.await.unwrap().unwrap();
        assert!(got.cache_status().contains("protocol"), "{got:?}");
        assert_eq!(proxy.engine.context().store.len(), 0, "{fields}");
    }
}

#[tokio::test]
async fn content_that_ends_by_the_clock_is_not_served_after_its_end() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let ended = "Cache-Control: max-age=60, stale-while-revalidate=60, stale-if-error=60\r\nETag: \"1\"\r\n\
                 Vitrine-Valid-Until: 1000\r\n";
    stored(&proxy, &mut upstream, ended, "old").await;
    let getting = proxy.getting("/");
    upstream.answer(&response("503 Service Unavailable", "", "broken")).await;
    assert_eq!(getting.await.unwrap().unwrap().status, 503);
}

#[tokio::test]
async fn a_path_prefix_and_a_host_are_purged_as_tags_are() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let host = proxy.http.to_string();
    let paths = ["/store/products?a=1", "/store/products/1", "/store/productsets", "/pages/1"];
    let mut fill = async |path: &str| {
        let getting = proxy.getting(path);
        upstream.answer(&response("200 OK", "Cache-Control: max-age=60\r\n", "x")).await;
        assert_eq!(getting.await.unwrap().unwrap().status, 200);
        proxy.settled().await;
    };
    for path in paths {
        fill(path).await;
    }
    proxy.purge(Mode::Hard, &[&format!("prefix:{host}/store/products")]);
    for path in &paths[..2] {
        fill(path).await;
    }
    for path in paths {
        assert!(fetch(proxy.get(path)).await.unwrap().is_hit(), "{path}");
    }
    proxy.purge(Mode::Hard, &[&format!("host:{host}")]);
    for path in paths {
        fill(path).await;
    }
    assert_eq!(upstream.asked(), 4 + 2 + 4);
}
