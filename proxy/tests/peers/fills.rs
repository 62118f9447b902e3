//! Fills under way, and purges that come before they end.

use serde_json::json;

use crate::support::{Proxy, Upstream, cache_all, fetch, response};
use crate::{FRESH, fill, got, is_hit, purged};

/// Varnish: a ban that comes while the body arrives is older than the object's reference to it.
#[tokio::test]
async fn a_purge_between_the_head_and_the_end_of_a_fill_reaches_it() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let host = proxy.http.to_string();
    for what in [
        json!({ "url": format!("http://{host}/a/b") }),
        json!({ "prefix": format!("{host}/a") }),
        json!({ "host": host }),
        json!({ "tag": "t" }),
        json!({ "all": true }),
    ] {
        let sending = tokio::spawn(proxy.get("/a/b").send());
        let held = upstream.next().await;
        let head = format!("HTTP/1.1 200 OK\r\n{FRESH}Vitrine-Tags: t\r\nContent-Length: 6\r\n\r\nold");
        held.send(head.as_bytes());
        let mut reading = sending.await.unwrap().unwrap();
        assert_eq!(reading.chunk().await.unwrap().unwrap(), "old");
        purged(&proxy, &what).await;
        held.send(b"old");
        drop(held);
        assert_eq!(reading.chunk().await.unwrap().unwrap(), "old");
        proxy.settled().await;
        // Complete now, and gone.
        fill(&proxy, &mut upstream, "/a/b", FRESH, "new").await;
        is_hit(&proxy, "/a/b", "new").await;
        purged(&proxy, &json!({ "all": true })).await;
    }
}

/// varnish-cache#4082: a 304 to what was asked before a purge must not touch what was stored after it.
#[tokio::test]
async fn a_304_that_comes_late_freshens_nothing_that_came_after_it_was_asked_for() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let stale = "Cache-Control: max-age=0\r\nETag: \"old\"\r\nVitrine-Tags: t\r\n";
    for (newer, is_kept) in [("Cache-Control: max-age=60\r\nETag: \"new\"\r\n", true), (stale, false)] {
        fill(&proxy, &mut upstream, "/", stale, "old").await;
        let before = proxy.getting("/");
        let validating = upstream.next().await;
        assert_eq!(validating.header("if-none-match"), Some("\"old\""));
        purged(&proxy, &json!({ "tag": "t" })).await;
        let after = proxy.getting("/");
        proxy.engine.until_waiting(2).await;
        // It waits for the validation, since that may yet show that nothing of it was purged; it may not take it.
        validating.send(b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nETag: \"old\"\r\n\r\n");
        drop(validating);
        assert_eq!(got(before).await.body, "old");
        upstream.answer(&response("200 OK", newer, "new")).await;
        assert_eq!(got(after).await.body, "new");
        proxy.settled().await;
        if is_kept {
            is_hit(&proxy, "/", "new").await;
        }
        purged(&proxy, &json!({ "all": true })).await;
    }
}

/// However many wait for a fill that a purge overtakes: who asked before may have it, and the others ask once together.
#[tokio::test]
async fn all_who_ask_after_a_purge_share_one_new_fill() {
    const EACH: usize = 20;
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let before: Vec<_> = (0..EACH).map(|_| proxy.getting("/")).collect();
    let held = upstream.next().await;
    proxy.engine.until_waiting(EACH).await;
    purged(&proxy, &json!({ "tag": "t" })).await;
    let after: Vec<_> = (0..EACH).map(|_| proxy.getting("/")).collect();
    proxy.engine.until_waiting(2 * EACH).await;
    held.send(&response("200 OK", &format!("{FRESH}Vitrine-Tags: t\r\n"), "old"));
    drop(held);
    for getting in before {
        assert_eq!(got(getting).await.body, "old");
    }
    let anew = upstream.next().await;
    proxy.engine.until_waiting(EACH).await;
    anew.send(&response("200 OK", FRESH, "new"));
    drop(anew);
    for getting in after {
        assert_eq!(got(getting).await.body, "new");
    }
    assert_eq!(upstream.asked(), 2);
}

/// `ngx_cache_purge`#16, #55, apisix#13523: of a URL's variants one is stored, the other on its way.
#[tokio::test]
async fn a_purge_reaches_a_variant_that_is_still_on_its_way() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("vary = { accept-language = \"exact\" }")).await;
    let varying = format!("{FRESH}Vary: Accept-Language\r\n");
    let speaking = |language: &str| tokio::spawn(fetch(proxy.get("/").header("accept-language", language)));
    // The first answer teaches by what it varies, and is asked for again with the field.
    let german = speaking("de");
    upstream.answer(&response("200 OK", &varying, "who")).await;
    upstream.answer(&response("200 OK", &varying, "alt")).await;
    assert_eq!(got(german).await.body, "alt");
    proxy.settled().await;
    let french = speaking("fr");
    let held = upstream.next().await;
    assert_eq!(held.header("accept-language"), Some("fr"));
    purged(&proxy, &json!({ "url": format!("http://{}/", proxy.http) })).await;
    held.send(&response("200 OK", &varying, "vieux"));
    drop(held);
    assert_eq!(got(french).await.body, "vieux");
    proxy.settled().await;
    for (language, body) in [("de", "neu"), ("fr", "nouveau")] {
        let getting = speaking(language);
        let asked = upstream.next().await;
        assert_eq!(asked.header("accept-language"), Some(language));
        asked.send(&response("200 OK", &varying, body));
        drop(asked);
        assert_eq!(got(getting).await.body, body);
        proxy.settled().await;
    }
    for (language, body) in [("de", "neu"), ("fr", "nouveau")] {
        let again = got(speaking(language)).await;
        assert!(again.is_hit() && again.body == body, "{again:?}");
    }
}

