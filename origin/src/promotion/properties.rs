//! What holds of all promotions and carts.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;

use super::*;
use crate::pricing::Amount;

/// Divisions are cut off after 28 digits.
const CUT: Decimal = Decimal::from_parts(1, 0, 0, false, 18);

fn rules(attribute: &'static str, prefix: &'static str) -> impl Strategy<Value = Vec<Rule>> {
    let operator = prop_oneof![Just(Operator::In), Just(Operator::Ne), Just(Operator::Eq)];
    let rule = (operator, vec(0_u8..4, 1..3)).prop_map(move |(operator, values)| Rule {
        attribute: attribute.into(),
        operator,
        values: values.into_iter().map(|value| format!("{prefix}{value}")).collect(),
    });
    vec(rule, 0..2)
}

fn method() -> impl Strategy<Value = Method> {
    let kind = prop_oneof![Just(MethodKind::Fixed), Just(MethodKind::Percentage)];
    let target = prop_oneof![Just(Target::Order), Just(Target::Items), Just(Target::ShippingMethods)];
    let allocation = prop_oneof![Just(Allocation::Each), Just(Allocation::Across), Just(Allocation::Once)];
    let quantities = (option::of(0_i64..5), option::of(0_i64..4), option::of(0_i64..4));
    let of_lines = || rules("items.product.id", "prod_");
    (kind, target, option::of(allocation), 0_i64..15_000, quantities, of_lines(), of_lines()).prop_map(
        |(
            kind,
            target_type,
            allocation,
            cents,
            (max_quantity, apply_to_quantity, minimum),
            target_rules,
            buy_rules,
        )| {
            // Admin routes let through per cents up to a hundred only.
            let cents = if kind == MethodKind::Percentage { cents.min(10_000) } else { cents };
            Method {
                kind,
                target_type,
                allocation,
                value: Some(Amount(Decimal::new(cents, 2))),
                currency_code: None,
                max_quantity,
                apply_to_quantity,
                buy_rules_min_quantity: minimum,
                target_rules,
                buy_rules,
            }
        },
    )
}

fn promotion() -> impl Strategy<Value = Promotion> {
    let kind = prop_oneof![3 => Just(Kind::Standard), 1 => Just(Kind::BuyGet)];
    (kind, any::<bool>(), any::<bool>(), option::of(0_i64..100), method(), rules("region.id", "reg_")).prop_map(
        |(kind, is_automatic, is_tax_inclusive, spent, method, rules)| Promotion {
            id: String::new(),
            code: String::new(),
            is_automatic,
            is_tax_inclusive,
            kind,
            status: Status::Active,
            limit: None,
            used: 0,
            rules,
            method: Some(method),
            campaign: spent.map(|spent| Campaign {
                starts_at: None,
                ends_at: None,
                budget: Some(Budget {
                    kind: BudgetKind::Spend,
                    limit: Some(Amount(100.into())),
                    used: Amount(spent.into()),
                    attribute: None,
                    usages: vec![],
                }),
            }),
        },
    )
}

fn promotions() -> impl Strategy<Value = Vec<Promotion>> {
    vec(promotion(), 0..5).prop_map(|promotions| {
        let named = |(n, promotion): (usize, Promotion)| Promotion {
            id: format!("promo_{n}"),
            code: format!("CODE{n}"),
            ..promotion
        };
        promotions.into_iter().enumerate().map(named).collect()
    })
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line =
        (1_i64..8, 0_i64..30_000, prop_oneof![Just(0_u32), Just(7), Just(25)], 0_u8..4, prop::bool::weighted(0.9));
    vec(line, 0..5).prop_map(|lines| {
        let made = |(n, (quantity, cents, tax, product, is_discountable)): (usize, (i64, i64, u32, u8, bool))| {
            let total = Decimal::new(cents, 2);
            // Prices with tax: what is without has many digits.
            let subtotal = total * Decimal::ONE_HUNDRED / Decimal::from(100 + tax);
            Line {
                id: format!("line_{n}"),
                quantity: quantity.into(),
                subtotal,
                original_total: total,
                is_discountable,
                attributes: json!({"product": {"id": format!("prod_{product}")}}),
            }
        };
        lines.into_iter().enumerate().map(made).collect()
    })
}

