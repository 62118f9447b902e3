//! The feed: purges by stream and endpoint, gaps, and what an edge does while it is cut off (invalidation protocol, rules 3,
//! 9 and 11).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use redis::AsyncCommands as _;
use support::origin_feed::OriginFeed;
use support::{LIMIT, Proxy, Upstream, cache_all, fetch, response};
use vitrine_load_tests::stack::{Redis, Scratch, wait_until};
use vitrine_proxy::feed::connection::State;
use vitrine_shared::clock::BootTime;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, STREAM_FIELD, STREAM_KEY};

const EPOCHS: &str = "speaks_epochs = true\nreads_through = true";
/// What the upstream answers at epoch 1.5; see [`at`].
const FIELDS: &str = "Cache-Control: max-age=600\r\nETag: \"1\"\r\nVitrine-Tags: product:1\r\nCache-Epoch: 1.5\r\n";

/// The same at a later epoch.
fn at(epoch: &str) -> String {
    FIELDS.replace("1.5", epoch)
}

async fn edge(upstream: &Upstream, feed: &OriginFeed, redis: &str, keys: &str) -> Proxy {
    let proxy = Proxy::with(upstream.addr(), EPOCHS, &feed.table(redis), &cache_all(keys)).await;
    connected(&proxy, true).await;
    proxy
}

async fn connected(proxy: &Proxy, expected: bool) {
    let is = async || (proxy.engine.connection().state(BootTime::now()) == State::Connected) == expected;
    wait_until("the lease comes or goes", LIMIT, is).await.unwrap();
}

async fn applied(proxy: &Proxy, epoch: Epoch) {
    let is = async || proxy.engine.context().live.applied() == epoch;
    wait_until("the purges are applied", LIMIT, is).await.unwrap();
}

async fn publish(redis: &Redis, batch: &Batch) {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let text = serde_json::to_string(batch).unwrap();
    let _: String = connection.xadd(STREAM_KEY, batch.stream_id(), &[(STREAM_FIELD, text)]).await.unwrap();
}

async fn stored(proxy: &Proxy, upstream: &mut Upstream, path: &str, body: &str) {
    let getting = proxy.getting(path);
    upstream.answer(&response("200 OK", FIELDS, body)).await;
    assert_eq!(getting.await.unwrap().unwrap().body, body);
    proxy.settled().await;
}

#[tokio::test]
async fn purges_come_by_the_stream_and_are_reported_at_once() {
    let scratch = Scratch::new().unwrap();
    let redis = Redis::start(scratch.data()).await.unwrap();
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let proxy = edge(&upstream, &feed, &redis.url(), "").await;
    let status = proxy.feed.clone().unwrap();
    wait_until("the stream is read", LIMIT, async || status.snapshot().stream_up).await.unwrap();
    let getting = proxy.getting("/");
    let asked = upstream.next().await;
    assert_eq!(asked.header("cache-min-epoch"), Some("1.5"));
    asked.send(&response("200 OK", FIELDS, "old"));
    drop(asked);
    let got = getting.await.unwrap().unwrap();
    assert!(!got.cache_status().contains("outside-promise"), "{got:?}");
    proxy.settled().await;

    // Before the purge is committed at the origin's endpoint the edge can have it by the stream only.
    let pages = feed.pages();
    publish(&redis, &feed.commit(&["product:1"])).await;
    applied(&proxy, Epoch::new(1, 6)).await;
    let reported = async || feed.members().values().any(|report| report.applied == Epoch::new(1, 6));
    wait_until("the progress is reported", LIMIT, reported).await.unwrap();
    assert!(feed.pages() <= pages + 1, "the endpoint need not be asked while the stream works");

    let getting = proxy.getting("/");
    let asked = upstream.next().await;
    assert_eq!(asked.header("cache-min-epoch"), Some("1.6"));
    asked.send(&response("200 OK", &at("1.6"), "new"));
    drop(asked);
    assert_eq!(getting.await.unwrap().unwrap().body, "new");
}

