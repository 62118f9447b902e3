//! Whatever a write changes in an answer, its event purges a tag of that answer. This holds for all pairs of the writes
//! and the answers below; a pair that is missing a tag is a stale page at some edge.
//! `VITRINE_ALL_TAGS` adds the questions of [`crate::completeness`].

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use vitrine_origin::seed::Kind;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::event::Event;
use vitrine_shared::headers::{self, CACHE_MIN_EPOCH};
use vitrine_shared::tag::Tag;

use crate::completeness::requests;
use crate::selling;
use crate::shop::{KEY, Shop, id, tags};

/// An answer: its text and its tags.
type Answer = (String, BTreeSet<Tag>);

fn pages() -> Vec<String> {
    let (region, category, collection) = (id(Kind::Region, 0), id(Kind::Category, 3), id(Kind::Collection, 0));
    let product = id(Kind::Product, 0);
    let priced =
        format!("fields=*variants.calculated_price,%2Bvariants.inventory_quantity,*categories&region_id={region}");
    vec![
        "products?limit=100".into(),
        "products?limit=3&offset=57".into(),
        "products?limit=5&order=-created_at".into(),
        "products?limit=5&order=title&fields=title".into(),
        "products?q=Product%201&fields=id".into(),
        "products?handle=product-0".into(),
        "products?handle=brand-new".into(),
        format!("products?id[]={product}&fields=title"),
        format!("products?limit=5&{priced}"),
        format!("products?fields=title&category_id[]={category}"),
        format!("products?fields=title&collection_id[]={collection}"),
        format!("products?fields=title&tag_id[]={}", id(Kind::Tag, 0)),
        format!("products?fields=title&type_id[]={}", id(Kind::Type, 0)),
        format!("products?fields=title&option_value_id={}", id(Kind::OptionValue, 0)),
        "products?fields=title&variants[sku]=P0-S".into(),
        format!("products/{product}?{priced}"),
        format!("products/{product}"),
        "product-variants?limit=5".into(),
        format!("product-variants/{}?region_id={region}", id(Kind::Variant, 0)),
        "product-categories".into(),
        "product-categories?fields=*products&handle=men-shirts".into(),
        "product-categories?include_descendants_tree=true&parent_category_id=null".into(),
        format!("product-categories/{category}?fields=*products,*parent_category"),
        "collections?fields=*products".into(),
        format!("collections/{collection}?fields=*products"),
        "collections?handle=brand-new".into(),
        "product-tags?limit=2".into(),
        format!("product-tags/{}", id(Kind::Tag, 0)),
        "product-types".into(),
        "product-options?limit=3".into(),
        "regions".into(),
        format!("products?fields=title&limit=1&$or[0][tag_id][]={}", id(Kind::Tag, 0)),
        format!("products?fields=title&limit=1&$or[0][category_id][]={category}"),
        format!("products?fields=title&$and[0][tag_id][]={}", id(Kind::Tag, 0)),
        format!("products/{}?fields=id&category_id[]={category}", id(Kind::Product, 1)),
        format!("products/{}?fields=id&tag_id[]={}", id(Kind::Product, 4), id(Kind::Tag, 0)),
        format!("collections/{}?fields=id,*products.categories", id(Kind::Collection, 3)),
        format!("collections/{}?fields=id,*products.categories", id(Kind::Collection, 0)),
        "product-options?title=Novelty".into(),
        "product-options?q=Novelty".into(),
    ]
}

