//! Purges by operators: the operations port's `/purge` and the PURGE method, against a store and running fills.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{Got, Proxy, Upstream, cache_all, fetch, response};

const FRESH: &str = "Cache-Control: max-age=60\r\n";
const MAGENTO: &str = "x-magento-tags-pattern";

fn ops(proxy: &Proxy, method: Method, path: &str) -> reqwest::RequestBuilder {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.request(method, format!("http://{}{path}", proxy.ops)).bearer_auth("ops-secret")
}

async fn post(proxy: &Proxy, body: &Value) -> Got {
    fetch(ops(proxy, Method::POST, "/purge").body(body.to_string())).await.unwrap()
}

async fn purge(proxy: &Proxy, purges: Value) {
    let got = post(proxy, &json!({ "purges": purges })).await;
    assert_eq!(got.status, 200, "{got:?}");
}

fn json_of(got: &Got) -> Value {
    serde_json::from_str(&got.body).unwrap()
}

fn purge_method(proxy: &Proxy, path: &str) -> reqwest::RequestBuilder {
    proxy.request(Method::from_bytes(b"PURGE").unwrap(), path)
}

/// Asks through the cache, and answers at the upstream.
async fn fill(proxy: &Proxy, upstream: &mut Upstream, request: reqwest::RequestBuilder, fields: &str, body: &str) {
    let getting = tokio::spawn(fetch(request));
    upstream.answer(&response("200 OK", fields, body)).await;
    assert_eq!(getting.await.unwrap().unwrap().body, body);
    proxy.settled().await;
}

async fn fill_paths(proxy: &Proxy, upstream: &mut Upstream, paths: &[&str]) {
    for path in paths {
        let tag = format!("{FRESH}Vitrine-Tags: page{}\r\n", path.replace('/', "-").replace(['?', '&', '='], "_"));
        fill(proxy, upstream, proxy.get(path), &tag, path).await;
    }
}

/// Which of these paths are hits; the others are filled again.
async fn hits<'p>(proxy: &Proxy, upstream: &mut Upstream, paths: &[&'p str]) -> Vec<&'p str> {
    let mut hits = Vec::new();
    for path in paths {
        // Without asking the upstream: what was purged has no validator and no stale use.
        let asked = upstream.asked();
        let getting = proxy.getting(path);
        let got = tokio::select! {
            got = getting => got.unwrap().unwrap(),
            request = upstream.next() => {
                request.send(&response("200 OK", FRESH, path));
                continue;
            }
        };
        assert!(got.is_hit() && upstream.asked() == asked, "{got:?}");
        hits.push(*path);
    }
    proxy.settled().await;
    hits
}

#[tokio::test]
async fn each_kind_of_purge_reaches_what_it_names_and_nothing_else() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let host = proxy.http.to_string();
    let paths = ["/a/b/1?x=1&y=2", "/a/b/1", "/a/b/2", "/a/bc", "/d"];
    fill_paths(&proxy, &mut upstream, &paths).await;
    for (what, stay) in [
        (
            json!({ "url": format!("http://{host}/a/./b/1?y=2&utm_source=mail&x=1") }),
            vec![paths[1], paths[2], paths[3], paths[4]],
        ),
        (json!({ "url": format!("http://{host}/a/b/1") }), vec![paths[0], paths[2], paths[3], paths[4]]),
        (json!({ "url": "http://other.example/a/b/1" }), paths.to_vec()),
        (json!({ "prefix": format!("{host}/a/b/") }), vec![paths[3], paths[4]]),
        (json!({ "host": host }), vec![]),
        (json!({ "host": "other.example" }), paths.to_vec()),
        (json!({ "all": true }), vec![]),
    ] {
        purge(&proxy, json!([what])).await;
        assert_eq!(hits(&proxy, &mut upstream, &paths).await, stay, "{what}");
    }
}

