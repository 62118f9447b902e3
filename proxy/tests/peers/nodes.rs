//! Several nodes, one above the other and side by side; restarts; and content that ends by the clock.

use vitrine_load_tests::stack::wait_until;
use vitrine_proxy::disk::Stage;
use vitrine_proxy::feed::connection::State;
use vitrine_shared::clock::BootTime;

use crate::support::origin_feed::OriginFeed;
use crate::support::{LIMIT, Proxy, Upstream, cache_all, fetch, response};
use crate::{FRESH, fill, got, is_hit};

const EPOCHS: &str = "speaks_epochs = true\nreads_through = true";

/// What the upstream answers at an epoch.
fn at(epoch: &str) -> String {
    format!("{FRESH}ETag: \"1\"\r\nVitrine-Tags: product:1\r\nCache-Epoch: {epoch}\r\n")
}

async fn edge(upstream: &Upstream, feed: &OriginFeed) -> Proxy {
    let proxy = Proxy::with(upstream.addr(), EPOCHS, &feed.table(""), &cache_all("")).await;
    proxy.connected().await;
    proxy
}

async fn cut_off(proxy: &Proxy) {
    let is = async || proxy.engine.connection().state(BootTime::now()) != State::Connected;
    wait_until("the lease runs out", LIMIT, is).await.unwrap();
}

/// next.js#92402: a purge at one instance leaves the others as they were. Here it is of the feed, and every edge follows it.
#[tokio::test]
async fn one_purge_reaches_every_edge_and_what_is_on_its_way_there() {
    let (mut upstream, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let (one, other) = (edge(&upstream, &feed).await, edge(&upstream, &feed).await);
    fill(&one, &mut upstream, "/", &at("1.5"), "old").await;
    let getting = other.getting("/");
    let held = upstream.next().await;
    let purge = feed.commit(&["product:1"]);
    for edge in [&one, &other] {
        edge.applied(purge.last()).await;
    }
    held.send(&response("200 OK", &at("1.5"), "old"));
    drop(held);
    assert_eq!(got(getting).await.body, "old");
    other.settled().await;
    for edge in [&one, &other] {
        fill(edge, &mut upstream, "/", &at("1.6"), "new").await;
        is_hit(edge, "/", "new").await;
    }
}

/// Magento sends purges to one Varnish after the other; the first that fails ends the loop, and nothing is tried again.
#[tokio::test]
async fn a_node_that_is_cut_off_keeps_no_purge_from_the_others_and_gets_it_later() {
    let mut upstream = Upstream::start().await;
    // Each has its own way to the origin; both ways lead to the same purges.
    let (first_feed, second_feed) = (OriginFeed::start(5).await, OriginFeed::start(5).await);
    let (first, second) = (edge(&upstream, &first_feed).await, edge(&upstream, &second_feed).await);
    for edge in [&first, &second] {
        fill(edge, &mut upstream, "/", &at("1.5"), "old").await;
    }
    first_feed.up(false);
    cut_off(&first).await;
    let purge = first_feed.commit(&["product:1"]);
    second_feed.commit(&["product:1"]);
    second.applied(purge.last()).await;
    fill(&second, &mut upstream, "/", &at("1.6"), "new").await;
    is_hit(&second, "/", "new").await;
    // The one that was not told serves nothing without asking.
    let getting = first.getting("/");
    let asked = upstream.next().await;
    assert_eq!(asked.header("if-none-match"), Some("\"1\""));
    asked.send(&response("200 OK", &at("1.6"), "new"));
    drop(asked);
    assert_eq!(got(getting).await.body, "new");
    // What it got meanwhile it had asked for as one that knows of no purge, so that is gone once it is told.
    first.settled().await;
    first_feed.up(true);
    first.applied(purge.last()).await;
    first.connected().await;
    fill(&first, &mut upstream, "/", &at("1.6"), "newer").await;
    is_hit(&first, "/", "newer").await;
}

/// mitodl/ol-infrastructure#5143, shopware/recipes#40, Ibexa IBX-5501: the shield has not been purged yet, or serves stale, and the edge
/// below it takes the old copy for a fresh one.
#[tokio::test]
async fn a_shields_stale_copy_is_not_freshened_below_it() {
    let (mut shield, feed) = (Upstream::start().await, OriginFeed::start(5).await);
    let edge = edge(&shield, &feed).await;
    fill(&edge, &mut shield, "/", &at("1.5"), "old").await;
    edge.applied(feed.commit(&["product:1"]).last()).await;
    // It confirms its own old copy, as new as the edge's, and then serves it whole.
    for answer in
        [format!("HTTP/1.1 304 Not Modified\r\n{}\r\n", at("1.5")).into_bytes(), response("200 OK", &at("1.5"), "old")]
    {
        let getting = edge.getting("/");
        let got = loop {
            tokio::select! {
                asked = shield.next() => {
                    assert_eq!(asked.header("cache-min-epoch"), Some("1.6"));
                    asked.send(&answer);
                }
                () = async { while !getting.is_finished() { tokio::task::yield_now().await } } => break got(getting).await,
            }
        };
        assert_eq!(got.status, 503, "{got:?}");
        edge.settled().await;
    }
    // It was purged too by now.
    fill(&edge, &mut shield, "/", &at("1.6"), "new").await;
    is_hit(&edge, "/", "new").await;
}

/// foyer: without its tombstones what was removed is there again after a restart. Here it is the fill that ends after the purge.
#[tokio::test]
async fn what_a_purge_overtook_does_not_come_back_with_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let disk = format!("[cache.disk]\npath = \"{}\"\nsize = \"64MiB\"\nadmission = \"all\"\n", folder.path().display());
    let mut upstream = Upstream::start().await;
    let addr = upstream.addr();
    let start = async || {
        let proxy = Proxy::with(addr, "", &disk, &cache_all("")).await;
        let tier = proxy.engine.context().disk.clone().unwrap();
        wait_until("the disk is read", LIMIT, async || tier.stage() == Stage::Ready).await.unwrap();
        (proxy, tier)
    };
    let asking = |proxy: &Proxy, path: &str| tokio::spawn(fetch(proxy.get(path).header("host", "shop.example")));
    let tagged = "Cache-Control: max-age=3600\r\nETag: \"1\"\r\nVitrine-Tags: t\r\n";
    let (proxy, tier) = start().await;
    let before = asking(&proxy, "/overtaken");
    let held = upstream.next().await;
    crate::purged(&proxy, &serde_json::json!({ "tag": "t" })).await;
    held.send(&response("200 OK", tagged, "old"));
    drop(held);
    assert_eq!(got(before).await.body, "old");
    // What was asked for after the purge is written, so what came before it had its turn.
    let after = asking(&proxy, "/kept");
    upstream.answer(&response("200 OK", tagged, "kept")).await;
    assert_eq!(got(after).await.body, "kept");
    proxy.settled().await;
    wait_until("it is written", LIMIT, async || tier.report().counts.writes >= 1).await.unwrap();
    proxy.stopped().await;

    let (proxy, _) = start().await;
    let kept = got(asking(&proxy, "/kept")).await;
    assert!(kept.is_hit() && kept.body == "kept", "{kept:?}");
    let anew = asking(&proxy, "/overtaken");
    upstream.answer(&response("200 OK", tagged, "new")).await;
    assert_eq!(got(anew).await.body, "new");
}

