//! Writers of one product at once, and renamings in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::Barrier;
use vitrine_origin::modules::{Patch, product};
use vitrine_origin::outbox::Outbox;
use vitrine_origin::workflows::category::CategoryPatch;
use vitrine_origin::workflows::collection::Membership;
use vitrine_origin::workflows::product::{ProductPatch, update};
use vitrine_origin::workflows::{category, collection, facets};
use vitrine_shared::event::{Change, ProductFacets};

use crate::outbox;
use crate::shop::{Shop, id};

/// Writers at once: fewer than connections of the pool.
const WRITERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_of_one_product_are_serialised_and_each_tells_what_it_found() {
    let shop = Shop::empty().await;
    let product = id(&shop.product("Shirt", &["S"]).await);
    let seen = outbox::last(&shop.pool).await;
    let barrier = Arc::new(Barrier::new(WRITERS));
    let writers = (0..WRITERS).map(|n| {
        let (store, product, barrier) = (Outbox::new(shop.pool.clone()), product.clone(), barrier.clone());
        tokio::spawn(async move {
            let patch = ProductPatch { handle: Patch::Set(format!("shirt-{n}")), ..ProductPatch::default() };
            barrier.wait().await;
            update(&store, &product, patch).await.unwrap()
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let told = outbox::after(&shop.pool, seen).await;
    assert_eq!(told.len(), WRITERS);
    let chain: Vec<(ProductFacets, ProductFacets)> = told.iter().map(|told| both(&told.event.change)).collect();
    check_chain("shirt", &chain);
    let now: String = sqlx::query_scalar("SELECT handle FROM product").fetch_one(&shop.pool).await.unwrap();
    assert_eq!(now, chain.last().unwrap().1.handle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_that_are_moved_in_bulk_tell_what_was_true_and_nobody_waits_in_a_circle() {
    let shop = Shop::empty().await;
    let mut products = Vec::new();
    for title in ["a", "b", "c"] {
        products.push(id(&shop.product(title, &["S"]).await));
    }
    let mut collections = Vec::new();
    for title in ["x", "y"] {
        collections.push(id(&shop.post("/admin/collections", json!({"title": title})).await["collection"]));
    }
    let men = id(&shop.post("/admin/product-categories", json!({"name": "Men"})).await["product_category"]);
    let women = id(&shop.post("/admin/product-categories", json!({"name": "Women"})).await["product_category"]);
    let seen = outbox::last(&shop.pool).await;
    let barrier = Arc::new(Barrier::new(WRITERS));
    let writers = (0..WRITERS).map(|n| {
        let (store, barrier, men, women) =
            (Outbox::new(shop.pool.clone()), barrier.clone(), men.clone(), women.clone());
        let collection = collections[n / 4].clone();
        let all = products.clone();
        tokio::spawn(async move {
            let membership = Membership { add: all.iter().cloned().collect(), ..Membership::default() };
            barrier.wait().await;
            match n % 4 {
                0 => collection::set_products(&store, &collection, membership).await.map(|_| ()).unwrap(),
                1 => category::set_products(&store, &men, membership).await.map(|_| ()).unwrap(),
                // Which moves the other category too.
                2 => {
                    let patch = CategoryPatch { rank: Patch::Set(0), ..CategoryPatch::default() };
                    category::update(&store, if n < 4 { &women } else { &men }, patch).await.map(|_| ()).unwrap();
                }
                _ => {
                    let patch = ProductPatch { collection_id: Patch::Set(None), ..ProductPatch::default() };
                    update(&store, &all[n % all.len()], patch).await.map(|_| ()).unwrap();
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut chains: BTreeMap<String, Vec<(ProductFacets, ProductFacets)>> = BTreeMap::new();
    for told in outbox::after(&shop.pool, seen).await {
        if let Change::Product { id, .. } = &told.event.change {
            chains.entry(id.clone()).or_default().push(both(&told.event.change));
        }
    }
    assert_eq!(chains.len(), products.len());
    for (product, title) in products.iter().zip(["a", "b", "c"]) {
        check_chain(title, &chains[product]);
    }
}

/// Each change began where the one before it ended.
fn check_chain(handle: &str, chain: &[(ProductFacets, ProductFacets)]) {
    assert_eq!(chain[0].0.handle, handle);
    for pair in chain.windows(2) {
        assert_eq!(pair[0].1, pair[1].0);
    }
}

fn both(change: &Change) -> (ProductFacets, ProductFacets) {
    match change {
        Change::Product { before: Some(before), after: Some(after), .. } => (before.clone(), after.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_handle_that_was_told_cannot_change_before_the_commit() {
    let shop = Shop::empty().await;
    let product = id(&shop.product("Shirt", &["S"]).await);
    let category = id(&shop.post("/admin/product-categories", json!({"name": "Men"})).await["product_category"]);
    let collection = id(&shop.post("/admin/collections", json!({"title": "Winter"})).await["collection"]);
    let links = json!({"categories": [{"id": category}], "collection_id": collection});
    shop.post(&format!("/admin/products/{product}"), links).await;
    let mut writer = shop.pool.begin().await.unwrap();
    product::record::lock(&mut writer, &product).await.unwrap().unwrap();
    let told = facets::of_product(&mut writer, &product).await.unwrap();
    assert_eq!(told.collection_handle.as_deref(), Some("winter"));
    for (table, id) in [("product_category", &category), ("product_collection", &collection), ("product", &product)] {
        let lock = format!("SELECT 1 FROM {table} WHERE id = $1 FOR UPDATE NOWAIT");
        let lock = || sqlx::query(sqlx::AssertSqlSafe(lock.clone())).bind(id);
        let refused = lock().execute(&shop.pool).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("55P03"), "{table}");
    }
    writer.rollback().await.unwrap();
    let lock = "SELECT 1 FROM product_category WHERE id = $1 FOR UPDATE NOWAIT";
    sqlx::query(lock).bind(&category).execute(&shop.pool).await.unwrap();
}

#[tokio::test]
async fn a_write_that_fails_half_way_leaves_no_event() {
    let shop = Shop::empty().await;
    shop.product("Shirt", &["S"]).await;
    let seen = outbox::last(&shop.pool).await;
    // The product and its first variant are written before the second hits the sku.
    let body = json!({
        "title": "Hat", "options": [{"title": "Size", "values": ["S", "M"]}],
        "variants": [
            {"title": "S", "options": {"Size": "S"}, "prices": []},
            {"title": "M", "options": {"Size": "M"}, "sku": "Shirt-S", "prices": []}
        ]
    });
    assert!(shop.refused("/admin/products", body).await.contains("already exists"));
    assert!(outbox::after(&shop.pool, seen).await.is_empty());
    let hats: i64 =
        sqlx::query_scalar("SELECT count(*) FROM product WHERE title = 'Hat'").fetch_one(&shop.pool).await.unwrap();
    assert_eq!(hats, 0);
}
