//! Cases: Medusa's own, and one for each gate.

use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_000;

/// A cart of lines (`id`, quantity, subtotal, with tax) and shipping methods.
struct Cart {
    attributes: Value,
    lines: Vec<Line>,
    shipping_methods: Vec<ShippingMethod>,
    customer: Option<&'static str>,
}

fn decimal(text: &str) -> rust_decimal::Decimal {
    text.parse().unwrap()
}

fn line(id: &str, quantity: &str, subtotal: &str, original_total: &str) -> Line {
    Line {
        id: id.into(),
        quantity: decimal(quantity),
        subtotal: decimal(subtotal),
        original_total: decimal(original_total),
        is_discountable: true,
        attributes: json!({"product": {"id": format!("prod_{id}")}, "quantity": decimal(quantity).to_string()}),
    }
}

fn cart(lines: &[(&str, &str, &str)]) -> Cart {
    Cart {
        attributes: json!({"currency_code": "eur", "region": {"id": "reg"}, "customer": {"groups": [{"id": "vip"}]}}),
        lines: lines.iter().map(|(id, quantity, subtotal)| line(id, quantity, subtotal, subtotal)).collect(),
        shipping_methods: vec![],
        customer: None,
    }
}

impl Cart {
    fn shipped(mut self, id: &str, subtotal: &str) -> Self {
        let attributes = json!({"shipping_option": {"shipping_option_type_id": format!("type_{id}")}});
        self.shipping_methods.push(ShippingMethod { id: id.into(), subtotal: decimal(subtotal), attributes });
        self
    }

    fn context(&self) -> Context<'_> {
        Context {
            now: NOW,
            currency_code: "eur",
            customer_id: self.customer,
            email: None,
            attributes: &self.attributes,
            lines: &self.lines,
            shipping_methods: &self.shipping_methods,
        }
    }

    fn outcome(&self, promotions: &[Promotion]) -> Outcome {
        let codes: Vec<String> = promotions.iter().map(|promotion| promotion.code.clone()).collect();
        compute(promotions, &codes, &self.context()).unwrap()
    }

    /// `code target amount` of all adjustments.
    fn taken(&self, promotions: &[Promotion]) -> Vec<String> {
        let outcome = self.outcome(promotions);
        let all = outcome.lines.iter().chain(&outcome.shipping_methods);
        all.map(|it| format!("{} {} {}", it.code, it.target, it.amount.normalize())).collect()
    }
}

/// From the form that [`rows`] gives; what a case does not name is empty.
fn promotion(code: &str, method: Value, more: Value) -> Promotion {
    let mut whole = json!({
        "id": format!("promo_{code}"), "code": code, "is_automatic": false, "is_tax_inclusive": false, "type": "standard",
        "status": "active", "limit": null, "used": 0, "rules": [], "campaign": null,
        "method": {"type": "fixed", "target_type": "items", "allocation": "each", "value": "1", "currency_code": null,
            "max_quantity": null, "apply_to_quantity": null, "buy_rules_min_quantity": null,
            "target_rules": [], "buy_rules": []}
    });
    let merge = |target: &mut Value, from: Value| {
        for (name, value) in from.as_object().unwrap().clone() {
            target[name] = value;
        }
    };
    merge(&mut whole["method"], method);
    merge(&mut whole, more);
    serde_json::from_value(whole).unwrap()
}

fn rule(attribute: &str, operator: &str, values: &[&str]) -> Value {
    json!({"attribute": attribute, "operator": operator, "values": values})
}

#[test]
fn medusas_samples() {
    let ten = promotion("TEN", json!({"type": "percentage", "allocation": "across", "value": "10"}), json!({}));
    let fixed = promotion("FIX5", json!({"target_type": "order", "allocation": null, "value": "5"}), json!({}));
    // 049 and 225.
    assert_eq!(cart(&[("a", "3", "15"), ("b", "2", "29")]).taken(&[ten]), ["TEN a 1.5", "TEN b 2.9"]);
    assert_eq!(cart(&[("a", "2", "27"), ("b", "1", "5")]).taken(&[fixed]), ["FIX5 a 4.21875", "FIX5 b 0.78125"]);
}

