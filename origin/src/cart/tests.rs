//! What a cart comes to depends on the cart, and not on how it came to be.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::totals::{CartTotals, totals};

const COUNTRY: &str = "dk";

/// A shop of two variants (one in tiers), a flat shipping option, 25 % VAT and two promotions.
fn facts() -> Facts {
    let price = |id: &str, amount: &str, min: Option<&str>, max: Option<&str>| {
        json!({ "id": id, "currency_code": "eur", "amount": amount, "min_quantity": min, "max_quantity": max,
                "rules_count": 0, "rules": [], "list": null })
    };
    let variant = |id: &str, prices: serde_json::Value| {
        json!({ "id": id, "title": id, "sku": null, "barcode": null, "thumbnail": null, "manage_inventory": true,
                "allow_backorder": false, "product_title": id, "product_description": null, "product_subtitle": null,
                "product_thumbnail": null, "product_handle": id, "product_type": null, "product_collection": null,
                "is_published": true, "discountable": true, "is_giftcard": false, "prices": prices,
                "product": { "id": format!("prod_{id}"), "collection_id": null, "type_id": null, "categories": [], "tags": [],
                             "shipping_profile_id": "sp" },
                "inventory": [{ "required_quantity": 1, "requires_shipping": true,
                                "levels": [{ "location_id": "here", "available": "1000" }] }] })
    };
    let promotion = |code: &str, method: serde_json::Value| {
        json!({ "id": format!("promo_{code}"), "code": code, "is_automatic": false, "is_tax_inclusive": false,
                "type": "standard", "status": "active", "limit": null, "used": 0, "rules": [], "method": method,
                "campaign": null })
    };
    let method = |kind: &str, value: &str| {
        json!({ "type": kind, "target_type": "items", "allocation": "across", "value": value, "currency_code": "eur",
                "max_quantity": null, "apply_to_quantity": null, "buy_rules_min_quantity": null, "target_rules": [],
                "buy_rules": [] })
    };
    let option = json!({ "id": "so", "name": "Standard", "price_type": "flat", "shipping_profile_id": "sp",
        "shipping_option_type_id": null, "location_id": "here", "is_in_zone": true, "rules": [], "price_set_id": "pset",
        "prices": [price("ship", "9", None, None)] });
    let rate = json!({ "id": "txr", "name": "VAT", "code": "vat", "rate": "25", "region": "txreg", "parent": null,
        "is_province": false, "is_default": true, "is_combinable": false, "rules": [] });
    let mut facts: Facts = serde_json::from_value(json!({
        "cart": null, "shipping_address": null, "billing_address": null, "items": [], "shipping_methods": [],
        "cart_promotions": [], "customer": null, "namesakes": [], "preferences": [], "rates": [rate],
        "region": { "id": "reg", "name": "Europe", "currency_code": "eur", "automatic_taxes": true,
                    "countries": ["de", COUNTRY] },
        "sales_channel": { "id": "sc", "name": "Shop", "is_disabled": false }, "shipping_options": [option],
        "variants": [
            variant("plain", json!([price("p", "14.5", None, None)])),
            variant("tiered", json!([price("few", "5", None, Some("9")), price("many", "4", Some("10"), None)])),
        ],
    }))
    .unwrap();
    let promotions = json!([promotion("TEN", method("percentage", "10")), promotion("FIVE", method("fixed", "5"))]);
    facts.promotions = serde_json::from_value(promotions).unwrap();
    facts
}

