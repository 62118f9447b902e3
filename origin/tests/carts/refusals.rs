//! What is refused, in Medusa's words, and changes nothing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::{EUROPE, KEY, ON_SALE, PLAIN, Shop, US};

/// A method, a path below the cart, a body, a status and a message.
type Case = (Method, &'static str, Value, u16, &'static str);

fn of_parts() -> Vec<Case> {
    vec![
        (
            Method::POST,
            "/line-items",
            json!({}),
            400,
            "Invalid request: Field 'variant_id' is required; Field 'quantity' is required",
        ),
        (
            Method::POST,
            "/line-items",
            json!({ "variant_id": PLAIN, "quantity": 0 }),
            400,
            "Invalid request: Value for field 'quantity' too small, expected at least: '0'",
        ),
        (
            Method::POST,
            "/line-items",
            json!({ "variant_id": PLAIN, "quantity": "1" }),
            400,
            "Invalid request: Expected type: 'number' for field 'quantity', got: '1'",
        ),
        (
            Method::POST,
            "/line-items",
            json!({ "variant_id": PLAIN, "quantity": 2_147_483_647 }),
            400,
            "Some variant does not have the required inventory",
        ),
        (
            Method::POST,
            "/line-items",
            json!({ "variant_id": PLAIN, "quantity": 1, "a": 1 }),
            400,
            "Invalid request: Unrecognized fields: 'a'",
        ),
        (
            Method::POST,
            "/line-items/cali_other",
            json!({ "quantity": 1 }),
            404,
            "Line item with id: cali_other was not found",
        ),
        (
            Method::POST,
            "/shipping-methods",
            json!({ "option_id": "so_other" }),
            400,
            "Shipping Options are invalid for cart.",
        ),
        (Method::POST, "/taxes", json!({}), 400, "country code is required to calculate taxes"),
        (Method::POST, "/promotions", json!({ "promo_codes": ["NOPE"] }), 400, "The promotion code NOPE is invalid"),
        (Method::POST, "", json!({ "region_id": "reg_other" }), 404, "Region id not found: reg_other"),
        (Method::POST, "", json!({ "email": "nobody" }), 400, "Invalid request: Invalid email address"),
    ]
}

fn of_carts() -> Vec<Case> {
    vec![
        (
            Method::POST,
            "",
            json!({ "shipping_address": { "country_code": "us" } }),
            400,
            "Country with code us is not within region Europe",
        ),
        (
            Method::POST,
            "",
            json!({ "shipping_address": { "id": "caaddr_other" } }),
            404,
            "Address with id \"caaddr_other\" not found",
        ),
        (
            Method::POST,
            "",
            json!({ "shipping_address": "x" }),
            400,
            "Invalid request: Expected type: 'object' for field 'shipping_address', got: 'x'",
        ),
        (
            Method::POST,
            "",
            json!({ "metadata": { "a": "\u{0}" } }),
            400,
            "Invalid request: Text cannot hold a NUL character",
        ),
        (
            Method::POST,
            "",
            json!({ "metadata": { "a": "x".repeat(20_000) } }),
            400,
            "Invalid request: Value for field 'metadata' too big, expected at most: '16384'",
        ),
    ]
}

#[tokio::test]
async fn bad_input_is_told_in_medusas_words_and_changes_nothing() {
    let shop = Shop::start().await;
    let id = shop.create(EUROPE).await;
    shop.post(&format!("carts/{id}/line-items"), json!({ "variant_id": PLAIN, "quantity": 1 })).await;
    let before = shop.cart(&id).await;
    for (method, rest, body, status, message) in of_parts().into_iter().chain(of_carts()) {
        let (found, answer) = shop.ask(method, &format!("carts/{id}{rest}"), Some(body.clone())).await;
        assert_eq!((found, answer["message"].as_str().unwrap()), (status, message), "{rest} {body}");
    }
    assert_eq!(shop.cart(&id).await, before);
}

#[tokio::test]
async fn a_cart_that_is_not_there_is_not_found_whatever_its_id() {
    let shop = Shop::start().await;
    let long = "a".repeat(5_000);
    for id in ["cart_nope", "'", "%00", "cart_%27;DROP%20TABLE%20cart", "..%2F..", long.as_str()] {
        let (status, _) = shop.ask(Method::GET, &format!("carts/{id}"), None).await;
        assert_eq!(status, 404, "{id}");
        let (status, answer) =
            shop.ask(Method::POST, &format!("carts/{id}/promotions"), Some(json!({ "promo_codes": [] }))).await;
        assert_eq!((status, &answer["type"]), (404, &json!("not_found")), "{id}");
    }
    assert_eq!(shop.count("SELECT count(*) FROM cart").await, 0);
}