#[tokio::test]
async fn a_url_is_purged_with_all_its_variants_and_keyed_headers() {
    let mut upstream = Upstream::start().await;
    let rules = cache_all(
        "key = { headers = [\"x-shop\"], query = { allow = [\"q\"] } }\nvary = { accept-language = \"exact\" }",
    );
    let proxy = Proxy::start(upstream.addr(), &rules).await;
    let varying = format!("{FRESH}Vary: Accept-Language\r\n");
    let requests = || {
        let of =
            |shop: &str, language: &str| proxy.get("/p?q=1").header("x-shop", shop).header("accept-language", language);
        [("de", of("1", "de")), ("fr", of("1", "fr")), ("de", of("2", "de"))]
    };
    // The first answer of each shop teaches by what it varies; its own request is asked again with the field.
    for (_, request) in requests() {
        let getting = tokio::spawn(fetch(request));
        let got = loop {
            tokio::select! {
                request = upstream.next() => request.send(&response("200 OK", &varying, "x")),
                () = async { while !getting.is_finished() { tokio::task::yield_now().await } } => break getting.await.unwrap().unwrap(),
            }
        };
        assert_eq!(got.body, "x");
        proxy.settled().await;
    }
    for (_, request) in requests() {
        assert!(fetch(request).await.unwrap().is_hit());
    }
    // The rule's key leaves `z` out, so it does not count here either.
    purge(&proxy, json!([{ "url": format!("http://{}/p?z=9&q=1", proxy.http) }])).await;
    for (language, request) in requests() {
        let getting = tokio::spawn(fetch(request));
        let asked = upstream.answer(&response("200 OK", &varying, "new")).await;
        assert!(asked.to_lowercase().contains(&format!("accept-language: {language}")), "{asked}");
        assert_eq!(getting.await.unwrap().unwrap().body, "new");
    }
}

#[tokio::test]
async fn a_soft_purge_lets_stale_be_served_while_one_refresh_runs() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    fill(&proxy, &mut upstream, proxy.get("/"), &format!("{FRESH}Vitrine-Tags: cat_p_1\r\n"), "old").await;
    let got = post(&proxy, &json!({ "purges": [{ "tag": "cat_p_1" }], "mode": "soft" })).await;
    assert_eq!(json_of(&got)["mode"], "soft");
    let stale = fetch(proxy.get("/")).await.unwrap();
    assert_eq!(stale.body, "old");
    assert!(stale.cache_status().contains("soft_purged"), "{stale:?}");
    upstream.answer(&response("200 OK", FRESH, "new")).await;
    proxy.settled().await;
    assert_eq!(fetch(proxy.get("/")).await.unwrap().body, "new");
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn a_batch_is_applied_whole_or_not_at_all() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let paths = ["/1", "/2", "/3"];
    fill_paths(&proxy, &mut upstream, &paths).await;
    let url = |path: &str| json!({ "url": format!("http://{}{path}", proxy.http) });
    let long = format!("{}{}", proxy.http, "/a".repeat(9));
    for (wrong, word) in [
        (json!({ "url": "/2" }), "whole"),
        (json!({ "prefix": long }), "first 8"),
        (json!({ "tags": "a" }), "expected one"),
    ] {
        let got = post(&proxy, &json!({ "purges": [url("/1"), wrong] })).await;
        let told = json_of(&got);
        assert_eq!((got.status, &told["index"], &told["type"]), (400, &json!(1), &json!("invalid_purge")), "{got:?}");
        // The message tells the way out; "whole" stands for "write all of it".
        let way_out = if word == "whole" { "write all of it" } else { word };
        assert!(told["message"].as_str().unwrap().contains(way_out), "{told}");
    }
    assert_eq!(hits(&proxy, &mut upstream, &paths).await, paths);
    let got = post(&proxy, &json!({ "purges": [url("/1"), url("/2"), { "tag": "none" }] })).await;
    let told = json_of(&got);
    assert_eq!((&told["purges"], &told["applied"], &told["mode"]), (&json!(3), &json!(true), &json!("hard")));
    assert_eq!(hits(&proxy, &mut upstream, &paths).await, ["/3"]);
    let huge = "x".repeat((1 << 20) + 1);
    assert_eq!(fetch(ops(&proxy, Method::POST, "/purge").body(huge)).await.unwrap().status, 413);
}

#[tokio::test]
async fn a_key_makes_repeating_harmless() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let keyed =
        |body: &Value| ops(&proxy, Method::POST, "/purge").header("idempotency-key", "k1").body(body.to_string());
    let body = json!({ "purges": [{ "all": true }] });
    fill_paths(&proxy, &mut upstream, &["/1"]).await;
    let first = json_of(&fetch(keyed(&body)).await.unwrap());
    assert_eq!(hits(&proxy, &mut upstream, &["/1"]).await, [""; 0]);
    assert_eq!(json_of(&fetch(keyed(&body)).await.unwrap()), first);
    assert_eq!(hits(&proxy, &mut upstream, &["/1"]).await, ["/1"]);
    let other = fetch(keyed(&json!({ "purges": [{ "tag": "a" }] }))).await.unwrap();
    assert_eq!(other.status, 422, "{other:?}");
    // Without a key the same is done again, under another name.
    assert_ne!(json_of(&post(&proxy, &body).await)["id"], first["id"]);
    let odd = ops(&proxy, Method::POST, "/purge").header("idempotency-key", "x".repeat(256)).body(body.to_string());
    assert_eq!(fetch(odd).await.unwrap().status, 400);
}

