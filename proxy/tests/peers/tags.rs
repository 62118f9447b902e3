//! Tags: too many, odd ones, none, and a great many purges.

use serde_json::json;
use vitrine_shared::feed::Mode;

use crate::support::{Proxy, Upstream, cache_all, response};
use crate::{FRESH, fill, got, is_hit, purge, purged};

/// `CloudFront` keeps 50 tags of an object and drops the rest, which then purge nothing. Here an answer is kept with all its tags or not at all.
#[tokio::test]
async fn an_answer_with_too_many_tags_is_not_stored_and_the_last_that_fits_purges() {
    const MOST: usize = 1_000;
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::with(upstream.addr(), "tag_headers = [\"Surrogate-Key\"]", "", &cache_all("")).await;
    let tagged = |count: usize| {
        let names: Vec<String> = (1..=count).map(|number| format!("t{number}")).collect();
        let line = |some: &[String]| format!("Surrogate-Key: {}\r\n", some.join(" "));
        format!("{FRESH}{}", names.chunks(100).map(line).collect::<String>())
    };
    let getting = proxy.getting("/");
    upstream.answer(&response("200 OK", &tagged(MOST + 1), "x")).await;
    let refused = got(getting).await;
    assert!(refused.cache_status().contains("too_many_tags"), "{refused:?}");
    proxy.settled().await;
    assert_eq!(proxy.engine.context().store.len(), 0);
    // One fill is under way when its last tag is purged, the next is stored by then.
    let last = json!({ "tag": format!("t{MOST}") });
    let before = proxy.getting("/");
    let held = upstream.next().await;
    purged(&proxy, &last).await;
    held.send(&response("200 OK", &tagged(MOST), "old"));
    drop(held);
    assert_eq!(got(before).await.body, "old");
    proxy.settled().await;
    fill(&proxy, &mut upstream, "/", &tagged(MOST), "new").await;
    is_hit(&proxy, "/", "new").await;
    purged(&proxy, &last).await;
    fill(&proxy, &mut upstream, "/", FRESH, "newer").await;
}

/// Souin#867: `product:1` was taken for an unanchored pattern, and the tags that it matched were dropped from the index.
#[tokio::test]
async fn a_tag_is_no_pattern_and_purging_one_leaves_the_others_purgeable() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let tags = ["product:1", "product:10", "xproduct:1", "product.1", "product:1x", "Product:1", ".*", "product:"];
    for tag in tags {
        let fields = format!("{FRESH}Vitrine-Tags: {tag} all-of-them\r\n");
        fill(&proxy, &mut upstream, &format!("/{}", tag.replace('*', "star")), &fields, tag).await;
    }
    // One after the other, and each stays purgeable by its own.
    for (gone, tag) in tags.iter().enumerate() {
        purged(&proxy, &json!({ "tag": tag })).await;
        for (number, other) in tags.iter().enumerate() {
            let path = format!("/{}", other.replace('*', "star"));
            if number > gone {
                is_hit(&proxy, &path, other).await;
            }
        }
        let path = format!("/{}", tag.replace('*', "star"));
        fill(&proxy, &mut upstream, &path, &format!("{FRESH}Vitrine-Tags: all-of-them\r\n"), "new").await;
    }
    purged(&proxy, &json!({ "tag": "all-of-them" })).await;
    for tag in tags {
        fill(&proxy, &mut upstream, &format!("/{}", tag.replace('*', "star")), FRESH, "newer").await;
    }
}

/// cache-handler#127: what has no tag was kept under the empty one, and purged by whatever has no name.
#[tokio::test]
async fn what_has_no_tag_is_reached_by_no_tag_and_by_all_else() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let host = proxy.http.to_string();
    for (fields, path) in [("", "/a/1"), ("Vitrine-Tags: \r\n", "/a/2"), ("Vitrine-Tags:\r\n", "/a/3")] {
        fill(&proxy, &mut upstream, path, &format!("{FRESH}{fields}"), path).await;
    }
    for nothing in ["", " "] {
        let refused = purge(&proxy, json!([{ "tag": nothing }])).await;
        assert_eq!(refused.status, 400, "{refused:?}");
    }
    purged(&proxy, &json!({ "tag": "t" })).await;
    for path in ["/a/1", "/a/2", "/a/3"] {
        is_hit(&proxy, path, path).await;
    }
    // By its URL, and on its way by its prefix.
    purged(&proxy, &json!({ "url": format!("http://{host}/a/1") })).await;
    let before = proxy.getting("/a/1");
    let held = upstream.next().await;
    purged(&proxy, &json!({ "prefix": format!("{host}/a") })).await;
    held.send(&response("200 OK", FRESH, "old"));
    drop(held);
    assert_eq!(got(before).await.body, "old");
    proxy.settled().await;
    for path in ["/a/1", "/a/2", "/a/3"] {
        fill(&proxy, &mut upstream, path, FRESH, "new").await;
    }
}

/// magento2#30128: 25,000 updates flushed the cache 25,000 times. Here each reaches what shows it.
#[tokio::test]
async fn many_purges_neither_flush_the_rest_nor_spoil_fills_under_way() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let of = |product: usize| format!("{FRESH}Vitrine-Tags: product:{product}\r\n");
    fill(&proxy, &mut upstream, "/untouched", &of(30_000), "untouched").await;
    fill(&proxy, &mut upstream, "/changed", &of(24_999), "old").await;
    let under_way = proxy.getting("/under-way");
    let held = upstream.next().await;
    let floor = proxy.engine.context().live.floor();
    for product in 0..25_000 {
        proxy.purge(Mode::Hard, &[&format!("product:{product}")]);
    }
    assert_eq!(proxy.engine.context().live.floor(), floor, "nothing was flushed");
    is_hit(&proxy, "/untouched", "untouched").await;
    held.send(&response("200 OK", &of(30_001), "under way"));
    drop(held);
    assert_eq!(got(under_way).await.body, "under way");
    proxy.settled().await;
    is_hit(&proxy, "/under-way", "under way").await;
    fill(&proxy, &mut upstream, "/changed", &of(24_999), "new").await;
    assert_eq!(upstream.asked(), 4);
}