#[test]
fn standard_promotions_on_lines() {
    let two = || cart(&[("a", "4", "200"), ("b", "2", "20")]);
    let table: Vec<(&str, Value, Vec<&str>)> = vec![
        ("each, one piece", json!({"value": "7"}), vec!["P a 7", "P b 7"]),
        ("each, three pieces", json!({"value": "7", "max_quantity": 3}), vec!["P a 21", "P b 14"]),
        ("never more than the pieces", json!({"value": "60", "max_quantity": 2}), vec!["P a 100", "P b 20"]),
        ("each, per cent", json!({"type": "percentage", "value": "10", "max_quantity": 2}), vec!["P a 10", "P b 2"]),
        ("across", json!({"allocation": "across", "value": "22"}), vec!["P a 20", "P b 2"]),
        ("across, more than all", json!({"allocation": "across", "value": "999"}), vec!["P a 200", "P b 20"]),
        ("once, the cheapest", json!({"allocation": "once", "value": "4", "max_quantity": 3}), vec!["P b 8", "P a 4"]),
        ("once, without a quantity", json!({"allocation": "once", "value": "4"}), vec![]),
        ("order", json!({"target_type": "order", "allocation": null, "value": "11"}), vec!["P a 10", "P b 1"]),
        (
            "targets",
            json!({"value": "7", "target_rules": [rule("items.product.id", "in", &["prod_b"])]}),
            vec!["P b 7"],
        ),
        ("no value", json!({"value": null}), vec![]),
        ("crumbs", json!({"value": "0.0001"}), vec![]),
    ];
    for (name, method, expected) in table {
        assert_eq!(two().taken(&[promotion("P", method, json!({}))]), expected, "{name}");
    }
    let mut fixed_price = two();
    fixed_price.lines[0].is_discountable = false;
    assert_eq!(fixed_price.taken(&[promotion("P", json!({}), json!({}))]), ["P b 1"]);
}

#[test]
fn later_promotions_see_what_earlier_ones_took() {
    // The larger value first, whatever its kind.
    let half = promotion("HALF", json!({"type": "percentage", "allocation": "across", "value": "50"}), json!({}));
    let ten = promotion("TEN", json!({"allocation": "across", "value": "10"}), json!({}));
    let lines = [("a", "1", "30"), ("b", "1", "10")];
    let expected = ["HALF a 15", "HALF b 5", "TEN a 7.5", "TEN b 2.5"];
    assert_eq!(cart(&lines).taken(&[ten.clone(), half.clone()]), expected);
    assert_eq!(cart(&lines).taken(&[half, ten]), expected);
}

#[test]
fn promotions_with_tax_are_worked_out_with_tax() {
    let mut cart = cart(&[]);
    cart.lines = vec![line("a", "1", "80", "100"), line("b", "1", "100", "100")];
    let with = json!({"is_tax_inclusive": true});
    let ten = promotion("TEN", json!({"allocation": "across", "value": "10"}), with.clone());
    assert_eq!(cart.taken(std::slice::from_ref(&ten)), ["TEN a 5", "TEN b 5"]);
    assert!(cart.outcome(std::slice::from_ref(&ten)).lines.iter().all(|it| it.is_tax_inclusive));
    // All of it is taken, and nothing is left for those without.
    let all = promotion("ALL", json!({"type": "percentage", "allocation": "across", "value": "100"}), with);
    let rest = promotion("REST", json!({"value": "9"}), json!({}));
    assert_eq!(cart.taken(&[all, rest]), ["ALL a 100", "ALL b 100"]);
}

#[test]
fn shipping_is_discounted_by_itself() {
    let two = || cart(&[("a", "1", "10")]).shipped("s", "9").shipped("t", "3");
    let on = |method: Value| {
        let mut whole = json!({"target_type": "shipping_methods"});
        for (name, value) in method.as_object().unwrap() {
            whole[name] = value.clone();
        }
        promotion("S", whole, json!({}))
    };
    let table: Vec<(Value, Vec<&str>)> = vec![
        (json!({"value": "4"}), vec!["S s 4", "S t 3"]),
        (json!({"type": "percentage", "value": "50"}), vec!["S s 4.5", "S t 1.5"]),
        (json!({"allocation": "across", "value": "4"}), vec!["S s 3", "S t 1"]),
        (json!({"allocation": "once", "value": "4", "max_quantity": 1}), vec!["S t 3"]),
        (
            json!({"value": "4", "target_rules":
                [rule("shipping_methods.shipping_option.shipping_option_type_id", "eq", &["type_s"])]}),
            vec!["S s 4"],
        ),
    ];
    for (method, expected) in table {
        assert_eq!(two().taken(&[on(method.clone())]), expected, "{method}");
    }
}

/// A name, the method, lines, and what is taken from each.
type BuyGetCase = (&'static str, Value, Vec<(&'static str, &'static str, &'static str)>, Vec<&'static str>);

fn offer(method: &Value) -> Promotion {
    let mut whole = json!({
        "type": "percentage", "value": "100", "allocation": "each", "max_quantity": 1, "apply_to_quantity": 1,
        "buy_rules_min_quantity": 2, "buy_rules": [rule("items.product.id", "in", &["prod_a", "prod_b", "prod_c"])],
        "target_rules": [rule("items.product.id", "eq", &["prod_a"])]
    });
    for (name, value) in method.as_object().unwrap() {
        whole[name] = value.clone();
    }
    promotion("BG", whole, json!({"type": "buyget"}))
}

