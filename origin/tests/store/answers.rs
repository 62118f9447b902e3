//! What answers say of themselves: tags, epoch, entity tag, and when they end.

use reqwest::StatusCode;
use vitrine_origin::seed::Kind;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::event::Change;
use vitrine_shared::headers::{self, CACHE_EPOCH, CACHE_MIN_EPOCH};
use vitrine_shared::tag::Tag;

use crate::shop::{Shop, id, product_changed, tags};

#[tokio::test]
async fn an_answer_is_tagged_with_all_that_it_shows_and_could_show() {
    let shop = Shop::start().await;
    let (key, channel) = (Tag::api_key(&id(Kind::ApiKey, 0)), id(Kind::SalesChannel, 0));
    let common = [key, Tag::sales_channel(&channel)];
    let collection = id(Kind::Collection, 1);
    let region = id(Kind::Region, 0);
    let table: Vec<(String, Vec<Tag>)> = vec![
        (
            "products?limit=2".into(),
            vec![
                Tag::product(&id(Kind::Product, 0)),
                Tag::collection(&id(Kind::Collection, 0)),
                Tag::product_type(&id(Kind::Type, 1)),
                Tag::product_tag(&id(Kind::Tag, 0)),
                Tag::products_of_channel(&channel),
            ],
        ),
        ("products?fields=id&q=nothing-like-it".into(), vec![Tag::products_any()]),
        ("products?fields=id&order=-title".into(), vec![Tag::products_any()]),
        ("products?handle=nope".into(), vec![Tag::product_handle("nope")]),
        (format!("products?fields=id&collection_id[]={collection}"), vec![Tag::products_of_collection(&collection)]),
        ("products/prod_nope".into(), vec![Tag::product("prod_nope")]),
        // Its category is shown without a key, and tagged all the same.
        (format!("products/{}", id(Kind::Product, 0)), vec![Tag::category(&id(Kind::Category, 3))]),
        (
            format!(
                "products?fields=*variants.calculated_price,%2Bvariants.inventory_quantity&region_id={region}&limit=1"
            ),
            vec![Tag::region(&region), Tag::price_list(&id(Kind::PriceList, 0)), Tag::stock(&id(Kind::Variant, 0))],
        ),
        (
            format!("collections/{collection}?fields=*products"),
            vec![
                Tag::collection(&collection),
                Tag::products_of_collection(&collection),
                Tag::product(&id(Kind::Product, 1)),
            ],
        ),
        ("collections?handle=nope".into(), vec![Tag::collection_handle("nope"), Tag::all("collections")]),
        (
            format!("product-variants/{}", id(Kind::Variant, 4)),
            vec![Tag::variant(&id(Kind::Variant, 4)), Tag::product(&id(Kind::Product, 1))],
        ),
        ("regions".into(), vec![Tag::region(&region), Tag::all("regions")]),
    ];
    for (path, expected) in table {
        let response = shop.get(&path).send().await.unwrap();
        let tags = tags(&response);
        for tag in expected.iter().chain(&common) {
            assert!(tags.contains(tag), "{path}: {tag} is not among {tags:?}");
        }
    }
    let narrow = tags(&shop.get(&format!("products?fields=id&collection_id={collection}")).send().await.unwrap());
    assert!(
        !narrow.contains(&Tag::products_of_channel(&channel)),
        "a narrow list is purged by its own predicate alone"
    );
    shop.stop().await;
}

#[tokio::test]
async fn the_epoch_is_that_of_the_reading_or_what_was_asked() {
    let shop = Shop::start().await;
    shop.change("SELECT 1", product_changed(0)).await;
    let applied = shop.state.live.applied();
    let epoch = async |asked: Option<Epoch>| {
        let mut request = shop.get("regions");
        if let Some(asked) = asked {
            request = request.header(CACHE_MIN_EPOCH, headers::epoch_value(asked));
        }
        let response = request.send().await.unwrap();
        (response.status(), headers::epoch(response.headers(), &CACHE_EPOCH).unwrap())
    };
    assert_eq!(epoch(None).await, (StatusCode::OK, Some(applied)));
    assert_eq!(epoch(Some(Epoch::new(applied.term, 0))).await, (StatusCode::OK, Some(applied)));
    let ahead = Epoch::new(applied.term, applied.seq + 7);
    assert_eq!(epoch(Some(ahead)).await, (StatusCode::OK, Some(ahead)));
    let other_term = Epoch::new(applied.term + 1, 0);
    assert_eq!(epoch(Some(other_term)).await.0, StatusCode::SERVICE_UNAVAILABLE);
    shop.stop().await;
}

#[tokio::test]
async fn a_caller_that_has_the_answer_is_told_so() {
    let shop = Shop::start().await;
    let first = shop.get("regions").send().await.unwrap();
    let etag = first.headers()["etag"].clone();
    assert!(etag.to_str().unwrap().starts_with("W/\""));
    let again = shop.get("regions").header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(tags(&again), tags(&first));
    assert_eq!(again.headers()["etag"], etag);
    let other = shop.get("regions").header("if-none-match", "W/\"x\"").send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
    shop.stop().await;
}

#[tokio::test]
async fn dated_prices_end_by_the_clock() {
    let shop = Shop::start().await;
    let path = format!("products?limit=1&fields=id,*variants.calculated_price&region_id={}", id(Kind::Region, 0));
    let until = async || {
        let response = shop.get(&path).send().await.unwrap();
        headers::valid_until(response.headers()).unwrap()
    };
    assert_eq!(until().await, None);
    let list = || Change::PriceList { id: id(Kind::PriceList, 0), product_ids: [id(Kind::Product, 0)].into() };
    shop.change("UPDATE price_list SET starts_at = '2100-01-01', ends_at = '2100-02-01'", list()).await;
    assert_eq!(until().await, Some(4_102_444_800_000));
    shop.change("UPDATE price_list SET starts_at = NULL, ends_at = '2100-01-01'", list()).await;
    assert_eq!(until().await, Some(4_102_444_800_001));
    // Documents of the read cache hold the lists and not the moments; who has the answer is told its end again.
    shop.until("documents of the cache answer", async || {
        let hits = shop.hits();
        until().await == Some(4_102_444_800_001) && shop.hits() > hits
    })
    .await;
    let etag = shop.get(&path).send().await.unwrap().headers()["etag"].clone();
    let again = shop.get(&path).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(headers::valid_until(again.headers()).unwrap(), Some(4_102_444_800_001));
    // The next of several moments counts, also of a list that has not begun.
    shop.change("UPDATE price_list SET starts_at = '2099-01-01'", list()).await;
    assert_eq!(until().await, Some(4_070_908_800_000));
    shop.stop().await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let shop = Shop::start().await;
    assert_eq!(shop.get("regions").send().await.unwrap().status(), StatusCode::OK);
    let key = Change::ApiKey { id: id(Kind::ApiKey, 0) };
    shop.change("UPDATE api_key SET revoked_at = now()", key).await;
    assert_eq!(shop.get("regions").send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    shop.stop().await;
}
