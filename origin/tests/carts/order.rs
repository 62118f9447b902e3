//! The same cart comes to the same, in whatever order its calls came.

use serde_json::{Value, json};

use crate::shop::{EUROPE, ON_SALE, PLAIN, Shop, US};

#[tokio::test]
async fn the_order_of_calls_changes_no_total() {
    let shop = Shop::start().await;
    let calls = [
        ("/line-items", json!({ "variant_id": ON_SALE, "quantity": 3 })),
        ("/line-items", json!({ "variant_id": PLAIN, "quantity": 2 })),
        ("", json!({ "shipping_address": { "country_code": "dk", "province": "", "postal_code": "2100" } })),
        ("/promotions", json!({ "promo_codes": ["TEN"] })),
        ("", json!({ "region_id": EUROPE })),
    ];
    // A code takes nothing off an empty cart, and leaves it: it comes after an item, as in Medusa.
    let orders = [[0, 1, 2, 3, 4], [1, 0, 3, 2, 4], [2, 4, 1, 3, 0], [0, 3, 2, 4, 1], [4, 1, 2, 0, 3]];
    let mut totals: Vec<Value> = Vec::new();
    for order in orders {
        let id = shop.create(EUROPE).await;
        for call in order {
            let (rest, body) = &calls[call];
            shop.post(&format!("carts/{id}{rest}"), body.clone()).await;
        }
        let cart = shop.cart(&id).await;
        let names = ["total", "subtotal", "tax_total", "discount_total", "item_total", "original_total"];
        totals.push(names.map(|name| cart[name].clone()).into_iter().collect());
    }
    assert_eq!(totals[0][0], 49.5);
    for (order, total) in orders.iter().zip(&totals) {
        assert_eq!(total, &totals[0], "{order:?}");
    }
}

#[tokio::test]
async fn a_region_and_back_is_as_if_nothing_had_been() {
    let shop = Shop::start().await;
    let id = shop.create(EUROPE).await;
    let before = shop.post(&format!("carts/{id}/line-items"), json!({ "variant_id": ON_SALE, "quantity": 3 })).await;
    let away = shop.post(&format!("carts/{id}"), json!({ "region_id": US })).await;
    assert_eq!((&away["currency_code"], &away["shipping_address"]["country_code"]), (&json!("usd"), &json!("us")));
    let back = shop.post(&format!("carts/{id}"), json!({ "region_id": EUROPE })).await;
    assert_eq!(back["shipping_address"], Value::Null);
    for name in ["total", "currency_code", "region_id"] {
        assert_eq!(back[name], before[name], "{name}");
    }
    for name in ["unit_price", "compare_at_unit_price", "quantity"] {
        assert_eq!(back["items"][0][name], before["items"][0][name], "{name}");
    }
}
