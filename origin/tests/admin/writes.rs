//! What writes do to the shop.

use serde_json::{Value, json};

use crate::shop::{CHANNEL, Shop, id};

#[tokio::test]
async fn a_product_is_made_with_all_that_it_is_given() {
    let shop = Shop::empty().await;
    let collection = id(&shop.post("/admin/collections", json!({"title": "Summer Sale"})).await["collection"]);
    let category = id(&shop.post("/admin/product-categories", json!({"name": "Men"})).await["product_category"]);
    let tag = id(&shop.post("/admin/product-tags", json!({"value": "new"})).await["product_tag"]);
    let kind = id(&shop.post("/admin/product-types", json!({"value": "Apparel"})).await["product_type"]);
    let body = json!({
        "title": "Ünï Shirt", "is_giftcard": "true", "status": null, "weight": 1.25, "metadata": {"a": [1]},
        "images": [{"url": "http://x/1.png"}, {"url": "http://x/2.png"}],
        "collection_id": collection, "type_id": kind, "tags": [{"id": tag}], "categories": [{"id": category}],
        "sales_channels": [{"id": CHANNEL}],
        "options": [
            {"title": "Size", "values": ["S", "M"], "ranks": {"M": 1}},
            {"title": "Colour", "values": ["red"]}
        ],
        "variants": [
            {"title": "A", "options": {"Size": "S", "Colour": "red"}, "sku": "A1", "allow_backorder": true,
             "prices": [{"currency_code": "EUR", "amount": 0.1}, {"currency_code": "eur", "amount": 5, "rules": {"region_id": "reg_1"}}]},
            {"title": "B", "options": {"Size": "M", "Colour": "red"}, "manage_inventory": false, "prices": []}
        ]
    });
    let fields = "?fields=%2Bcategories.id,*variants.options.option";
    let product = shop.post(&format!("/admin/products{fields}"), body).await["product"].take();
    assert_eq!(product["handle"], "ünï-shirt");
    assert_eq!(product["status"], "draft");
    assert_eq!((&product["is_giftcard"], &product["discountable"]), (&json!(true), &json!(false)));
    assert_eq!(product["thumbnail"], "http://x/1.png");
    assert_eq!(product["weight"], json!(1.25));
    assert_eq!(product["metadata"], json!({"a": [1]}));
    assert_eq!(product["collection"]["handle"], "summer-sale");
    assert_eq!(product["type"]["value"], "Apparel");
    assert_eq!(product["categories"][0]["id"], Value::String(category));
    assert_eq!(product["tags"][0]["value"], "new");
    assert_eq!(product["sales_channels"][0]["id"], CHANNEL);
    let urls: Vec<_> = product["images"].as_array().unwrap().iter().map(|image| &image["url"]).collect();
    assert_eq!(urls, ["http://x/1.png", "http://x/2.png"]);
    let size = named(&product["options"], "Size");
    let values: Vec<_> = size["values"].as_array().unwrap().iter().map(|it| (&it["value"], &it["rank"])).collect();
    assert_eq!(values, [(&json!("S"), &Value::Null), (&json!("M"), &json!(1))]);
    let variant = named(&product["variants"], "A");
    assert_eq!(variant["options"].as_array().unwrap().len(), 2);
    let mut prices: Vec<_> = variant["prices"].as_array().unwrap().iter().map(price).collect();
    prices.sort();
    assert_eq!(prices, ["eur 0.1 {}", "eur 5 {\"region_id\":\"reg_1\"}"]);
    assert_eq!(items(&shop).await, [("A1".to_owned(), "A".to_owned())]);
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let shop = Shop::empty().await;
    let made = shop.product("Shirt", &["S", "M"]).await;
    let path = format!("/admin/products/{}", id(&made));
    let first = shop.post(&path, json!({"subtitle": "x", "metadata": {"a": 1, "b": 2}, "weight": 3})).await;
    assert_eq!(first["product"]["title"], "Shirt");
    let second = shop.post(&path, json!({"subtitle": null, "metadata": {"a": ""}})).await;
    assert_eq!(second["product"]["subtitle"], Value::Null);
    assert_eq!(second["product"]["metadata"], json!({"b": 2}));
    assert_eq!(second["product"]["weight"], 3);
    assert_eq!(second["product"]["variants"].as_array().unwrap().len(), 2);
    assert!(second["product"]["updated_at"].as_str() > made["updated_at"].as_str());
    assert_eq!(second["product"]["created_at"], made["created_at"]);
}