#[tokio::test]
async fn a_completed_cart_is_not_changed() {
    let shop = Shop::start().await;
    let id = shop.create(EUROPE).await;
    shop.sql("UPDATE cart SET completed_at = now()").await;
    let message = format!("Cart {id} is already completed.");
    let item = json!({ "variant_id": PLAIN, "quantity": 1 });
    for (rest, body) in
        [("/line-items", item), ("", json!({ "region_id": US })), ("/promotions", json!({ "promo_codes": [] }))]
    {
        let (status, answer) = shop.ask(Method::POST, &format!("carts/{id}{rest}"), Some(body)).await;
        assert_eq!((status, answer["message"].as_str().unwrap()), (400, message.as_str()), "{rest}");
    }
}

#[tokio::test]
async fn equal_items_are_one_line_and_others_are_not() {
    let shop = Shop::start().await;
    let id = shop.create(EUROPE).await;
    let path = format!("carts/{id}/line-items");
    for metadata in [json!(null), json!({}), json!({ "engraving": "A" }), json!({ "engraving": "A" })] {
        shop.post(&path, json!({ "variant_id": ON_SALE, "quantity": 1, "metadata": metadata })).await;
    }
    let cart = shop.cart(&id).await;
    let quantities: Vec<&Value> = cart["items"].as_array().unwrap().iter().map(|item| &item["quantity"]).collect();
    assert_eq!(quantities, [2, 2]);
    let line = cart["items"][0]["id"].as_str().unwrap();
    let cart = shop.post(&format!("{path}/{line}"), json!({ "quantity": 0 })).await;
    assert_eq!(cart["items"].as_array().unwrap().len(), 1, "a quantity of zero takes it out");
}

#[tokio::test]
async fn another_visitors_line_is_not_taken_out_and_only_a_customer_takes_a_cart_over() {
    let shop = Shop::start().await;
    let (mine, theirs) = (shop.create(EUROPE).await, shop.create(EUROPE).await);
    let cart = shop.post(&format!("carts/{theirs}/line-items"), json!({ "variant_id": PLAIN, "quantity": 1 })).await;
    let line = cart["items"][0]["id"].as_str().unwrap();
    let (status, answer) = shop.ask(Method::DELETE, &format!("carts/{mine}/line-items/{line}"), None).await;
    assert_eq!((status, &answer["deleted"]), (200, &json!(true)));
    assert_eq!(shop.cart(&theirs).await["items"].as_array().unwrap().len(), 1);
    let (status, answer) = shop.ask(Method::POST, &format!("carts/{mine}/customer"), Some(json!({}))).await;
    assert_eq!((status, answer), (401, json!({ "message": "Unauthorized" })));
    let token = shop.customer("taker@test.com").await;
    let request =
        shop.request(Method::POST, &format!("/store/carts/{mine}/customer")).header("x-publishable-api-key", KEY);
    let answer: Value = request.bearer_auth(token).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["cart"]["email"], "taker@test.com");
}

#[tokio::test]
async fn a_guest_is_one_customer_however_often_they_write_their_address() {
    let shop = Shop::start().await;
    let mut customers = Vec::new();
    for email in ["Ann@Test.com", "ann@test.com"] {
        let cart = shop.post("carts", json!({ "region_id": EUROPE, "email": email })).await;
        assert_eq!(cart["email"], "ann@test.com");
        customers.push(cart["customer_id"].clone());
    }
    assert_eq!(customers[0], customers[1]);
    assert_eq!(shop.count("SELECT count(*) FROM customer WHERE NOT has_account").await, 1);
}

#[tokio::test]
async fn what_is_not_for_sale_in_the_keys_channels_is_not_put_into_a_cart_there() {
    let shop = Shop::start().await;
    let given = json!({ "region_id": EUROPE, "sales_channel_id": "sc_other" });
    let (status, answer) = shop.ask(Method::POST, "carts", Some(given)).await;
    assert_eq!(status, 400);
    assert_eq!(
        answer["errors"][0],
        "Sales channel ID in payload sc_other is not associated with the Publishable API Key in the header."
    );
    shop.sql("UPDATE sales_channel SET is_disabled = true").await;
    let (status, answer) = shop.ask(Method::POST, "carts", Some(json!({ "region_id": EUROPE }))).await;
    assert_eq!(
        (status, answer["message"].as_str().unwrap()),
        (400, "Unable to assign cart to disabled Sales Channel: Default Sales Channel")
    );
}