fn shipping_methods() -> impl Strategy<Value = Vec<ShippingMethod>> {
    vec(0_i64..2_000, 0..3).prop_map(|methods| {
        let made = |(n, cents): (usize, i64)| ShippingMethod {
            id: format!("ship_{n}"),
            subtotal: Decimal::new(cents, 2),
            attributes: json!({}),
        };
        methods.into_iter().enumerate().map(made).collect()
    })
}

fn outcome(promotions: &[Promotion], lines: &[Line], shipping_methods: &[ShippingMethod]) -> Outcome {
    let attributes = json!({"region": {"id": "reg_1"}});
    let context = Context {
        now: 0,
        currency_code: "eur",
        customer_id: None,
        email: None,
        attributes: &attributes,
        lines,
        shipping_methods,
    };
    let codes: Vec<String> = promotions.iter().map(|promotion| promotion.code.clone()).collect();
    compute(promotions, &codes, &context).unwrap()
}

proptest! {
    #[test]
    fn a_discount_never_exceeds_what_it_discounts(
        promotions in promotions(), lines in lines(), methods in shipping_methods(),
    ) {
        let outcome = outcome(&promotions, &lines, &methods);
        let mut left: BTreeMap<&str, Decimal> = lines.iter().map(|line| (line.id.as_str(), line.subtotal)).collect();
        left.extend(methods.iter().map(|method| (method.id.as_str(), method.subtotal)));
        for it in outcome.lines.iter().chain(&outcome.shipping_methods) {
            prop_assert!(it.amount > Decimal::ZERO, "{:?}", it);
            let without_tax = match lines.iter().find(|line| line.id == it.target).filter(|_| it.is_tax_inclusive) {
                Some(line) => it.amount * line.subtotal / line.original_total,
                None => it.amount,
            };
            *left.get_mut(it.target.as_str()).unwrap() -= without_tax;
        }
        prop_assert!(left.values().all(|left| *left >= -CUT), "{:?} {:?}", left, outcome);
    }

    #[test]
    fn what_all_targets_share_adds_up(promotions in promotions(), lines in lines(), methods in shipping_methods()) {
        let outcome = outcome(&promotions, &lines, &methods);
        for promotion in &promotions {
            let method = promotion.method.as_ref().unwrap();
            let is_shared = method.allocation.map_or(method.target_type == Target::Order, |it| it == Allocation::Across);
            if promotion.kind == Kind::Standard && method.kind == MethodKind::Fixed && is_shared {
                let all = outcome.lines.iter().chain(&outcome.shipping_methods);
                let sum: Decimal = all.filter(|it| it.promotion_id == promotion.id).map(|it| it.amount).sum();
                prop_assert!(sum <= method.amount() + CUT, "{:?} {:?}", promotion, outcome);
            }
        }
    }

    #[test]
    fn the_order_of_what_is_given_does_not_matter(
        promotions in promotions(), lines in lines(), methods in shipping_methods(), turn in 0_usize..5,
    ) {
        let expected = outcome(&promotions, &lines, &methods);
        let (mut promotions, mut lines, mut methods) = (promotions, lines, methods);
        let turn = turn.min(promotions.len());
        promotions.rotate_left(turn);
        lines.reverse();
        methods.reverse();
        prop_assert_eq!(outcome(&promotions, &lines, &methods), expected);
    }

    #[test]
    fn every_code_applies_or_tells_why_not(promotions in promotions(), lines in lines(), methods in shipping_methods()) {
        let outcome = outcome(&promotions, &lines, &methods);
        for promotion in &promotions {
            let applied = outcome.applied().any(|code| code == promotion.code);
            prop_assert!(applied != outcome.skipped.contains_key(&promotion.code), "{:?} {:?}", promotion, outcome);
        }
    }
}
