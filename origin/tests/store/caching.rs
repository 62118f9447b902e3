//! The read cache: it answers as Postgres does, before and after purges, and when Redis fails.

use vitrine_origin::seed::Kind;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::event::Change;
use vitrine_shared::headers::{self, CACHE_MIN_EPOCH};

use crate::shop::{Shop, id, product_changed};

const FIELDS: &str =
    "fields=*variants.calculated_price,%2Bvariants.inventory_quantity,*variants.images,%2Bmetadata,*categories";

/// Documents are kept by Redis alone, or by the process too.
const MEMORY: [u64; 2] = [0, 64];

fn storefront(limit: u32) -> String {
    format!("products?limit={limit}&region_id={}&country_code=dk&{FIELDS}", id(Kind::Region, 0))
}

/// Asks with an epoch that this process has not applied: Postgres answers alone.
async fn past_the_cache(shop: &Shop, path: &str) -> String {
    let applied = shop.state.live.applied();
    let ahead = Epoch::new(applied.term, applied.seq + 1);
    let request = shop.get(path).header(CACHE_MIN_EPOCH, headers::epoch_value(ahead));
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn cached_documents_answer_as_postgres_does() {
    for local_mib in MEMORY {
        answers_as_postgres_does(Shop::remembering(local_mib).await).await;
    }
}

async fn answers_as_postgres_does(shop: Shop) {
    let product = format!("products/{}", id(Kind::Product, 0));
    for path in [storefront(20), product, "products?limit=5&fields=title,variants.sku,options.values".to_owned()] {
        let truth = past_the_cache(&shop, &path).await;
        let before = (shop.hits(), shop.lookups("miss"));
        let cold = shop.text(&path).await;
        assert!((shop.hits(), shop.lookups("miss")) > before, "{path}: the cache was not asked");
        let warm = async || {
            let hits = shop.hits();
            shop.text(&path).await == truth && shop.hits() > hits
        };
        assert_eq!(cold, truth, "{path}");
        shop.until("documents of the cache answer", warm).await;
    }
    shop.stop().await;
}

#[tokio::test]
async fn a_purge_is_seen_by_the_next_read() {
    for local_mib in MEMORY {
        sees_a_purge(Shop::remembering(local_mib).await, local_mib).await;
    }
}

async fn sees_a_purge(shop: Shop, local_mib: u64) {
    let path = storefront(3);
    let title = async || shop.json(&path).await["products"][0]["title"].as_str().unwrap().to_owned();
    for (statement, expected) in [
        ("UPDATE product SET title = 'First' WHERE handle = 'product-0'", "First"),
        ("UPDATE product SET title = 'Second' WHERE handle = 'product-0'", "Second"),
    ] {
        shop.until("documents of the cache answer", async || {
            let hits = shop.hits();
            shop.json(&path).await;
            shop.hits() >= hits + 3
        })
        .await;
        shop.change(statement, product_changed(0)).await;
        assert_eq!(title().await, expected);
    }
    assert!(local_mib > 0 || shop.lookups("purged") >= 2);
    shop.stop().await;
}

/// Pages of lists are kept too: a product that comes, goes or moves is seen by the next read of each list that it concerns.
#[tokio::test]
async fn a_list_that_changes_is_seen_so() {
    let shop = Shop::start().await;
    let category =
        format!("products?limit=5&offset=2&fields=id,title,tags.value&category_id[]={}", id(Kind::Category, 3));
    let all = "products?limit=5&offset=20&fields=id,title,tags.value".to_owned();
    for path in [&category, &all] {
        shop.until("the page is kept", async || {
            let hits = shop.pages();
            shop.json(path).await;
            shop.pages() > hits
        })
        .await;
    }
    let token = shop.sign_in().await;
    for (number, body) in [
        (9, serde_json::json!({ "status": "draft" })),
        (9, serde_json::json!({ "status": "published" })),
        (18, serde_json::json!({ "categories": [] })),
        (1, serde_json::json!({ "categories": [{ "id": id(Kind::Category, 3) }] })),
        (27, serde_json::json!({ "sales_channels": [] })),
        (36, serde_json::json!({ "title": "Another" })),
    ] {
        let path = format!("products/{}?wait=acked", id(Kind::Product, number));
        let written = shop.admin(reqwest::Method::POST, &path, &token).json(&body).send().await.unwrap();
        assert_eq!(written.status(), 200, "{body}");
        for path in [&category, &all] {
            assert_eq!(shop.text(path).await, past_the_cache(&shop, path).await, "{number} {body}");
        }
    }
    shop.stop().await;
}

#[tokio::test]
async fn a_category_that_is_hidden_or_shown_again_is_seen_so() {
    let shop = Shop::start().await;
    let path = format!("products/{}?fields=id,*categories", id(Kind::Product, 0));
    let shown = async || shop.json(&path).await["product"]["categories"].as_array().unwrap().len();
    let category = || Change::Category { id: id(Kind::Category, 3), handles: [].into(), relatives: [].into() };
    assert_eq!(shown().await, 1);
    shop.change("UPDATE product_category SET is_internal = true", category()).await;
    assert_eq!(shown().await, 0);
    shop.change("UPDATE product_category SET is_internal = false", category()).await;
    assert_eq!(shown().await, 1);
    shop.stop().await;
}

#[tokio::test]
async fn redis_may_fail_and_come_back() {
    let mut shop = Shop::remembering(0).await;
    let path = storefront(3);
    let truth = past_the_cache(&shop, &path).await;
    assert_eq!(shop.text(&path).await, truth);
    shop.redis.stop_hard();
    for _ in 0..3 {
        assert_eq!(shop.text(&path).await, truth);
    }
    assert!(shop.state.metrics.cache.errors.get() >= 1);
    shop.redis.restart().await.unwrap();
    let hits = shop.lookups("hit");
    shop.until("the cache is used again", async || {
        assert_eq!(shop.text(&path).await, truth);
        shop.lookups("hit") > hits
    })
    .await;
    shop.stop().await;
}