#[tokio::test]
async fn only_the_token_opens_the_endpoint() {
    let upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({ "purges": [{ "all": true }] }).to_string();
    for token in [None, Some("wrong"), Some("ops-secre"), Some("ops-secrets"), Some("")] {
        let mut request = client.post(format!("http://{}/purge", proxy.ops)).body(body.clone());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        assert_eq!(fetch(request).await.unwrap().status, 401, "{token:?}");
        assert_eq!(fetch(client.get(format!("http://{}/purges", proxy.ops))).await.unwrap().status, 401);
    }
    assert_eq!(proxy.engine.context().live.stamp().local, 0);
}

#[tokio::test]
async fn without_a_configured_token_the_endpoint_is_shut() {
    let upstream = Upstream::start().await;
    let proxy = Proxy::without_token(upstream.addr(), &cache_all("")).await;
    let got = post(&proxy, &json!({ "purges": [{ "all": true }] })).await;
    assert_eq!(got.status, 403);
    assert!(got.body.contains("ops_token"), "{got:?}");
    assert_eq!(proxy.engine.context().live.stamp().local, 0);
}

#[tokio::test]
async fn a_purge_reaches_a_running_fill() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let host = proxy.http.to_string();
    for what in [
        json!({ "url": format!("http://{host}/") }),
        json!({ "host": host }),
        json!({ "all": true }),
        json!({ "tag": "t" }),
    ] {
        let before = proxy.getting("/");
        let held = upstream.next().await;
        purge(&proxy, json!([what])).await;
        let after = proxy.getting("/");
        proxy.engine.until_waiting(2).await;
        held.send(&response("200 OK", &format!("{FRESH}Vitrine-Tags: t\r\n"), "old"));
        drop(held);
        assert_eq!(before.await.unwrap().unwrap().body, "old");
        upstream.answer(&response("200 OK", FRESH, "new")).await;
        let after = after.await.unwrap().unwrap();
        assert_eq!(after.body, "new");
        assert!(after.cache_status().contains("overtaken"), "{after:?}");
        proxy.settled().await;
        let stored = fetch(proxy.get("/")).await.unwrap();
        assert!(stored.is_hit() && stored.body == "new", "{what} {stored:?}");
        purge(&proxy, json!([{ "all": true }])).await;
    }
}

#[tokio::test]
async fn a_purge_reaches_a_refresh_that_runs_behind() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let stale = "Cache-Control: max-age=0, stale-while-revalidate=60\r\nETag: \"1\"\r\n";
    for not_modified in [true, false] {
        fill(&proxy, &mut upstream, proxy.get("/"), stale, "old").await;
        assert_eq!(fetch(proxy.get("/")).await.unwrap().body, "old");
        let refresh = upstream.next().await;
        assert_eq!(refresh.header("if-none-match"), Some("\"1\""));
        purge(&proxy, json!([{ "url": format!("http://{}/", proxy.http) }])).await;
        if not_modified {
            refresh.send(b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\n\r\n");
        } else {
            refresh.send(&response("200 OK", FRESH, "old"));
        }
        drop(refresh);
        proxy.settled().await;
        // What the refresh brought began before the purge.
        fill(&proxy, &mut upstream, proxy.get("/"), FRESH, "new").await;
        assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
        purge(&proxy, json!([{ "all": true }])).await;
    }
}

#[tokio::test]
async fn what_was_purged_is_listed_and_counted() {
    let upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("purge_from = [\"127.0.0.0/8\"]")).await;
    let named = ops(&proxy, Method::POST, "/purge")
        .header("x-purged-by", "anna")
        .body(json!({ "purges": [{ "tag": "a" }, { "tag": "b" }], "mode": "soft" }).to_string());
    let id = json_of(&fetch(named).await.unwrap())["id"].clone();
    purge(&proxy, json!([{ "all": true }])).await;
    assert_eq!(fetch(purge_method(&proxy, "/x")).await.unwrap().status, 200);
    let page = |query: &'static str| {
        let request = ops(&proxy, Method::GET, query);
        async { json_of(&fetch(request).await.unwrap()) }
    };
    let newest = page("/purges?limit=2").await;
    assert_eq!((&newest["purges"][0]["source"], &newest["purges"][0]["who"]), (&json!("method"), &json!("127.0.0.1")));
    assert_eq!((&newest["purges"][1]["who"], &newest["purges"][1]["targets"]), (&json!("127.0.0.1"), &json!(["all"])));
    assert_eq!(newest["next"], 2);
    let older = page("/purges?limit=2&before=2").await;
    assert_eq!(older["next"], Value::Null);
    let first = &older["purges"][0];
    assert_eq!(
        (&first["who"], &first["id"], &first["mode"], &first["total"]),
        (&json!("anna"), &id, &json!("soft"), &json!(2))
    );
    assert_eq!(fetch(ops(&proxy, Method::GET, "/purges?limit=x")).await.unwrap().status, 400);
    let metrics = fetch(ops(&proxy, Method::GET, "/metrics")).await.unwrap().body;
    assert!(metrics.contains("vitrine_purges_total{mode=\"soft\",source=\"api\"} 2"), "{metrics}");
    assert!(metrics.contains("vitrine_purges_total{mode=\"hard\",source=\"method\"} 1"), "{metrics}");
}

