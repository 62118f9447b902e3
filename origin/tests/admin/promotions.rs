//! Promotions as merchants write them, and as carts then load and apply them.

use serde_json::{Value, json};
use vitrine_origin::promotion::{self, Context, Line, Promotion};

use crate::shop::{Shop, id};

/// What the shop's promotions are, by codes, loaded as carts load them.
async fn loaded(shop: &Shop, codes: &[&str], users: &[&str]) -> Vec<Promotion> {
    let sql = format!("SELECT {}", promotion::rows("$1", "$2"));
    let text: String =
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(codes).bind(users).fetch_one(&shop.pool).await.unwrap();
    serde_json::from_str(&text).unwrap()
}

fn line(id: &str, product: &str, quantity: i64, subtotal: i64) -> Line {
    Line {
        id: id.into(),
        quantity: quantity.into(),
        subtotal: subtotal.into(),
        original_total: subtotal.into(),
        is_discountable: true,
        attributes: json!({"product": {"id": product}}),
    }
}

/// `target amount` of all that is taken off.
fn taken(promotions: &[Promotion], codes: &[&str], lines: &[Line]) -> Vec<String> {
    let attributes = json!({"currency_code": "eur", "region": {"id": "reg_1"}});
    let context = Context {
        now: 0,
        currency_code: "eur",
        customer_id: Some("cus_1"),
        email: None,
        attributes: &attributes,
        lines,
        shipping_methods: &[],
    };
    let codes: Vec<String> = codes.iter().map(|&code| code.to_owned()).collect();
    let outcome = promotion::compute(promotions, &codes, &context).unwrap();
    outcome.lines.iter().map(|it| format!("{} {}", it.target, it.amount.normalize())).collect()
}

#[tokio::test]
async fn what_a_merchant_writes_a_cart_applies() {
    let shop = Shop::empty().await;
    let body = json!({
        "code": "BUY2", "type": "buyget", "status": "active", "metadata": {"a": 1},
        "rules": [{"attribute": "region.id", "operator": "in", "values": ["reg_1", "reg_2"]}],
        "campaign": {"name": "C", "campaign_identifier": "c", "budget": {"type": "usage", "limit": 3}},
        "application_method": {
            "type": "percentage", "target_type": "items", "allocation": "each", "value": 50, "max_quantity": 1,
            "apply_to_quantity": 1, "buy_rules_min_quantity": 2,
            "buy_rules": [{"attribute": "items.product.id", "operator": "eq", "values": "prod_a"}],
            "target_rules": [{"attribute": "items.product.id", "operator": "eq", "values": ["prod_b"]}]
        }
    });
    let made = shop.post("/admin/promotions", body).await["promotion"].take();
    assert_eq!(made["application_method"]["buy_rules"][0]["values"][0]["value"], "prod_a");
    assert_eq!(
        (&made["campaign"]["budget"]["type"], &made["campaign"]["budget"]["used"]),
        (&json!("usage"), &json!(0))
    );
    let lines = [line("a", "prod_a", 2, 40), line("b", "prod_b", 1, 30)];
    let promotions = loaded(&shop, &["BUY2"], &[]).await;
    assert_eq!(taken(&promotions, &["BUY2"], &lines), ["b 15"]);
    // Other rules, another value; and nobody else's code.
    let path = format!("/admin/promotions/{}", id(&made));
    let target = &made["application_method"]["target_rules"][0]["id"];
    let batch = json!({"update": [{"id": target, "values": ["prod_a"]}]});
    let changed = shop.post(&format!("{path}/target-rules/batch"), batch).await;
    assert_eq!(changed["updated"][0]["values"][0]["value"], "prod_a");
    shop.post(&path, json!({"application_method": {"value": 100}})).await;
    let promotions = loaded(&shop, &["BUY2", "OTHER"], &[]).await;
    assert_eq!(taken(&promotions, &["BUY2"], &[line("a", "prod_a", 3, 60)]), ["a 20"]);
    assert_eq!(promotion::unknown_code(&promotions, &["BUY2".into(), "OTHER".into()]), Some("OTHER"));
    // Rules go, and the promotion with all that it had.
    let rule = &made["rules"][0]["id"];
    let gone = shop.post(&format!("{path}/rules/batch"), json!({"delete": [rule]})).await;
    assert_eq!(gone["deleted"], json!({"ids": [rule], "object": "promotion-rule", "deleted": true}));
    assert_eq!(shop.get(&path).await["promotion"]["rules"], json!([]));
    assert_eq!(shop.delete(&path).await, json!({"id": id(&made), "object": "promotion", "deleted": true}));
    assert!(loaded(&shop, &["BUY2"], &[]).await.is_empty());
}

