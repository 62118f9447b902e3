//! Writes of what the shop computes with: prices, taxes, regions, stock. And answers that end by themselves.

use reqwest::Method;
use serde_json::{Value, json};
use vitrine_origin::seed::Kind;
use vitrine_shared::headers::VITRINE_VALID_UNTIL;

use crate::shop::{Shop, id};

/// Answers that these writes change.
pub(crate) fn pages() -> Vec<String> {
    let (product, region) = (id(Kind::Product, 0), id(Kind::Region, 0));
    let taxed = format!("fields=*variants.calculated_price&region_id={region}&country_code=dk");
    vec![
        format!("products/{product}?{taxed}"),
        format!("products?limit=4&{taxed}"),
        format!("products/{product}?fields=%2Bvariants.inventory_quantity"),
        format!("regions/{region}"),
    ]
}

/// The writes.
pub(crate) fn writes() -> Vec<(Method, String, Value)> {
    let variant = id(Kind::Variant, 0);
    let post = |path: String, body: Value| (Method::POST, path, body);
    let preference = format!("price-preferences/{}", id(Kind::PricePreference, 0));
    let list = format!("price-lists/{}", id(Kind::PriceList, 0));
    let rate = format!("tax-rates/{}", id(Kind::TaxRate, 0));
    let region = format!("regions/{}", id(Kind::Region, 0));
    let level =
        format!("inventory-items/{}/location-levels/{}", id(Kind::InventoryItem, 0), id(Kind::StockLocation, 0));
    let channels = format!("stock-locations/{}/sales-channels", id(Kind::StockLocation, 0));
    let channel = id(Kind::SalesChannel, 0);
    let price = json!({"variant_id": variant, "currency_code": "eur", "amount": 2.25});
    vec![
        post(preference.clone(), json!({"is_tax_inclusive": true})),
        post(list.clone(), json!({"status": "draft"})),
        post(list.clone(), json!({"status": "active", "type": "override"})),
        post(list.clone(), json!({"rules": {"customer.groups.id": ["cusgroup_1"]}})),
        post(list.clone(), json!({"rules": {}})),
        post(list.clone(), json!({"ends_at": "2026-01-01T00:00:00Z"})),
        post(list.clone(), json!({"ends_at": null})),
        post(format!("{list}/prices/batch"), json!({"create": [price]})),
        post(format!("{list}/products"), json!({"remove": [id(Kind::Product, 0)]})),
        post("price-lists".into(), json!({"title": "L", "description": "", "status": "active", "prices": [price]})),
        (Method::DELETE, list, Value::Null),
        post(rate.clone(), json!({"rate": 12.5})),
        post(format!("{rate}/rules"), json!({"reference": "product", "reference_id": id(Kind::Product, 0)})),
        post(
            "tax-rates".into(),
            json!({"tax_region_id": id(Kind::TaxRegion, 0), "code": "c", "name": "n", "rate": 3,
                "rules": [{"reference": "product_type", "reference_id": id(Kind::Type, 0)}]}),
        ),
        (Method::DELETE, rate, Value::Null),
        (Method::DELETE, format!("tax-regions/{}", id(Kind::TaxRegion, 0)), Value::Null),
        post(
            "tax-regions".into(),
            json!({"country_code": "DK", "provider_id": "tp_system",
            "default_tax_rate": {"code": "d", "name": "d", "rate": 30}}),
        ),
        post(region.clone(), json!({"name": "The continent"})),
        post(region.clone(), json!({"countries": ["dk", "se"], "is_tax_inclusive": true})),
        post("regions".into(), json!({"name": "South", "currency_code": "eur", "countries": ["it", "fr"]})),
        post(
            format!("stores/{}", id(Kind::Store, 0)),
            json!({"supported_currencies": [
            {"currency_code": "eur", "is_default": true, "is_tax_inclusive": false}]}),
        ),
        (Method::DELETE, preference, Value::Null),
        post(level.clone(), json!({"stocked_quantity": 3})),
        post(level.clone(), json!({"stocked_quantity": 0})),
        post(level, json!({"stocked_quantity": 50})),
        post(channels.clone(), json!({"remove": [channel]})),
        post(channels, json!({"add": [channel]})),
        (Method::DELETE, format!("inventory-items/{}", id(Kind::InventoryItem, 0)), Value::Null),
        (Method::DELETE, format!("stock-locations/{}", id(Kind::StockLocation, 0)), Value::Null),
        (Method::DELETE, format!("regions/{}", id(Kind::Region, 1)), Value::Null),
    ]
}

#[tokio::test]
async fn a_price_list_that_begins_later_ends_the_answers_life() {
    let shop = Shop::start().await;
    let token = shop.sign_in().await;
    let page = &pages()[0];
    let until = async || {
        let response = shop.get(page).send().await.unwrap();
        response.headers().get(VITRINE_VALID_UNTIL).map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(until().await, None);
    // 2100-01-01 and a day later.
    let body = json!({
        "title": "Century", "description": "", "status": "active", "starts_at": "2100-01-01T00:00:00Z",
        "ends_at": "2100-01-02T00:00:00Z",
        "prices": [{"variant_id": id(Kind::Variant, 0), "currency_code": "eur", "amount": 1}]
    });
    let made = shop.admin(Method::POST, "price-lists", &token).json(&body).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let expected = vitrine_shared::headers::valid_until_value(4_102_444_800_000);
    assert_eq!(until().await.as_deref(), Some(expected.to_str().unwrap()));
    let list = format!("price-lists/{}", made["price_list"]["id"].as_str().unwrap());
    let draft = shop.admin(Method::POST, &list, &token).json(&json!({"status": "draft"})).send().await.unwrap();
    assert!(draft.status().is_success());
    assert_eq!(until().await, None);
    shop.stop().await;
}