#[tokio::test]
async fn the_purge_method_purges_its_url_and_never_goes_upstream() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("purge_from = [\"127.0.0.0/8\"]")).await;
    let paths = ["/1?a=1", "/2"];
    fill_paths(&proxy, &mut upstream, &paths).await;
    let got = fetch(purge_method(&proxy, "/1?utm_source=x&a=1")).await.unwrap();
    let told = json_of(&got);
    assert_eq!((got.status, &told["applied"], &told["mode"]), (200, &json!(true), &json!("hard")));
    assert_eq!((got.header("content-type"), got.header("cache-control")), ("application/json", "no-store"));
    assert_eq!(hits(&proxy, &mut upstream, &paths).await, ["/2"]);
    // Softly: served while it is refreshed.
    let soft = purge_method(&proxy, "/2").header("vitrine-purge", "soft");
    assert_eq!(json_of(&fetch(soft).await.unwrap())["mode"], "soft");
    assert!(fetch(proxy.get("/2")).await.unwrap().cache_status().contains("soft_purged"));
    upstream.answer(&response("200 OK", FRESH, "x")).await;
    proxy.settled().await;
    let asked = upstream.asked();
    let odd = fetch(purge_method(&proxy, "/2").header("vitrine-purge", "gently")).await.unwrap();
    assert_eq!(odd.status, 400);
    // A purge with content is one all the same.
    assert_eq!(fetch(purge_method(&proxy, "/2").body("x")).await.unwrap().status, 200);
    assert_eq!(upstream.asked(), asked);
}

#[tokio::test]
async fn magentos_own_purger_is_understood() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("purge_from = [\"127.0.0.1\"]")).await;
    let paths = ["/1", "/2", "/3"];
    for (path, tags) in paths.iter().zip(["cat_p_1, cat_c_5", "cat_p_12", "cat_p_2"]) {
        fill(&proxy, &mut upstream, proxy.get(path), &format!("{FRESH}Vitrine-Tags: {tags}\r\n"), path).await;
    }
    let magento = |pattern: &str| fetch(purge_method(&proxy, "/").header(MAGENTO, pattern));
    let got = magento("((^|,)cat_p_1(,|$))|((^|,)cat_p_2(,|$))").await.unwrap();
    assert_eq!((got.status, &json_of(&got)["purges"]), (200, &json!(2)));
    assert_eq!(hits(&proxy, &mut upstream, &paths).await, ["/2"]);
    assert_eq!(magento("cat_p_1.*").await.unwrap().status, 400);
    assert_eq!(hits(&proxy, &mut upstream, &paths).await, paths);
    assert_eq!(magento(".*").await.unwrap().status, 200);
    assert_eq!(hits(&proxy, &mut upstream, &paths).await, [""; 0]);
}

#[tokio::test]
async fn purge_is_taken_only_where_a_rule_says_so_and_from_whom_it_says() {
    let upstream = Upstream::start().await;
    let rules = format!(
        "[[rules]]\nname = \"far\"\naction = \"cache\"\npaths = [\"/far\"]\npurge_from = [\"203.0.113.0/24\"]\n{}",
        cache_all("")
    );
    let proxy = Proxy::start(upstream.addr(), &rules).await;
    let nowhere = fetch(purge_method(&proxy, "/").bearer_auth("ops-secret")).await.unwrap();
    assert_eq!((nowhere.status, nowhere.header("allow")), (405, "GET, HEAD"));
    let stranger = fetch(purge_method(&proxy, "/far")).await.unwrap();
    assert_eq!(stranger.status, 403, "{stranger:?}");
    let lying = purge_method(&proxy, "/far").header("x-forwarded-for", "203.0.113.7").bearer_auth("wrong");
    assert_eq!(fetch(lying).await.unwrap().status, 403);
    assert_eq!(proxy.engine.context().live.stamp().local, 0);
    let known = fetch(purge_method(&proxy, "/far").bearer_auth("ops-secret")).await.unwrap();
    assert_eq!(known.status, 200);
    assert_eq!(upstream.asked(), 0);
}