/// magento2#13325: a price rule began, and what was cached before stayed. A 304 says that the content is the same, and until when.
#[tokio::test]
async fn a_304_that_brings_a_nearer_boundary_ends_what_it_confirmed() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let until = |millis: u64| format!("ETag: \"1\"\r\nVitrine-Valid-Until: {millis}\r\n");
    let far = 4_102_444_800_000;
    fill(&proxy, &mut upstream, "/", &format!("Cache-Control: max-age=0\r\n{}", until(far)), "old").await;
    let lasting = "Cache-Control: max-age=60, stale-while-revalidate=60, stale-if-error=60\r\n";
    for (boundary, is_served) in [(far, true), (1_000, false)] {
        let getting = proxy.getting("/");
        let asked = upstream.next().await;
        assert_eq!(asked.header("if-none-match"), Some("\"1\""));
        // Served as long as the boundary lies ahead; then neither fresh nor stale, whatever else allows it.
        let lasting = if is_served { "Cache-Control: max-age=0\r\n" } else { lasting };
        asked.send(format!("HTTP/1.1 304 Not Modified\r\n{lasting}{}\r\n", until(boundary)).as_bytes());
        drop(asked);
        assert_eq!(got(getting).await.body, "old");
        proxy.settled().await;
    }
    let getting = proxy.getting("/");
    upstream.answer(&response("503 Service Unavailable", "", "broken")).await;
    assert_eq!(got(getting).await.status, 503);
}
