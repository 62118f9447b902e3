//! The read cache: it answers as Postgres does, before and after purges, and when Redis fails.

use vitrine_origin::seed::Kind;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::event::Change;
use vitrine_shared::headers::{self, CACHE_MIN_EPOCH};

use crate::shop::{Shop, id, product_changed};

const FIELDS: &str =
    "fields=*variants.calculated_price,%2Bvariants.inventory_quantity,*variants.images,%2Bmetadata,*categories";

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
    let shop = Shop::start().await;
    let product = format!("products/{}", id(Kind::Product, 0));
    for path in [storefront(20), product, "products?limit=5&fields=title,variants.sku,options.values".to_owned()] {
        let truth = past_the_cache(&shop, &path).await;
        let before = (shop.lookups("hit"), shop.lookups("miss"));
        let cold = shop.text(&path).await;
        assert!((shop.lookups("hit"), shop.lookups("miss")) > before, "{path}: the cache was not asked");
        let warm = async || {
            let hits = shop.lookups("hit");
            shop.text(&path).await == truth && shop.lookups("hit") > hits
        };
        assert_eq!(cold, truth, "{path}");
        shop.until("documents of the cache answer", warm).await;
    }
    shop.stop().await;
}

#[tokio::test]
async fn a_purge_is_seen_by_the_next_read() {
    let shop = Shop::start().await;
    let path = storefront(3);
    let title = async || shop.json(&path).await["products"][0]["title"].as_str().unwrap().to_owned();
    for (statement, expected) in [
        ("UPDATE product SET title = 'First' WHERE handle = 'product-0'", "First"),
        ("UPDATE product SET title = 'Second' WHERE handle = 'product-0'", "Second"),
    ] {
        shop.until("documents of the cache answer", async || {
            let hits = shop.lookups("hit");
            shop.json(&path).await;
            shop.lookups("hit") >= hits + 3
        })
        .await;
        shop.change(statement, product_changed(0)).await;
        assert_eq!(title().await, expected);
    }
    assert!(shop.lookups("purged") >= 2);
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
    let mut shop = Shop::start().await;
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