/// Cloudflare: purges by URL go through the rules, and one for GET alone or with a key of its own is missed.
#[tokio::test]
async fn a_url_is_purged_whatever_rule_stored_it() {
    let mut upstream = Upstream::start().await;
    let rules = "[[rules]]\nname = \"gets\"\naction = \"cache\"\npaths = [\"/**\"]\nmethods = [\"GET\"]\nedge_ttl = \"respect\"\n\
                 browser_ttl = \"respect\"\nheaders = { x-shop = \"*\" }\nkey = { query = { allow = [\"q\"] }, headers = [\"x-shop\"] }\n";
    let proxy = Proxy::start(upstream.addr(), rules).await;
    let asking = || tokio::spawn(fetch(proxy.get("/p?q=1&utm_source=a").header("x-shop", "1")));
    for url in ["/p?q=1", "/p?ignored=2&q=1"] {
        let getting = asking();
        upstream.answer(&response("200 OK", FRESH, "old")).await;
        assert_eq!(got(getting).await.body, "old");
        proxy.settled().await;
        assert!(got(asking()).await.is_hit());
        // As an operator sends it: without the header by which the rule is chosen.
        purged(&proxy, &json!({ "url": format!("http://{}{url}", proxy.http) })).await;
        let getting = asking();
        upstream.answer(&response("200 OK", FRESH, "new")).await;
        assert_eq!(got(getting).await.body, "new");
        proxy.settled().await;
        purged(&proxy, &json!({ "all": true })).await;
    }
}

/// The product is created while its absence is being answered.
#[tokio::test]
async fn an_absence_on_its_way_does_not_outlive_the_creation() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let fields = format!("{FRESH}Vitrine-Tags: product-handle:shirt\r\n");
    let stays = "/products/shoe";
    let getting = proxy.getting(stays);
    upstream.answer(&response("404 Not Found", &fields.replace("shirt", "shoe"), "no shoe")).await;
    assert_eq!(got(getting).await.status, 404);
    proxy.settled().await;

    let before = proxy.getting("/products/shirt");
    let held = upstream.next().await;
    proxy.purge(vitrine_shared::feed::Mode::Hard, &["product-handle:shirt"]);
    let after = proxy.getting("/products/shirt");
    proxy.engine.until_waiting(2).await;
    held.send(&response("404 Not Found", &fields, "no shirt"));
    drop(held);
    assert_eq!(got(before).await.status, 404);
    upstream.answer(&response("200 OK", FRESH, "a shirt")).await;
    assert_eq!(got(after).await.body, "a shirt");
    proxy.settled().await;
    is_hit(&proxy, "/products/shirt", "a shirt").await;
    // Absences are kept otherwise.
    is_hit(&proxy, stays, "no shoe").await;
}

/// Half of a file has come when it is purged; a client that resumes must not get the other half of the old one.
#[tokio::test]
async fn a_part_is_never_taken_from_a_body_that_a_purge_has_overtaken() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let sending = tokio::spawn(proxy.get("/file").send());
    let held = upstream.next().await;
    let fields = format!("{FRESH}ETag: \"1\"\r\nVitrine-Tags: file\r\n");
    held.send(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 6\r\n\r\nold").as_bytes());
    let mut reading = sending.await.unwrap().unwrap();
    assert_eq!(reading.chunk().await.unwrap().unwrap(), "old");
    let part = || tokio::spawn(fetch(proxy.get("/file").header("range", "bytes=0-2")));
    assert_eq!(got(part()).await.body, "old");
    purged(&proxy, &json!({ "tag": "file" })).await;
    let after = part();
    upstream.answer(&response("200 OK", &fields.replace("\"1\"", "\"2\""), "newnew")).await;
    let after = got(after).await;
    assert_eq!((after.status, after.body.as_str(), after.header("etag")), (206, "new", "\"2\""));
    held.send(b"old");
    drop(held);
    assert_eq!(reading.chunk().await.unwrap().unwrap(), "old");
    proxy.settled().await;
    is_hit(&proxy, "/file", "newnew").await;
}

/// vuestorefront/magento2#476: the view of another store, since its header was no part of the key.
#[tokio::test]
async fn two_store_views_share_no_fill() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("key = { headers = [\"store\"] }")).await;
    let view = |store: &str| tokio::spawn(fetch(proxy.get("/").header("store", store)));
    let both = [("de", view("de")), ("fr", view("fr"))];
    // Both are at the upstream at once.
    for asked in [upstream.next().await, upstream.next().await] {
        let store = asked.header("store").unwrap().to_owned();
        asked.send(&response("200 OK", FRESH, &store));
    }
    for (store, getting) in both {
        assert_eq!(got(getting).await.body, store);
    }
    proxy.settled().await;
    for store in ["de", "fr"] {
        let again = got(view(store)).await;
        assert!(again.is_hit() && again.body == store, "{again:?}");
    }
    // Where nothing keys it, it is not sent on, so no answer can depend on it.
    let plain = Proxy::start(upstream.addr(), &cache_all("")).await;
    let getting = tokio::spawn(fetch(plain.get("/").header("store", "fr")));
    let asked = upstream.next().await;
    assert_eq!(asked.header("store"), None);
    asked.send(&response("200 OK", FRESH, "default"));
    drop(asked);
    assert_eq!(got(getting).await.body, "default");
}