#[tokio::test]
async fn a_gap_in_the_stream_is_closed_by_the_endpoint() {
    let scratch = Scratch::new().unwrap();
    let redis = Redis::start(scratch.data()).await.unwrap();
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let proxy = edge(&upstream, &feed, &redis.url(), "").await;
    stored(&proxy, &mut upstream, "/", "old").await;
    feed.commit(&["product:1"]);
    publish(&redis, &feed.commit(&["product:2"])).await;
    applied(&proxy, Epoch::new(1, 7)).await;
    assert_eq!(proxy.engine.context().live.floor(), Epoch::new(1, 5), "the history was held, so no floor is raised");
    let getting = proxy.getting("/");
    upstream.answer(&response("200 OK", &at("1.7"), "new")).await;
    assert_eq!(getting.await.unwrap().unwrap().body, "new");
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_leads_to_the_endpoint() {
    let scratch = Scratch::new().unwrap();
    let redis = Redis::start(scratch.data()).await.unwrap();
    let (upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let proxy = edge(&upstream, &feed, &redis.url(), "").await;
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: String = connection.xadd(STREAM_KEY, "1-6", &[(STREAM_FIELD, "{\"v\":99}")]).await.unwrap();
    feed.commit(&["product:1"]);
    applied(&proxy, Epoch::new(1, 6)).await;
    publish(&redis, &feed.commit(&["product:2"])).await;
    applied(&proxy, Epoch::new(1, 7)).await;
}

#[tokio::test]
async fn without_redis_the_endpoint_is_polled_and_nothing_is_lost() {
    let scratch = Scratch::new().unwrap();
    let mut redis = Redis::start(scratch.data()).await.unwrap();
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let proxy = edge(&upstream, &feed, &redis.url(), "").await;
    stored(&proxy, &mut upstream, "/", "old").await;
    redis.stop_hard();
    for number in 0..5 {
        feed.commit(&[&format!("product:{number}")]);
    }
    applied(&proxy, Epoch::new(1, 10)).await;
    assert_eq!(proxy.engine.context().live.floor(), Epoch::new(1, 5));
    connected(&proxy, true).await;
    redis.restart().await.unwrap();
    let status = proxy.feed.clone().unwrap();
    wait_until("the stream is read again", LIMIT, async || status.snapshot().stream_up).await.unwrap();
    publish(&redis, &feed.commit(&["product:9"])).await;
    applied(&proxy, Epoch::new(1, 11)).await;
}

#[tokio::test]
async fn past_the_held_history_a_position_is_taken() {
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let proxy = edge(&upstream, &feed, "", "").await;
    stored(&proxy, &mut upstream, "/", "old").await;
    feed.up(false);
    connected(&proxy, false).await;
    feed.commit(&["product:1"]);
    feed.commit(&["product:2"]);
    feed.forget();
    feed.up(true);
    applied(&proxy, Epoch::new(1, 7)).await;
    assert_eq!(proxy.engine.context().live.floor(), Epoch::new(1, 7));
    connected(&proxy, true).await;
    let getting = proxy.getting("/");
    upstream.answer(&response("200 OK", &at("1.7"), "new")).await;
    assert_eq!(getting.await.unwrap().unwrap().body, "new");
}

#[tokio::test]
async fn cut_off_every_hit_asks_and_a_304_serves() {
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let proxy = edge(&upstream, &feed, "", "").await;
    stored(&proxy, &mut upstream, "/", "same").await;
    assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
    feed.grant(false);
    connected(&proxy, false).await;

    // No joining either: both ask.
    let (one, other) = (proxy.getting("/"), proxy.getting("/"));
    for asked in [upstream.next().await, upstream.next().await] {
        assert_eq!(asked.header("if-none-match"), Some("\"1\""));
        asked.send(format!("HTTP/1.1 304 Not Modified\r\n{FIELDS}\r\n").as_bytes());
    }
    for got in [one.await.unwrap().unwrap(), other.await.unwrap().unwrap()] {
        assert_eq!((got.status, got.body.as_str()), (200, "same"));
        assert!(got.cache_status().contains("reason=disconnected"), "{got:?}");
        assert!(!got.is_hit());
    }

    feed.grant(true);
    connected(&proxy, true).await;
    assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
}

/// What was purged without this edge's knowledge may have been replaced within the second that a Last-Modified tells.
#[tokio::test]
async fn cut_off_nothing_is_confirmed_by_its_date() {
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let proxy = edge(&upstream, &feed, "", "").await;
    let dated = |fields: &str| format!("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n{fields}");
    for (path, fields) in [("/a", dated(FIELDS)), ("/b", dated(&FIELDS.replace("ETag: \"1\"\r\n", "")))] {
        let getting = proxy.getting(path);
        upstream.answer(&response("200 OK", &fields, "old")).await;
        assert_eq!(getting.await.unwrap().unwrap().body, "old");
    }
    proxy.settled().await;
    feed.up(false);
    connected(&proxy, false).await;
    feed.commit(&["product:1"]);
    for (path, tag) in [("/a", Some("\"1\"")), ("/b", None)] {
        let getting = proxy.getting(path);
        let asked = upstream.next().await;
        assert_eq!((asked.header("if-none-match"), asked.header("if-modified-since")), (tag, None), "{path}");
        asked.send(&response("200 OK", &at("1.6"), "new"));
        drop(asked);
        assert_eq!(getting.await.unwrap().unwrap().body, "new");
    }
}

#[tokio::test]
async fn cut_off_from_both_it_refuses_or_serves_for_a_time() {
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let strict = edge(&upstream, &feed, "", "").await;
    stored(&strict, &mut upstream, "/", "old").await;
    let forgiving = edge(&upstream, &feed, "", "serve_for = \"5m\"").await;
    stored(&forgiving, &mut upstream, "/", "old").await;
    stored(&forgiving, &mut upstream, "/2", "old").await;
    feed.up(false);
    connected(&strict, false).await;
    connected(&forgiving, false).await;
    let asking = strict.getting("/");
    upstream.answer(&response("502 Bad Gateway", "", "<html>")).await;
    let refused = asking.await.unwrap().unwrap();
    assert_eq!((refused.status, refused.header("content-type")), (503, "application/json"));
    let addr = upstream.stop().await;

    let refused = fetch(strict.get("/")).await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert!(refused.body.contains("\"type\":\"unavailable\""), "{}", refused.body);

    let old = fetch(forgiving.get("/")).await.unwrap();
    assert_eq!((old.status, old.body.as_str()), (200, "old"));
    assert!(old.cache_status().contains("serve_for"), "{old:?}");
    // What is known to be purged is not served even so.
    forgiving.purge(vitrine_shared::feed::Mode::Hard, &["product:1"]);
    assert_eq!(fetch(forgiving.get("/2")).await.unwrap().status, 503);

    let mut upstream = Upstream::start_at(addr).await;
    let back = forgiving.getting("/2");
    upstream.answer(&response("200 OK", &at("1.6"), "new")).await;
    assert_eq!(back.await.unwrap().unwrap().body, "new");
}

#[tokio::test]
async fn cut_off_files_that_never_change_are_served() {
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let proxy = edge(&upstream, &feed, "", "on_disconnect = \"serve\"").await;
    stored(&proxy, &mut upstream, "/", "file").await;
    feed.up(false);
    connected(&proxy, false).await;
    let got = fetch(proxy.get("/")).await.unwrap();
    assert!(got.is_hit() && got.cache_status().contains("reason=disconnected"), "{got:?}");
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn before_the_first_lease_the_edge_asks_and_is_not_ready() {
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    feed.grant(false);
    let proxy = Proxy::with(upstream.addr(), EPOCHS, &feed.table(""), &cache_all("")).await;
    applied(&proxy, Epoch::new(1, 5)).await;
    for body in ["one", "two"] {
        let getting = proxy.getting("/");
        upstream.answer(&response("200 OK", FIELDS, body)).await;
        assert_eq!(getting.await.unwrap().unwrap().body, body);
        proxy.settled().await;
    }
    let ready = || reqwest::get(format!("http://{}/health/ready", proxy.ops));
    assert_eq!(ready().await.unwrap().status(), 503);
    feed.grant(true);
    connected(&proxy, true).await;
    assert_eq!(ready().await.unwrap().status(), 200);
    assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
}

#[tokio::test]
async fn an_answer_without_an_epoch_is_labelled() {
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let proxy = Proxy::with(upstream.addr(), "", &feed.table(""), &cache_all("")).await;
    connected(&proxy, true).await;
    let getting = proxy.getting("/");
    let asked = upstream.next().await;
    assert_eq!(asked.header("cache-min-epoch"), None);
    asked.send(&response("200 OK", "Cache-Control: max-age=60\r\n", "x"));
    drop(asked);
    let got = getting.await.unwrap().unwrap();
    assert!(got.cache_status().contains("outside-promise"), "{got:?}");
}

#[tokio::test]
async fn an_upstream_that_lags_behind_what_it_acknowledged_is_not_believed() {
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let proxy = edge(&upstream, &feed, "", "").await;
    feed.commit(&["product:1"]);
    applied(&proxy, Epoch::new(1, 6)).await;
    let getting = proxy.getting("/");
    // It says itself that its answers are older than the purge.
    while !getting.is_finished() {
        tokio::select! {
            asked = upstream.next() => asked.send(&response("200 OK", FIELDS, "old")),
            () = tokio::task::yield_now() => {}
        }
    }
    let got = getting.await.unwrap().unwrap();
    assert_eq!((got.status, got.header("retry-after")), (503, "1"));
    assert_eq!(proxy.engine.context().store.len(), 0);
}

#[tokio::test]
async fn a_clean_stop_takes_leave() {
    let (upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let proxy = edge(&upstream, &feed, "", "").await;
    assert_eq!(feed.members().len(), 1);
    drop(proxy);
    wait_until("the edge takes leave", LIMIT, async || feed.members().is_empty()).await.unwrap();
}

#[tokio::test]
async fn where_one_origin_process_is_gone_the_next_one_is_asked() {
    let (upstream, first, second) = (Upstream::start().await, OriginFeed::start(5).await, OriginFeed::start(5).await);
    let table = first
        .table("")
        .replace(&format!("http://{}", first.addr), &format!("http://{}, http://{}", first.addr, second.addr));
    let proxy = Proxy::with(upstream.addr(), EPOCHS, &table, &cache_all("")).await;
    connected(&proxy, true).await;
    assert!(second.members().is_empty());
    first.up(false);
    wait_until("the other is told", LIMIT, async || !second.members().is_empty()).await.unwrap();
    connected(&proxy, true).await;
}
