//! The way of a request through the whole shop: miss, hit, bypass, update, fresh.

use std::time::Duration;

use crate::common::{Answer, Shop};
use reqwest::{Method, StatusCode};
use serde_json::json;
use vitrine_load_tests::stack::wait_until;

#[tokio::test]
async fn the_first_get_misses_the_second_hits_and_a_session_bypasses() {
    let shop = Shop::start(1).await;
    let path = "/store/products?limit=3&fields=id,title";

    let first = shop.get(0, path).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    assert!(first.cache_status().contains("fwd=uri-miss"), "{}", first.cache_status());

    let second = shop.get(0, path).await;
    assert!(second.is_hit(), "{}", second.cache_status());
    assert!(!second.header("age").is_empty());
    assert_eq!(second.body, first.body);
    // Clients subtract Age (RFC 9111 §4.2), so that what is left for them is always the browser TTL.
    let max_age: u64 = second.header("cache-control").strip_prefix("public, max-age=").unwrap().parse().unwrap();
    assert_eq!(max_age - second.header("age").parse::<u64>().unwrap(), 1_800);

    for cookie in ["medusa_session=x", "a=b; connect.sid=x", "_medusa_jwt=x"] {
        let session = shop.get_with(0, path, &[("cookie", cookie)]).await;
        assert!(session.cache_status().contains("fwd=bypass"), "{cookie}: {}", session.cache_status());
        assert_eq!(session.body, first.body);
    }
    let other_cookie = shop.get_with(0, path, &[("cookie", "theme=dark")]).await;
    assert!(other_cookie.is_hit(), "{}", other_cookie.cache_status());

    let authorized = shop.get_with(0, path, &[("authorization", "Bearer x")]).await;
    assert!(!authorized.is_hit(), "{}", authorized.cache_status());
}

#[tokio::test]
async fn what_only_edges_and_the_origin_say_to_each_other_stays_between_them() {
    let shop = Shop::start(1).await;
    let path = "/store/products?limit=1";
    for answer in [
        shop.get_with(0, path, &[("cache-min-epoch", "9999.9999")]).await,
        shop.get(0, path).await,
        shop.get_with(0, path, &[("cookie", "medusa_session=x"), ("cache-min-epoch", "9999.9999")]).await,
    ] {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        for name in ["cache-epoch", "vitrine-tags", "vitrine-valid-until"] {
            assert!(answer.headers.get(name).is_none(), "{name} reached a visitor");
        }
    }
    // The origin does send them: the check above would pass on an origin that has forgotten its tags.
    let key = &shop.stack.secrets().publishable_key;
    let direct = shop.client.get(format!("{}{path}", shop.origin.url())).header("x-publishable-api-key", key);
    let direct = Answer::read(direct).await;
    assert!(direct.header("vitrine-tags").contains("product:prod_"), "{:?}", direct.headers);
    assert!(!direct.header("cache-epoch").is_empty());
}

#[tokio::test]
async fn visitors_with_other_keys_hosts_or_locales_do_not_share_objects() {
    let shop = Shop::start(1).await;
    let path = "/store/products?limit=1&fields=id";
    shop.warm(0, path).await;
    let url = format!("{}{path}", shop.edges[0].url());
    let without_key = Answer::read(shop.client.get(&url)).await;
    assert_eq!(without_key.status, StatusCode::BAD_REQUEST);
    let bad_key = Answer::read(shop.client.get(&url).header("x-publishable-api-key", "pk_bad")).await;
    assert_eq!(bad_key.status, StatusCode::BAD_REQUEST);
    assert!(!shop.get_with(0, path, &[("host", "other.test")]).await.is_hit());
    assert!(!shop.get_with(0, path, &[("x-medusa-locale", "da-DK")]).await.is_hit());
    // Empty and absent mean the same, and storefronts send both.
    assert!(shop.get_with(0, path, &[("x-medusa-locale", "")]).await.is_hit());
}