/// A call that a storefront makes.
#[derive(Debug, Clone)]
enum Call {
    Add(&'static str, i32),
    Address,
    Code(&'static str),
    Ship,
    Taxes,
}

fn carry_out(cart: &mut Cart, facts: &Facts, call: &Call) {
    let mut how = Refresh::default();
    match call {
        Call::Add(variant, quantity) => {
            let item = NewItem { variant_id: (*variant).into(), quantity: *quantity, metadata: None };
            add(cart, facts, &[item]).unwrap();
        }
        Call::Address => {
            let texts = vec![("country_code", Some(COUNTRY.to_owned()))];
            let given = GivenAddress { id: None, fields: AddressFields { texts, ..AddressFields::default() } };
            let address = given.over(None).unwrap();
            set_address(&mut cart.shipping_address, &mut cart.head.shipping_address_id, Some(address));
            how = Refresh { prices: Prices::Anew, taxes: Taxes::Anew, ..how };
        }
        Call::Code(code) => how.codes = Codes::Add(vec![(*code).to_owned()]),
        Call::Ship => {
            add_methods(cart, facts, &[GivenMethod { option_id: "so".into(), data: None }]).unwrap();
        }
        Call::Taxes if cart.shipping_address.is_some() => how.taxes = Taxes::Forced,
        Call::Taxes => {}
    }
    refresh(cart, facts, &how).unwrap();
}

fn after(facts: &Facts, calls: &[Call]) -> (Cart, CartTotals) {
    let mut cart = Cart::default();
    cart.head.id = "cart".into();
    enter(&mut cart, facts.region.as_ref().unwrap(), None);
    // A code takes nothing off an empty cart, and leaves it.
    carry_out(&mut cart, facts, &Call::Add("plain", 1));
    for call in calls {
        carry_out(&mut cart, facts, call);
    }
    let known = totals(&cart.for_totals()).unwrap().cart;
    (cart, known)
}

fn some_calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        (1..12_i32).prop_map(|quantity| Call::Add("plain", quantity)),
        (1..12_i32).prop_map(|quantity| Call::Add("tiered", quantity)),
        Just(Call::Code("TEN")),
        Just(Call::Code("FIVE")),
        Just(Call::Taxes),
        Just(Call::Address),
        Just(Call::Ship),
    ];
    proptest::collection::vec(call, 0..8)
}

proptest! {
    #[test]
    fn the_same_calls_in_any_order_come_to_the_same(
        (calls, shuffled) in some_calls().prop_flat_map(|calls| (Just(calls.clone()), Just(calls).prop_shuffle())),
    ) {
        let facts = facts();
        // Shares of a fixed discount are quotients, whose last digits depend on which line comes first.
        let shown = |calls: &[Call]| after(&facts, calls).1.named().map(|(name, total)| (name, total.round_dp(12)));
        prop_assert_eq!(shown(&calls), shown(&shuffled));
    }

    #[test]
    fn a_discount_never_exceeds_what_it_discounts(calls in some_calls()) {
        let (cart, known) = after(&facts(), &calls);
        prop_assert!(known.total >= rust_decimal::Decimal::ZERO);
        let lines = totals(&cart.for_totals()).unwrap();
        for line in lines.items.iter().chain(&lines.shipping_methods) {
            prop_assert!(line.discount_subtotal <= line.subtotal, "{:?}", line);
        }
    }

    #[test]
    fn refreshing_what_is_fresh_writes_nothing(calls in some_calls()) {
        let facts = facts();
        let (before, _) = after(&facts, &calls);
        let mut cart = before.clone();
        refresh(&mut cart, &facts, &Refresh::default()).unwrap();
        let changes = changes::between(&before, &cart);
        prop_assert_eq!(changes, changes::Changes::default());
    }
}

#[test]
fn quantities_of_several_calls_choose_the_price_together() {
    let facts = facts();
    let (cart, _) = after(&facts, &[Call::Add("tiered", 6), Call::Add("tiered", 4)]);
    let line = cart.items.iter().find(|item| item.variant_id.as_deref() == Some("tiered")).unwrap();
    assert_eq!((line.quantity, line.unit_price.as_number()), (10, "4".to_owned()));
}

#[test]
fn more_than_there_is_is_refused() {
    let facts = facts();
    let (mut cart, _) = after(&facts, &[Call::Add("plain", 900)]);
    let item = NewItem { variant_id: "plain".into(), quantity: 100, metadata: None };
    assert_eq!(add(&mut cart, &facts, &[item]), Err(CartError::Stock));
}

#[test]
fn conditions_of_shipping_options_are_those_of_medusa() {
    let rule = |attribute: &str, operator: &str, value: serde_json::Value| StoreRule {
        attribute: attribute.into(),
        operator: operator.into(),
        value,
    };
    let table = [
        (rule("is_return", "eq", json!("false")), true),
        (rule("is_return", "eq", json!("true")), false),
        (rule("enabled_in_store", "eq", json!("true")), true),
        (rule("enabled_in_store", "in", json!(["true"])), true),
        (rule("enabled_in_store", "nin", json!(["true"])), false),
        (rule("other", "ne", json!("x")), true),
        (rule("other", "gt", json!("1")), false),
    ];
    for (rule, holds) in table {
        let option = ShippingOption { is_in_zone: true, rules: vec![rule.clone()], ..ShippingOption::default() };
        assert_eq!(is_offered(&option, false), holds, "{rule:?}");
    }
    assert!(!is_offered(&ShippingOption::default(), false), "it does not go there");
}