#[test]
fn buy_get_promotions() {
    let same = json!([rule("items.product.id", "eq", &["prod_a"])]);
    let of_same = |most: i64| json!({"buy_rules": same, "target_rules": same, "max_quantity": most});
    let both = json!([rule("items.product.id", "in", &["prod_a", "prod_b"])]);
    let table: Vec<BuyGetCase> = vec![
        (
            "what is no target is bought",
            json!({}),
            vec![("a", "1", "30"), ("b", "1", "20"), ("c", "1", "10")],
            vec!["BG a 30"],
        ),
        ("too few", json!({}), vec![("a", "2", "30")], vec![]),
        ("two of a kind and a third", of_same(1), vec![("a", "3", "30")], vec!["BG a 10"]),
        ("once, since no more may be", of_same(1), vec![("a", "6", "60")], vec!["BG a 10"]),
        ("twice", of_same(5), vec![("a", "6", "60")], vec!["BG a 20"]),
        ("not a third time", of_same(5), vec![("a", "8", "80")], vec!["BG a 20"]),
        (
            "an amount off",
            json!({"type": "fixed", "value": "4"}),
            vec![("a", "1", "30"), ("b", "2", "20")],
            vec!["BG a 4"],
        ),
        (
            "more than it costs",
            json!({"type": "fixed", "value": "99"}),
            vec![("a", "1", "30"), ("b", "2", "20")],
            vec!["BG a 30"],
        ),
        ("no rule of what to buy", json!({"buy_rules": []}), vec![("a", "9", "30")], vec![]),
        (
            "two targets at a time, the dearest first",
            json!({"apply_to_quantity": 2, "max_quantity": 2, "target_rules": both,
                "buy_rules": [rule("items.product.id", "eq", &["prod_c"])]}),
            vec![("a", "1", "10"), ("b", "1", "20"), ("c", "2", "5")],
            vec!["BG a 10", "BG b 20"],
        ),
    ];
    for (name, method, lines, expected) in table {
        assert_eq!(cart(&lines).taken(&[offer(&method)]), expected, "{name}");
    }
}

#[test]
fn no_piece_is_bought_or_discounted_for_two_and_buy_get_comes_first() {
    let same = json!([rule("items.product.id", "eq", &["prod_a"])]);
    let method = json!({"buy_rules": same, "target_rules": same});
    let first = offer(&method);
    let second = Promotion { id: "promo_Z".into(), code: "Z".into(), ..offer(&method) };
    let five = promotion("FIVE", json!({"value": "500", "max_quantity": 9}), json!({}));
    // Six pieces: two and one for each; the rest is for the third.
    let taken = cart(&[("a", "6", "60")]).taken(&[five.clone(), second.clone(), first.clone()]);
    assert_eq!(taken, ["BG a 10", "Z a 10", "FIVE a 40"]);
    // Of three the first buys two, which leaves one to be bought.
    assert_eq!(cart(&[("a", "3", "30")]).taken(&[second, first]), ["BG a 10"]);
}