#[tokio::test]
async fn an_updates_images_and_variants_replace_those_before() {
    let shop = Shop::empty().await;
    let made = shop.product("Shirt", &["S", "M"]).await;
    let path = format!("/admin/products/{}", id(&made));
    let images = json!({"images": [{"url": "http://x/1"}, {"url": "http://x/2"}]});
    let with_images = shop.post(&path, images).await["product"].take();
    let kept = id(&with_images["images"][1]);
    let images = json!({"images": [{"url": "http://x/3"}, {"id": kept, "url": "http://x/2b"}]});
    let now = shop.post(&path, images).await["product"]["images"].take();
    let shown: Vec<_> = now.as_array().unwrap().iter().map(|image| (&image["rank"], &image["url"])).collect();
    assert_eq!(shown, [(&json!(0), &json!("http://x/3")), (&json!(1), &json!("http://x/2b"))]);
    assert_eq!(now[1]["id"], Value::String(kept));

    let small = id(named(&made["variants"], "S"));
    // The new one takes the option value and the sku of the one that goes.
    let variants = json!({"variants": [
        {"id": small, "title": "Small"},
        {"title": "Medium", "sku": "Shirt-M", "options": {"Size": "M"}, "prices": [{"currency_code": "usd", "amount": 7}]}
    ]});
    let now = shop.post(&path, variants).await["product"]["variants"].take();
    assert_eq!(now.as_array().unwrap().len(), 2);
    assert_eq!(named(&now, "Small")["id"], Value::String(small));
    assert_eq!(price(&named(&now, "Small")["prices"][0]), "eur 10 {}");
    assert_eq!(price(&named(&now, "Medium")["prices"][0]), "usd 7 {}");
    assert_ne!(id(named(&now, "Medium")), id(named(&made["variants"], "M")));
}

#[tokio::test]
async fn a_variants_prices_replace_its_default_prices_and_leave_those_of_lists() {
    let shop = Shop::empty().await;
    let made = shop.product("Shirt", &["S"]).await;
    let variant = &made["variants"][0];
    sqlx::query("INSERT INTO price_list (id, title) VALUES ('plist_1', 'Sale')").execute(&shop.pool).await.unwrap();
    sqlx::query(
        "INSERT INTO price (id, price_set_id, currency_code, amount, price_list_id)
         SELECT 'price_sale', price_set_id, 'eur', 1, 'plist_1' FROM product_variant_price_set WHERE variant_id = $1",
    )
    .bind(id(variant))
    .execute(&shop.pool)
    .await
    .unwrap();
    let path = format!("/admin/products/{}/variants/{}", id(&made), id(variant));
    let first = id(&variant["prices"][0]);
    let given =
        json!({"prices": [{"id": first, "amount": 12}, {"currency_code": "usd", "amount": 13, "min_quantity": 2}]});
    shop.post(&path, given).await;
    assert_eq!(prices(&shop, &id(variant)).await, ["eur 1", "eur 12", "usd 13"]);
    let kept: String =
        sqlx::query_scalar("SELECT id FROM price WHERE amount = 12").fetch_one(&shop.pool).await.unwrap();
    assert_eq!(kept, first);
    shop.post(&path, json!({"prices": [{"currency_code": "eur", "amount": 21}]})).await;
    assert_eq!(prices(&shop, &id(variant)).await, ["eur 1", "eur 21"]);
    shop.post(&path, json!({"title": "Small"})).await;
    assert_eq!(prices(&shop, &id(variant)).await, ["eur 1", "eur 21"]);
    shop.post(&path, json!({"prices": []})).await;
    assert_eq!(prices(&shop, &id(variant)).await, ["eur 1"]);
}

#[tokio::test]
async fn a_deleted_product_frees_its_handle_and_codes_and_takes_its_parts_along() {
    let shop = Shop::empty().await;
    let made = shop.product("Shirt", &["S", "M"]).await;
    let path = format!("/admin/products/{}", id(&made));
    let answer = shop.delete(&path).await;
    assert_eq!(answer, json!({"id": id(&made), "object": "product", "deleted": true}));
    assert_eq!(shop.send("GET", &path, None).await.0, 404);
    for table in
        ["product", "product_variant", "product_option", "product_option_value", "price_set", "price", "inventory_item"]
    {
        let live = format!("SELECT count(*) FROM {table} WHERE deleted_at IS NULL");
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(live)).fetch_one(&shop.pool).await.unwrap();
        assert_eq!(count, 0, "{table}");
    }
    let again = shop.product("Shirt", &["S", "M"]).await;
    assert_eq!(again["handle"], "shirt");
    assert_eq!(shop.delete(&path).await["deleted"], true);
}

#[tokio::test]
async fn variants_come_and_go_with_their_inventory_items() {
    let shop = Shop::empty().await;
    let made = shop.product("Shirt", &["S"]).await;
    let path = format!("/admin/products/{}/variants", id(&made));
    let item: String = sqlx::query_scalar("SELECT id FROM inventory_item").fetch_one(&shop.pool).await.unwrap();
    let body = json!({"title": "Pack", "prices": [], "inventory_items": [{"inventory_item_id": item, "required_quantity": 3}]});
    let product = shop.post(&path, body).await["product"].take();
    let pack = id(named(&product["variants"], "Pack"));
    assert_eq!(items(&shop).await.len(), 1);
    let first = format!("{path}/{}", id(&made["variants"][0]));
    let answer = shop.delete(&first).await;
    assert_eq!(answer["object"], "variant");
    assert_eq!(answer["parent"]["variants"].as_array().unwrap().len(), 1);
    // The pack still takes from the item.
    assert_eq!(items(&shop).await.len(), 1);
    shop.post(&format!("{path}/{pack}"), json!({"manage_inventory": false})).await;
    assert!(!is_linked(&shop, &pack).await);
    shop.post(&format!("{path}/{pack}"), json!({"manage_inventory": true})).await;
    assert!(is_linked(&shop, &pack).await);
    assert_eq!(shop.get(&path).await["count"], 1);
    assert_eq!(shop.get(&format!("{path}/{pack}")).await["variant"]["title"], "Pack");
    assert_eq!(shop.send("GET", &first, None).await.0, 404);
}