fn writes() -> Vec<(Method, String, Value)> {
    let (product, variant) = (id(Kind::Product, 0), id(Kind::Variant, 0));
    let (category, collection) = (id(Kind::Category, 3), id(Kind::Collection, 0));
    let of_product = format!("products/{product}");
    let channel = id(Kind::SalesChannel, 0);
    let new = json!({
        "title": "Product 1 brand new", "handle": "brand-new", "status": "published", "collection_id": collection,
        "type_id": id(Kind::Type, 0), "tags": [{"id": id(Kind::Tag, 0)}], "categories": [{"id": category}],
        "sales_channels": [{"id": channel}], "options": [{"title": "Novelty", "values": ["S"]}],
        "variants": [{"title": "S", "sku": "NEW-S", "options": {"Novelty": "S"}, "prices": [{"amount": 3, "currency_code": "eur"}]}]
    });
    vec![
        (Method::POST, of_product.clone(), json!({"title": "A title"})),
        (Method::POST, of_product.clone(), json!({"handle": "another-handle"})),
        (Method::POST, of_product.clone(), json!({"handle": "product-0"})),
        (Method::POST, of_product.clone(), json!({"status": "draft"})),
        (Method::POST, of_product.clone(), json!({"status": "published"})),
        (Method::POST, of_product.clone(), json!({"collection_id": id(Kind::Collection, 1)})),
        (Method::POST, of_product.clone(), json!({"collection_id": collection})),
        (Method::POST, of_product.clone(), json!({"type_id": id(Kind::Type, 1)})),
        (Method::POST, of_product.clone(), json!({"tags": [{"id": id(Kind::Tag, 1)}]})),
        (Method::POST, of_product.clone(), json!({"categories": [{"id": id(Kind::Category, 4)}]})),
        (Method::POST, of_product.clone(), json!({"categories": [{"id": category}]})),
        (Method::POST, format!("{of_product}/variants/{variant}"), json!({"title": "Small"})),
        (
            Method::POST,
            format!("{of_product}/variants/{variant}"),
            json!({"prices": [{"amount": 7.5, "currency_code": "eur"}]}),
        ),
        (Method::POST, "products".into(), new),
        (Method::POST, format!("product-categories/{category}"), json!({"name": "Shirts for men"})),
        (Method::POST, format!("product-categories/{category}"), json!({"is_internal": true})),
        (Method::POST, format!("product-categories/{category}"), json!({"is_internal": false})),
        (
            Method::POST,
            format!("product-categories/{category}/products"),
            json!({"add": [id(Kind::Product, 1)], "remove": [product]}),
        ),
        (
            Method::POST,
            "product-categories".into(),
            json!({"name": "Hats", "is_active": true, "parent_category_id": id(Kind::Category, 0)}),
        ),
        (Method::POST, format!("collections/{collection}"), json!({"title": "Another spring"})),
        (
            Method::POST,
            format!("collections/{collection}/products"),
            json!({"add": [id(Kind::Product, 1)], "remove": [product]}),
        ),
        (Method::POST, "collections".into(), json!({"title": "Brand new", "handle": "brand-new"})),
        (Method::POST, format!("product-tags/{}", id(Kind::Tag, 0)), json!({"value": "newest"})),
        (Method::POST, format!("product-types/{}", id(Kind::Type, 0)), json!({"value": "Clothes"})),
        (Method::DELETE, format!("{of_product}/variants/{variant}"), Value::Null),
        (Method::DELETE, of_product, Value::Null),
        (Method::DELETE, format!("product-tags/{}", id(Kind::Tag, 0)), Value::Null),
        (Method::DELETE, format!("product-types/{}", id(Kind::Type, 0)), Value::Null),
        (Method::DELETE, format!("collections/{collection}"), Value::Null),
        (Method::DELETE, format!("product-categories/{category}"), Value::Null),
    ]
}

#[tokio::test]
async fn every_write_purges_every_answer_that_it_changes() {
    let shop = Shop::start().await;
    let token = shop.sign_in().await;
    let mut pages = pages();
    let must_change = pages.len();
    if std::env::var_os("VITRINE_ALL_TAGS").is_some() {
        pages.extend(requests::all().into_iter().filter(|ask| ask.key == KEY).map(|ask| ask.path));
    }
    check(&shop, &token, &pages, must_change, writes()).await;
    shop.stop().await;
}

#[tokio::test]
async fn every_write_of_what_the_shop_computes_with_purges_every_answer_that_it_changes() {
    let shop = Shop::start().await;
    let token = shop.sign_in().await;
    let pages = selling::pages();
    check(&shop, &token, &pages, pages.len(), selling::writes()).await;
    shop.stop().await;
}