#[test]
fn each_gate_tells_why() {
    let campaign = |more: Value| {
        let mut campaign = json!({"starts_at": null, "ends_at": null, "budget": null});
        for (name, value) in more.as_object().unwrap() {
            campaign[name] = value.clone();
        }
        json!({"campaign": campaign})
    };
    let budget = |kind: &str, used: &str, usages: Value| {
        let budget = json!({"type": kind, "limit": "5", "used": used, "attribute": "customer_id", "usages": usages});
        campaign(json!({"budget": budget}))
    };
    let used = |times: &str| json!([{"attribute_value": "cus", "used": times}]);
    let table: Vec<(&str, Value, Value, Option<Skip>)> = vec![
        ("on", json!({}), json!({}), None),
        ("draft", json!({}), json!({"status": "draft"}), Some(Skip::Inactive)),
        ("off", json!({}), json!({"status": "inactive"}), Some(Skip::Inactive)),
        ("no method", json!({}), json!({"method": null}), Some(Skip::Inactive)),
        ("begins now", json!({}), campaign(json!({"starts_at": NOW})), None),
        ("begins later", json!({}), campaign(json!({"starts_at": NOW + 1})), Some(Skip::Inactive)),
        ("ends later", json!({}), campaign(json!({"ends_at": NOW + 1})), None),
        ("ends now", json!({}), campaign(json!({"ends_at": NOW})), Some(Skip::Inactive)),
        ("uses left", json!({}), json!({"limit": 2, "used": 1}), None),
        ("used up", json!({}), json!({"limit": 2, "used": 2}), Some(Skip::LimitExceeded)),
        ("currency", json!({"currency_code": "eur"}), json!({}), None),
        ("other currency", json!({"currency_code": "usd"}), json!({}), Some(Skip::Currency)),
        ("rule", json!({}), json!({"rules": [rule("customer.groups.id", "in", &["vip"])]}), None),
        ("other rule", json!({}), json!({"rules": [rule("region.id", "ne", &["reg"])]}), Some(Skip::Rules)),
        ("of an item", json!({}), json!({"rules": [rule("items.product.id", "in", &["prod_a"])]}), None),
        ("no target", json!({"target_rules": [rule("product.id", "eq", &["x"])]}), json!({}), Some(Skip::Nothing)),
        ("money left", json!({"value": "2"}), budget("spend", "3", json!([])), None),
        ("money spent", json!({"value": "2"}), budget("spend", "3.5", json!([])), Some(Skip::BudgetExceeded)),
        ("usage left", json!({}), budget("usage", "4", json!([])), None),
        ("usage spent", json!({}), budget("usage", "5", json!([])), Some(Skip::BudgetExceeded)),
        ("first use", json!({}), budget("use_by_attribute", "9", json!([])), None),
        ("fifth use", json!({}), budget("use_by_attribute", "9", used("4")), None),
        ("sixth use", json!({}), budget("use_by_attribute", "9", used("5")), Some(Skip::BudgetExceeded)),
    ];
    for (name, method, more, expected) in table {
        let mut cart = cart(&[("a", "1", "10")]);
        cart.customer = Some("cus");
        let outcome = cart.outcome(&[promotion("P", method, more)]);
        assert_eq!(outcome.skipped.get("P").copied(), expected, "{name}");
        assert_eq!(
            outcome.applied().collect::<Vec<_>>(),
            if expected.is_none() { vec!["P"] } else { vec![] },
            "{name}"
        );
    }
}

#[test]
fn automatic_promotions_need_no_code_and_all_that_their_rules_name() {
    let automatic = |rules: Value| promotion("AUTO", json!({}), json!({"is_automatic": true, "rules": rules}));
    let absent = json!([rule("shipping_address.country_code", "ne", &["dk"])]);
    let table = [(json!([]), true), (json!([rule("region.id", "eq", &["reg"])]), true), (absent.clone(), false)];
    for (rules, applies) in table {
        let cart = cart(&[("a", "1", "10")]);
        let outcome = compute(&[automatic(rules.clone())], &[], &cart.context()).unwrap();
        assert_eq!(!outcome.lines.is_empty(), applies, "{rules}");
        assert!(outcome.skipped.is_empty());
    }
    let by_code = promotion("CODE", json!({}), json!({"rules": absent}));
    assert_eq!(cart(&[("a", "1", "10")]).taken(&[by_code]), ["CODE a 1"]);
    let not_asked = promotion("CODE", json!({}), json!({}));
    assert_eq!(compute(&[not_asked], &[], &cart(&[("a", "1", "10")]).context()).unwrap(), Outcome::default());
}

#[test]
fn a_budget_by_customer_asks_for_the_customer() {
    let budget =
        json!({"type": "use_by_attribute", "limit": "1", "used": "0", "attribute": "customer_id", "usages": []});
    let more = |automatic: bool| json!({"is_automatic": automatic, "campaign": {"starts_at": null, "ends_at": null, "budget": budget}});
    let guest = cart(&[("a", "1", "10")]);
    let by_code = [promotion("P", json!({}), more(false))];
    let error = compute(&by_code, &["P".into()], &guest.context()).unwrap_err();
    assert_eq!(error.to_string(), "Attribute value for \"customer_id\" is required by promotion campaing budget");
    let automatic = [promotion("P", json!({}), more(true))];
    assert_eq!(compute(&automatic, &[], &guest.context()).unwrap(), Outcome::default());
}

#[test]
fn codes_that_nobody_made_are_found() {
    let known = [promotion("P", json!({}), json!({"status": "draft"}))];
    assert_eq!(unknown_code(&known, &["P".into(), "NOPE".into()]), Some("NOPE"));
    assert_eq!(unknown_code(&known, &["P".into()]), None);
}

#[test]
fn amounts_that_no_decimal_holds_are_an_error() {
    let huge = cart(&[("a", "1", "70000000000000000000000000000"), ("b", "1", "70000000000000000000000000000")]);
    let ten = promotion("TEN", json!({"type": "percentage", "allocation": "across", "value": "10"}), json!({}));
    assert_eq!(compute(&[ten], &["TEN".into()], &huge.context()), Err(ComputeError::TooLarge(TooLarge)));
}
