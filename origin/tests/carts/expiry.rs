//! Carts that nobody wants any more.

use serde_json::json;
use vitrine_origin::modules::cart::sweep;

use crate::shop::{EUROPE, PLAIN, Shop};

#[tokio::test]
async fn expired_carts_go_with_all_that_belongs_to_them_and_others_stay() {
    let shop = Shop::start().await;
    let address = json!({ "country_code": "dk" });
    let items = json!([{ "variant_id": PLAIN, "quantity": 2 }]);
    let given = json!({
        "region_id": EUROPE, "shipping_address": address, "billing_address": address, "items": items, "promo_codes": ["TEN"],
    });
    let mut ids = Vec::new();
    for _ in 0..3 {
        let cart = shop.post("carts", given.clone()).await;
        ids.push(cart["id"].as_str().unwrap().to_owned());
    }
    let before = "SELECT count(*) FROM cart WHERE expires_at > now() + interval '29 days'";
    assert_eq!(shop.count(before).await, 3, "a guest's cart is kept for 30 days");
    // The first has expired, the second too and became an order.
    sqlx::query("UPDATE cart SET expires_at = now() - interval '1 second', completed_at = CASE WHEN id = $2 THEN now() END WHERE id = ANY($1)")
        .bind(&ids[..2])
        .bind(&ids[1])
        .execute(&shop.state.pool)
        .await
        .unwrap();
    let swept = sweep(&shop.state.pool).await.unwrap();
    assert_eq!((swept.removed, swept.may_go_on), (1, false));
    for (table, rows) in [
        ("SELECT count(*) FROM cart", 2),
        ("SELECT count(*) FROM cart_address", 4),
        ("SELECT count(*) FROM cart_line_item", 2),
        ("SELECT count(*) FROM cart_line_item_tax_line", 2),
        ("SELECT count(*) FROM cart_line_item_adjustment", 2),
        ("SELECT count(*) FROM cart_promotion", 2),
    ] {
        assert_eq!(shop.count(table).await, rows, "{table}");
    }
}