#[tokio::test]
async fn collections_and_categories_take_products_in_and_let_them_go() {
    let shop = Shop::empty().await;
    let (one, two) = (id(&shop.product("One", &["S"]).await), id(&shop.product("Two", &["S"]).await));
    let collection = id(&shop.post("/admin/collections", json!({"title": "Winter"})).await["collection"]);
    let category = id(&shop.post("/admin/product-categories", json!({"name": "Men"})).await["product_category"]);
    let in_collection = format!("/admin/products?collection_id={collection}&fields=id");
    let in_category = format!("/admin/products?category_id={category}&fields=id");
    for (path, list) in [
        (format!("/admin/collections/{collection}/products"), &in_collection),
        (format!("/admin/product-categories/{category}/products"), &in_category),
    ] {
        shop.post(&path, json!({"add": [one, two, "prod_unknown"]})).await;
        assert_eq!(shop.get(list).await["count"], 2);
        shop.post(&path, json!({"remove": [one]})).await;
        let left = shop.get(list).await;
        assert_eq!(left["products"], json!([{"id": two}]));
    }
    // A collection that a product is not in does not lose it.
    let other = id(&shop.post("/admin/collections", json!({"title": "Other"})).await["collection"]);
    shop.post(&format!("/admin/collections/{other}/products"), json!({"remove": [two]})).await;
    assert_eq!(shop.get(&in_collection).await["count"], 1);
}

#[tokio::test]
async fn what_is_deleted_is_no_longer_shown_on_products() {
    let shop = Shop::empty().await;
    let tag = id(&shop.post("/admin/product-tags", json!({"value": "new"})).await["product_tag"]);
    let kind = id(&shop.post("/admin/product-types", json!({"value": "Apparel"})).await["product_type"]);
    let collection = id(&shop.post("/admin/collections", json!({"title": "Winter"})).await["collection"]);
    let category = id(&shop.post("/admin/product-categories", json!({"name": "Men"})).await["product_category"]);
    let path = format!("/admin/products/{}", id(&shop.product("Shirt", &["S"]).await));
    let links =
        json!({"tags": [{"id": tag}], "type_id": kind, "collection_id": collection, "categories": [{"id": category}]});
    shop.post(&path, links).await;
    for path in [
        format!("/admin/product-tags/{tag}"),
        format!("/admin/product-types/{kind}"),
        format!("/admin/collections/{collection}"),
        format!("/admin/product-categories/{category}"),
    ] {
        assert_eq!(shop.delete(&path).await["deleted"], true);
        assert_eq!(shop.send("GET", &path, None).await.0, 404);
    }
    let product = shop.get(&format!("{path}?fields=%2Bcategories.id")).await["product"].take();
    assert_eq!((&product["tags"], &product["categories"]), (&json!([]), &json!([])));
    assert_eq!((&product["type"], &product["collection"]), (&Value::Null, &Value::Null));
    shop.post("/admin/collections", json!({"title": "Winter"})).await;
    shop.post("/admin/product-tags", json!({"value": "new"})).await;
}

fn named<'v>(list: &'v Value, title: &str) -> &'v Value {
    list.as_array().unwrap().iter().find(|item| item["title"] == title).unwrap()
}

fn price(price: &Value) -> String {
    format!("{} {} {}", price["currency_code"].as_str().unwrap(), price["amount"], price["rules"])
}

/// Live prices of a variant, in order.
async fn prices(shop: &Shop, variant: &str) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT p.currency_code || ' ' || p.amount::text FROM price p
         JOIN product_variant_price_set l ON l.price_set_id = p.price_set_id
         WHERE l.variant_id = $1 AND p.deleted_at IS NULL ORDER BY 1",
    )
    .bind(variant)
    .fetch_all(&shop.pool)
    .await
    .unwrap()
}

/// Live inventory items: sku and title.
async fn items(shop: &Shop) -> Vec<(String, String)> {
    sqlx::query_as("SELECT coalesce(sku, ''), title FROM inventory_item WHERE deleted_at IS NULL ORDER BY 1")
        .fetch_all(&shop.pool)
        .await
        .unwrap()
}

async fn is_linked(shop: &Shop, variant: &str) -> bool {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM product_variant_inventory_item WHERE variant_id = $1)")
        .bind(variant)
        .fetch_one(&shop.pool)
        .await
        .unwrap()
}