#[tokio::test]
async fn automatic_promotions_are_loaded_by_no_code_and_uses_by_who_used_them() {
    let shop = Shop::empty().await;
    let method = json!({"type": "fixed", "target_type": "order", "value": 3, "currency_code": "eur"});
    let body = json!({
        "code": "AUTO", "type": "standard", "status": "active", "is_automatic": true, "application_method": method,
        "campaign": {"name": "C", "campaign_identifier": "c",
            "budget": {"type": "use_by_attribute", "limit": 2, "attribute": "customer_id"}}
    });
    shop.post("/admin/promotions", body).await;
    shop.post(
        "/admin/promotions",
        json!({"code": "DRAFT", "type": "standard", "is_automatic": true, "application_method": method}),
    )
    .await;
    let lines = [line("a", "p", 1, 10)];
    assert_eq!(taken(&loaded(&shop, &[], &["cus_1"]).await, &[], &lines), ["a 3"]);
    sqlx::query(
        "INSERT INTO promotion_campaign_budget_usage (id, attribute_value, used, budget_id)
         SELECT 'u' || n, 'cus_' || n, 2, id FROM promotion_campaign_budget, generate_series(1, 2) n",
    )
    .execute(&shop.pool)
    .await
    .unwrap();
    let promotions = loaded(&shop, &[], &["cus_1"]).await;
    assert_eq!(promotions.len(), 1);
    let usages = &promotions[0].campaign.as_ref().unwrap().budget.as_ref().unwrap().usages;
    assert_eq!(usages.iter().map(|usage| usage.attribute_value.as_str()).collect::<Vec<_>>(), ["cus_1"]);
    assert!(taken(&promotions, &[], &lines).is_empty());
}

/// A path, a body, and what is said of it; nothing where that does not matter.
type Nonsense = ((&'static str, Value), &'static str);

fn of_promotions() -> Vec<Nonsense> {
    let promotion = |method: Value, more: Value| {
        let mut body = json!({"code": "P", "type": "standard", "application_method": {
            "type": "fixed", "target_type": "items", "allocation": "each", "max_quantity": 1, "value": 1}});
        for (name, value) in method.as_object().unwrap() {
            body["application_method"][name] = value.clone();
        }
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        ("/admin/promotions", body)
    };
    let none = || json!({});
    vec![
        (
            promotion(json!({"type": "percentage", "value": 101}), none()),
            "Application Method value should be a percentage number between 0 and 100",
        ),
        (
            promotion(json!({"allocation": "across"}), none()),
            "application_method.max_quantity is not allowed to be set for allocation (across)",
        ),
        (
            promotion(json!({"allocation": "once", "target_type": "order"}), none()),
            "application_method.allocation 'once' is not compatible with target_type 'order'",
        ),
        (
            promotion(none(), json!({"type": "buyget"})),
            "Invalid request: Buyget promotions require at least one buy rule and quantities to be defined",
        ),
        (
            promotion(none(), json!({"is_automatic": true, "limit": 3})),
            "Invalid request: Automatic promotions cannot have a usage limit",
        ),
        (promotion(none(), json!({"campaign_id": "procamp_x"})), "Could not find campaign with id - procamp_x"),
        (
            promotion(none(), json!({"type": "other"})),
            "Invalid request: Expected: 'standard, buyget' for field 'type', but got: 'other'",
        ),
        (
            promotion(none(), json!({"code": null})),
            "Invalid request: Expected type: 'string' for field 'code', got: 'null'",
        ),
        (
            ("/admin/promotions", json!({})),
            "Invalid request: Field 'code' is required; Field 'type' is required; Field 'application_method' is required",
        ),
    ]
}

fn of_others() -> Vec<Nonsense> {
    vec![
        (
            ("/admin/campaigns", json!({"name": "C", "campaign_identifier": "c", "budget": {"type": "spend"}})),
            "Invalid request: currency_code is required when budget type is spend",
        ),
        (("/admin/regions", json!({"name": "R", "currency_code": "eur", "countries": ["xx"]})), ""),
        (
            ("/admin/tax-regions", json!({"country_code": "dk"})),
            "Invalid request: Provider is required when creating a non-province tax region.",
        ),
        (
            ("/admin/tax-regions", json!({"country_code": "dk", "province_code": "x", "parent_id": "txreg_x"})),
            "Province region must belong to a parent region. You are trying to create a province region with \
             (country: dk, province: x) but parent does not exist",
        ),
        (
            (
                "/admin/price-lists",
                json!({"title": "L", "description": "", "prices": [
            {"variant_id": "variant_x", "currency_code": "eur", "amount": 1}]}),
            ),
            "No price set exist for variants: variant_x",
        ),
        (
            ("/admin/inventory-items", json!({"sku": "s", "location_levels": [{"location_id": "sloc_x"}]})),
            "Stock locations with ids: sloc_x was not found",
        ),
        (
            ("/admin/inventory-items/iitem_x/location-levels/sloc_x", json!({"stocked_quantity": 1})),
            "Item iitem_x is not stocked at location sloc_x",
        ),
        (
            ("/admin/inventory-items/iitem_x/location-levels/sloc_x", json!({"stocked_quantity": -1})),
            "Invalid request: Value for field 'stocked_quantity' too small, expected at least: '0'",
        ),
        (
            (
                "/admin/shipping-options",
                json!({"name": "S", "service_zone_id": "z", "shipping_profile_id": "p", "price_type": "flat",
            "provider_id": "manual_manual", "type_id": "t", "prices": []}),
            ),
            "Providers (manual_manual) are not enabled for the service location",
        ),
    ]
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_medusas_words_and_leaves_nothing() {
    let shop = Shop::empty().await;
    for ((path, body), expected) in [of_promotions(), of_others()].concat() {
        let refused = shop.refused(path, body.clone()).await;
        assert!(expected.is_empty() || refused == expected, "{path} {body}: {refused}");
    }
    for table in
        ["promotion", "promotion_rule", "promotion_campaign", "region", "tax_region", "price_list", "inventory_item"]
    {
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&shop.pool)
            .await
            .unwrap();
        assert_eq!(count, 0, "{table}");
    }
}
