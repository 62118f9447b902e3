//! What is refused, in which words, and that a refused write leaves nothing behind.

use serde_json::{Value, json};

use crate::outbox;
use crate::shop::{Shop, id};

#[tokio::test]
async fn bodies_of_a_wrong_form_are_refused_in_medusas_words() {
    let shop = Shop::empty().await;
    let options = json!([{"title": "Size", "values": ["S"]}]);
    let many: Vec<Value> = (0..1_001).map(|_| json!({"title": "x", "prices": []})).collect();
    let table: Vec<(&str, Value, &str)> = vec![
        ("/admin/products", json!({}), "Invalid request: Field 'title' is required"),
        (
            "/admin/products",
            json!({"title": null}),
            "Invalid request: Expected type: 'string' for field 'title', got: 'null'",
        ),
        (
            "/admin/products",
            json!({"title": 5}),
            "Invalid request: Expected type: 'string' for field 'title', got: '5'",
        ),
        (
            "/admin/products",
            json!({"title": "x", "foo": 1, "bar": 2}),
            "Invalid request: Unrecognized fields: 'foo, bar'",
        ),
        (
            "/admin/products",
            json!({"title": 5, "weight": "1", "is_giftcard": 1, "metadata": []}),
            "Invalid request: Expected type: 'string' for field 'title', got: '5'; \
             Expected type: 'boolean, string' for field 'is_giftcard', got: '1'; \
             Expected type: 'number' for field 'weight', got: '1'",
        ),
        ("/admin/products", json!({"title": "x", "is_giftcard": "maybe"}), "Invalid request: Invalid input"),
        (
            "/admin/products",
            json!({"title": "x", "status": "sold"}),
            "Invalid request: Expected: 'draft, proposed, published, rejected' for field 'status', but got: 'sold'",
        ),
        (
            "/admin/products",
            json!({"title": "x", "tags": {}}),
            "Invalid request: Expected type: 'array' for field 'tags', got: '[object Object]'",
        ),
        (
            "/admin/products",
            json!({"title": "x", "images": [{"url": 1}]}),
            "Invalid request: Field 'images, 0, url' is required",
        ),
        (
            "/admin/products",
            json!({"title": "x", "options": options, "variants": [{"title": "A"}]}),
            "Invalid request: Field 'variants, 0, prices' is required",
        ),
        (
            "/admin/products",
            json!({"title": "x", "variants": [{"title": "A", "prices": [], "x": 1}]}),
            "Invalid request: Unrecognized fields: 'x'",
        ),
        (
            "/admin/products",
            json!({"title": "x", "variants": many}),
            "Invalid request: Value for field 'variants' too big, expected at most: '1000'",
        ),
        (
            "/admin/products",
            json!({"title": "y".repeat(1_025)}),
            "Invalid request: Value for field 'title' too big, expected at most: '1024'",
        ),
        ("/admin/products", json!({"title": "a\0b"}), "Invalid request: Text cannot hold a NUL character"),
    ];
    check(&shop, table).await;
}

#[tokio::test]
async fn what_breaks_a_rule_of_the_shop_is_refused_in_medusas_words() {
    let shop = Shop::empty().await;
    let this = format!("/admin/products/{}", id(&shop.product("Shirt", &["S"]).await));
    let variants = format!("{this}/variants");
    let options = json!([{"title": "Size", "values": ["S"]}]);
    let table: Vec<(&str, Value, &str)> = vec![
        ("/admin/products", json!({"title": "Hat"}), "Product options are not provided for: [Hat]."),
        ("/admin/products", json!({"title": "", "options": options}), "Product title is required"),
        (
            "/admin/products",
            json!({"title": "Hat", "handle": "A b", "options": options}),
            "Invalid product handle 'A b'. It must contain URL safe characters",
        ),
        (
            "/admin/products",
            json!({"title": "shirt", "options": options}),
            "Product with handle: shirt, already exists.",
        ),
        (
            "/admin/products",
            json!({"title": "Hat", "options": options, "tags": [{"id": "ptag_x"}]}),
            "Tag with id ptag_x not found. Please create the tag before associating it with the product.",
        ),
        (
            "/admin/products",
            json!({"title": "Hat", "options": options, "collection_id": "pcol_x"}),
            "You tried to set relationship collection_id: pcol_x, but such entity does not exist",
        ),
        (
            "/admin/products",
            json!({"title": "Hat", "options": options, "shipping_profile_id": "sp_x"}),
            "You tried to set relationship shipping_profile_id: sp_x, but such entity does not exist",
        ),
        (
            &this,
            json!({"options": []}),
            "Invalid request: The 'options' property was removed in version 2.16.0. Please remove it from your request payload.",
        ),
        (&this, json!({"images": [{"id": "img_x", "url": "u"}]}), "Image with id: img_x was not found on the product"),
        (
            &variants,
            json!({"title": "B", "prices": [], "options": {"Size": "S"}}),
            "Variant (S) with provided options already exists.",
        ),
        (
            &variants,
            json!({"title": "B", "prices": [], "options": {"Size": "L"}}),
            "Option value L does not exist for option Size",
        ),
        (
            &variants,
            json!({"title": "B", "prices": [], "sku": "Shirt-S"}),
            "Product variant with sku: Shirt-S, already exists.",
        ),
        ("/admin/products/prod_x", json!({}), "Product with id \"prod_x\" not found"),
    ];
    check(&shop, table).await;
}