#[tokio::test]
async fn a_thousand_first_requests_at_once_make_one_origin_request() {
    let shop = Shop::start(1).await;
    let path = "/store/products?limit=20&fields=*variants.calculated_price&region_id=";
    let region = shop.get(0, "/store/regions").await.json()["regions"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("{path}{region}");
    let before = origin_requests(&shop).await;
    let answers = futures_util::future::join_all((0..1_000).map(|_| shop.get(0, &path))).await;
    let first = &answers[0].body;
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(&answer.body, first);
    }
    assert_eq!(origin_requests(&shop).await - before, 1);
}

/// Requests for product lists that the origin has answered, by its own count.
async fn origin_requests(shop: &Shop) -> u64 {
    let metrics = Answer::read(shop.client.get(format!("{}/metrics", shop.origin.internal_url()))).await.body;
    let lines = metrics.lines().filter(|line| {
        line.starts_with("vitrine_origin_requests_total{") && line.contains("route=\"/store/products\"")
    });
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn after_an_acknowledged_update_no_edge_shows_the_old_title_and_the_rest_stays_cached() {
    let shop = Shop::start(3).await;
    let token = shop.login().await;
    let product = shop.product("product-5").await;
    let (id, collection) = (product["id"].as_str().unwrap(), product["collection_id"].as_str().unwrap());
    let category = product["categories"][0]["id"].as_str().unwrap();
    let showing = [
        format!("/store/products/{id}"),
        "/store/products?handle=product-5".to_owned(),
        format!("/store/products?collection_id={collection}&limit=100&fields=id,title"),
        format!("/store/products?category_id[0]={category}&limit=200&fields=id,title"),
        "/store/products?limit=100&fields=id,title".to_owned(),
        "/store/products?q=Product%205&fields=id,title&limit=100".to_owned(),
        "/store/products?order=-title&limit=1000&fields=id,title".to_owned(),
        format!("/store/collections/{collection}?fields=*products"),
    ];
    let unrelated =
        ["/store/products?handle=product-6", "/store/regions", "/store/currencies?limit=5", "/static/p1.png"];
    for round in 0..3 {
        for edge in 0..3 {
            for path in showing.iter().map(String::as_str).chain(unrelated) {
                shop.warm(edge, path).await;
            }
        }
        let title = format!("Renamed {round}");
        shop.rename_acked(&token, id, &title).await;
        for edge in 0..3 {
            for path in &showing {
                let answer = shop.get(edge, path).await;
                let shown = answer.body.contains(&title);
                // A list that does not reach as far as this product shows neither title.
                let old = answer.body.contains("\"Product 5\"")
                    || (round > 0 && answer.body.contains(&format!("Renamed {}", round - 1)));
                assert!(!old, "edge {edge} shows the old title under {path}: {}", answer.cache_status());
                if path.contains(id) || path.contains("handle=product-5") || path.contains("collection") {
                    assert!(shown, "edge {edge} does not show the new title under {path}");
                }
            }
            for path in unrelated {
                let answer = shop.get(edge, path).await;
                assert!(answer.is_hit(), "edge {edge} lost {path}: {}", answer.cache_status());
            }
        }
    }
}

#[tokio::test]
async fn without_waiting_the_new_title_comes_soon() {
    let shop = Shop::start(2).await;
    let token = shop.login().await;
    let product = shop.product("product-8").await;
    let id = product["id"].as_str().unwrap();
    let path = format!("/store/products/{id}?fields=id,title");
    shop.warm(0, &path).await;
    shop.warm(1, &path).await;
    let body = Some(json!({ "title": "Soon" }));
    let answer = shop.admin(&token, Method::POST, &format!("/admin/products/{id}"), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for edge in 0..2 {
        wait_until("the new title", Duration::from_secs(10), async || {
            shop.get(edge, &path).await.body.contains("Soon")
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn a_new_product_appears_a_moved_one_moves_and_a_deleted_one_goes() {
    let shop = Shop::start(1).await;
    let token = shop.login().await;
    let channel = channel_of(&shop, &token).await;
    let page = "/store/products?handle=velvet-cap&fields=id,title,collection_id";
    assert_eq!(shop.warm(0, page).await.json()["count"], 0);
    let collections = shop.warm(0, "/store/collections?fields=id,handle").await.json();
    let collection = |index: usize| collections["collections"][index]["id"].as_str().unwrap().to_owned();
    let list = |index: usize| format!("/store/products?collection_id={}&limit=1&fields=id", collection(index));
    let count = async |index: usize| shop.get(0, &list(index)).await.json()["count"].as_u64().unwrap();
    shop.warm(0, &list(0)).await;
    shop.warm(0, &list(1)).await;
    let (first, second) = (count(0).await, count(1).await);

    let body = json!({
        "title": "Velvet cap", "status": "published", "collection_id": collection(0), "sales_channels": [{ "id": channel }],
        "options": [{ "title": "Size", "values": ["One"] }],
        "variants": [{ "title": "One", "options": { "Size": "One" }, "prices": [{ "currency_code": "eur", "amount": 30 }] }],
    });
    let created = shop.admin(&token, Method::POST, "/admin/products?wait=acked", Some(body)).await;
    assert_eq!(created.status, StatusCode::OK, "{}", created.body);
    let id = created.json()["product"]["id"].as_str().unwrap().to_owned();
    assert_eq!(shop.get(0, page).await.json()["count"], 1);
    assert_eq!((count(0).await, count(1).await), (first + 1, second));

    shop.warm(0, &list(0)).await;
    shop.warm(0, &list(1)).await;
    let path = format!("/admin/products/{id}?wait=acked");
    let moved = shop.admin(&token, Method::POST, &path, Some(json!({ "collection_id": collection(1) }))).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.body);
    assert_eq!((count(0).await, count(1).await), (first, second + 1));

    let product = format!("/store/products/{id}");
    shop.warm(0, &product).await;
    let deleted = shop.admin(&token, Method::DELETE, &path, None).await;
    assert_eq!(deleted.status, StatusCode::OK, "{}", deleted.body);
    assert_eq!(shop.get(0, &product).await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.get(0, page).await.json()["count"], 0);
    assert_eq!((count(0).await, count(1).await), (first, second));
}

async fn channel_of(shop: &Shop, token: &str) -> String {
    let product = shop.product("product-1").await;
    let path = format!("/admin/products/{}?fields=*sales_channels", product["id"].as_str().unwrap());
    let answer = shop.admin(token, Method::GET, &path, None).await;
    answer.json()["product"]["sales_channels"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_changed_price_is_shown_after_its_acknowledgement() {
    let shop = Shop::start(1).await;
    let token = shop.login().await;
    let regions = shop.get(0, "/store/regions").await.json();
    let regions = regions["regions"].as_array().unwrap();
    let region = regions.iter().find(|region| region["currency_code"] == "usd").unwrap()["id"].as_str().unwrap();
    let path = format!("/store/products?handle=product-3&region_id={region}&fields=*variants.calculated_price");
    let variant = shop.warm(0, &path).await.json()["products"][0]["variants"][0].clone();
    assert_eq!(variant["calculated_price"]["calculated_amount"], json!(15.99));
    let (id, product) = (variant["id"].as_str().unwrap(), variant["product_id"].as_str().unwrap());
    let body =
        json!({ "prices": [{ "currency_code": "usd", "amount": 99.5 }, { "currency_code": "eur", "amount": 90 }] });
    let path_of_variant = format!("/admin/products/{product}/variants/{id}?wait=acked");
    let answer = shop.admin(&token, Method::POST, &path_of_variant, Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let shown = shop.get(0, &path).await.json();
    assert_eq!(shown["products"][0]["variants"][0]["calculated_price"]["calculated_amount"], json!(99.5));
}