/// Each page is purged by each write that changes it. The first `must_change` are changed by one; else they prove nothing.
async fn check(shop: &Shop, token: &str, pages: &[String], must_change: usize, writes: Vec<(Method, String, Value)>) {
    let mut before = answers(shop, pages).await;
    let mut changed_by_some = vec![false; pages.len()];
    for (method, path, body) in writes {
        let newest: Option<i64> =
            sqlx::query_scalar("SELECT max(id) FROM outbox").fetch_one(&shop.state.pool).await.unwrap();
        let mut request = shop.admin(method.clone(), &path, token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        assert!(status.is_success(), "{method} {path} {body}: {status} {}", response.text().await.unwrap());
        let purged: Vec<String> = sqlx::query_scalar("SELECT DISTINCT unnest(tags) FROM outbox WHERE id > $1")
            .bind(newest.unwrap_or(0))
            .fetch_all(&shop.state.pool)
            .await
            .unwrap();
        let purged: BTreeSet<Tag> = purged.iter().map(|tag| Tag::parse(tag).unwrap()).collect();
        let after = answers(shop, pages).await;
        for (index, page) in pages.iter().enumerate() {
            if before[index].0 != after[index].0 {
                changed_by_some[index] = true;
                let tags = &before[index].1;
                assert!(
                    !tags.is_disjoint(&purged),
                    "{method} {path} {body} changed {page}\npurged {purged:?}\ntags {tags:?}"
                );
            }
        }
        before = after;
    }
    for (page, changed) in pages.iter().zip(changed_by_some).take(must_change) {
        assert!(changed || page == "regions", "no write changed {page}: it proves nothing");
    }
}

/// The triggers do not know what the workflows know, so they may purge more; they must not purge less.
#[tokio::test]
async fn what_a_workflow_purges_its_statements_would_purge_by_hand() {
    let shop = Shop::start().await;
    let token = shop.sign_in().await;
    // The triggers speak although the workflows tell of their changes themselves.
    let quiet = "WHEN ((current_setting('vitrine.tells_itself'::text, true) IS DISTINCT FROM 'on'::text))";
    let triggers: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT tgname::text, tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger
         WHERE tgname IN ('outbox_insert', 'outbox_update', 'outbox_delete', 'outbox_revive')",
    )
    .fetch_all(&shop.state.pool)
    .await
    .unwrap();
    for (name, table, definition) in triggers {
        assert!(definition.contains(quiet), "{definition}");
        let loud = format!("DROP TRIGGER {name} ON {table}; {}", definition.replace(quiet, ""));
        sqlx::raw_sql(sqlx::AssertSqlSafe(loud)).execute(&shop.state.pool).await.unwrap();
    }
    for (method, path, body) in [selling::writes(), writes()].concat() {
        let newest: i64 =
            sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM outbox").fetch_one(&shop.state.pool).await.unwrap();
        let mut request = shop.admin(method.clone(), &path, &token);
        if !body.is_null() {
            request = request.json(&body);
        }
        assert!(request.send().await.unwrap().status().is_success(), "{method} {path} {body}");
        let rows: Vec<(Value,)> = sqlx::query_as("SELECT event FROM outbox WHERE id > $1")
            .bind(newest)
            .fetch_all(&shop.state.pool)
            .await
            .unwrap();
        let events = rows.into_iter().map(|(event,)| serde_json::from_value::<Event>(event).unwrap());
        let (by_hand, own): (Vec<Event>, Vec<Event>) = events.partition(|event| event.name.starts_with("sql."));
        let tags =
            |events: Vec<Event>| -> BTreeSet<Tag> { events.iter().flat_map(|event| event.change.tags()).collect() };
        let (by_hand, own) = (tags(by_hand), tags(own));
        let missing: Vec<&Tag> = own.difference(&by_hand).collect();
        assert!(!own.is_empty() && missing.is_empty(), "{method} {path} {body}: triggers do not purge {missing:?}");
    }
    shop.stop().await;
}

/// What Postgres says now: asked with an epoch that this process has not applied.
async fn answers(shop: &Shop, pages: &[String]) -> Vec<Answer> {
    let applied = shop.state.live.applied();
    let ahead = headers::epoch_value(Epoch::new(applied.term, applied.seq + 1_000));
    let mut answers = Vec::new();
    for page in pages {
        let response = shop.get(page).header(CACHE_MIN_EPOCH, &ahead).send().await.unwrap();
        let tags = tags(&response);
        answers.push((response.text().await.unwrap(), tags));
    }
    answers
}