/// Each is refused with its sentence, and none leaves a row or an event.
async fn check(shop: &Shop, table: Vec<(&str, Value, &str)>) {
    let count =
        async || -> i64 { sqlx::query_scalar("SELECT count(*) FROM product").fetch_one(&shop.pool).await.unwrap() };
    let before = (outbox::last(&shop.pool).await, count().await);
    for (path, body, message) in table {
        assert_eq!(shop.refused(path, body).await, message);
    }
    assert_eq!((outbox::last(&shop.pool).await, count().await), before);
}

#[tokio::test]
async fn what_does_not_exist_is_404_and_what_is_taken_is_400() {
    let shop = Shop::empty().await;
    let product = id(&shop.product("Shirt", &["S"]).await);
    let variant = format!("/admin/products/{product}/variants/variant_x");
    for (path, message) in [
        ("/admin/products/x", "Product with id \"x\" not found"),
        ("/admin/products/x/variants/y", "Product with id: x was not found"),
        (variant.as_str(), "Variant with id: variant_x was not found"),
        ("/admin/collections/x", "Collection with id \"x\" not found"),
        ("/admin/collections/x/products", "ProductCollection with id: x was not found"),
        ("/admin/product-categories/x", "ProductCategory with id: x was not found"),
        ("/admin/product-categories/x/products", "Product category with id: x was not found"),
        ("/admin/product-tags/x", "Product tag with id \"x\" not found"),
        ("/admin/product-types/x", "Product type with id \"x\" not found"),
    ] {
        let (status, answer) = shop.send("POST", path, Some(json!({}))).await;
        assert_eq!((status, answer), (404, json!({"type": "not_found", "message": message})), "{path}");
    }
    for (path, body, message) in [
        ("/admin/collections", json!({"title": "Winter"}), "Product collection with handle: winter, already exists."),
        ("/admin/product-categories", json!({"name": "Men"}), "Product category with handle: men, already exists."),
        ("/admin/product-tags", json!({"value": "new"}), "Product tag with value: new, already exists."),
        ("/admin/product-types", json!({"value": "Hat"}), "Product type with value: Hat, already exists."),
    ] {
        shop.post(path, body.clone()).await;
        let (status, answer) = shop.send("POST", path, Some(body)).await;
        assert_eq!((status, answer), (400, json!({"type": "invalid_data", "message": message})));
    }
}

#[tokio::test]
async fn numbers_that_postgres_cannot_hold_are_the_callers_fault() {
    let shop = Shop::empty().await;
    let path = format!("/admin/products/{}", id(&shop.product("Shirt", &["S"]).await));
    for body in [
        r#"{"weight": 1e400}"#,
        r#"{"metadata": {"a": 1e200000}}"#,
        r#"{"metadata": {"a": "\u0000"}}"#,
        r#"{"metadata": {"a": "\ud800"}}"#,
        r#"{"weight": NaN}"#,
        r"[1]",
        r"{",
    ] {
        let response =
            shop.request("POST", &path).header("content-type", "application/json").body(body).send().await.unwrap();
        let (status, answer) = crate::shop::read(response).await;
        assert_eq!((status, &answer["type"]), (400, &json!("invalid_data")), "{body}: {answer}");
    }
    let long = json!({"title": "x".repeat(2 << 20)}).to_string();
    let response = shop.request("POST", &path).body(long).send().await.unwrap();
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn queries_of_writes_take_fields_alone_besides_the_wait() {
    let shop = Shop::empty().await;
    let body = json!({"title": "Winter"});
    let refused = shop.refused("/admin/collections?limit=1", body.clone()).await;
    assert_eq!(refused, "Invalid request: Unrecognized fields: 'limit'");
    let (status, answer) = shop.send("POST", "/admin/collections?wait=acked&fields=title", Some(body)).await;
    assert!(status == 200 || status == 202, "{status}");
    assert_eq!(answer["collection"].as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "title"]);
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM product_collection").fetch_one(&shop.pool).await.unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn strangers_are_let_in_nowhere() {
    let shop = Shop::empty().await;
    let routes = [
        ("GET", "/admin/users/me"),
        ("GET", "/admin/products"),
        ("POST", "/admin/products"),
        ("GET", "/admin/products/x"),
        ("POST", "/admin/products/x"),
        ("DELETE", "/admin/products/x"),
        ("GET", "/admin/products/x/variants"),
        ("POST", "/admin/products/x/variants"),
        ("GET", "/admin/products/x/variants/y"),
        ("POST", "/admin/products/x/variants/y"),
        ("DELETE", "/admin/products/x/variants/y"),
        ("GET", "/admin/sales-channels"),
        ("GET", "/admin/sales-channels/x"),
        ("POST", "/admin/uploads"),
        ("GET", "/admin/uploads/x"),
        ("DELETE", "/admin/uploads/x"),
    ];
    let kinds = ["collections", "product-categories", "product-tags", "product-types"];
    let crud = kinds.into_iter().flat_map(|kind| {
        [("GET", ""), ("POST", ""), ("GET", "/x"), ("POST", "/x"), ("DELETE", "/x"), ("POST", "/x/products")]
            .into_iter()
            .filter(move |(_, rest)| *rest != "/x/products" || kind.starts_with("co") || kind.ends_with("ies"))
            .map(move |(method, rest)| (method, format!("/admin/{kind}{rest}")))
    });
    let routes = routes.into_iter().map(|(method, path)| (method, path.to_owned())).chain(crud);
    for (method, path) in routes {
        let answer = crate::shop::read(shop.anonymous(method, &path).send().await.unwrap()).await;
        assert_eq!(answer, (401, json!({"message": "Unauthorized"})), "{method} {path}");
        let customer = shop.anonymous(method, &path).bearer_auth(shop.customer_token());
        assert_eq!(customer.send().await.unwrap().status(), 401, "{method} {path}");
    }
}
