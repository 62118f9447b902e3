//! Golden totals, and what must hold of all.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::pricing::Amount;

fn amount(text: &str) -> Amount {
    Amount(text.parse().unwrap())
}

fn line(price: &str, quantity: u32, rate: &str, discount: &str, is_tax_inclusive: bool) -> Line {
    let rate = amount(rate);
    let discount = amount(discount);
    Line {
        id: "line".into(),
        price: amount(price),
        quantity: Amount(quantity.into()),
        is_tax_inclusive,
        tax_lines: (!rate.0.is_zero()).then(|| TaxLine { id: "tax".into(), rate }).into_iter().collect(),
        adjustments: (!discount.0.is_zero())
            .then(|| Adjustment { id: "adjustment".into(), amount: discount, is_tax_inclusive: false })
            .into_iter()
            .collect(),
    }
}

fn cart(items: Vec<Line>, shipping_methods: Vec<Line>) -> Cart {
    Cart { items, shipping_methods, credit_lines: vec![], decimal_digits: 2 }
}

fn named(totals: &CartTotals, name: &str) -> String {
    let (_, total) = totals.named().into_iter().find(|(other, _)| *other == name).unwrap();
    Amount(total).as_number()
}

/// Medusa's samples 057 (exclusive) and 233 (inclusive): 25 % VAT, 10 % off the items.
#[test]
fn totals_are_those_of_medusa() {
    let exclusive = cart(
        vec![line("5", 3, "25", "1.5", false), line("14.5", 2, "25", "2.9", false)],
        vec![line("9", 1, "25", "0", false)],
    );
    let inclusive = cart(
        vec![line("5", 3, "25", "1.2", true), line("14.5", 2, "25", "2.32", true)],
        vec![line("9", 1, "25", "0", false)],
    );
    let table = [
        ("total", "60.75", "50.85"),
        ("subtotal", "53", "44.2"),
        ("tax_total", "12.15", "10.17"),
        ("discount_total", "5.5", "4.4"),
        ("discount_subtotal", "4.4", "3.52"),
        ("discount_tax_total", "1.1", "0.88"),
        ("original_total", "66.25", "55.25"),
        ("original_tax_total", "13.25", "11.05"),
        ("item_total", "49.5", "39.6"),
        ("item_subtotal", "44", "35.2"),
        ("item_tax_total", "9.9", "7.92"),
        ("item_discount_total", "5.5", "4.4"),
        ("original_item_total", "55", "44"),
        ("original_item_tax_total", "11", "8.8"),
        ("shipping_total", "11.25", "11.25"),
        ("shipping_tax_total", "2.25", "2.25"),
        ("credit_line_total", "0", "0"),
    ];
    let (exclusive, inclusive) = (totals(&exclusive).unwrap().cart, totals(&inclusive).unwrap().cart);
    for (name, of_exclusive, of_inclusive) in table {
        assert_eq!(named(&exclusive, name), of_exclusive, "exclusive {name}");
        assert_eq!(named(&inclusive, name), of_inclusive, "inclusive {name}");
    }
}

#[test]
fn credits_lower_the_total_but_for_less_than_a_minor_unit() {
    for (credit, total) in [("3", "7"), ("0.01", "10"), ("0.02", "9.98")] {
        let credit_lines = vec![CreditLine { id: "credit".into(), amount: amount(credit) }];
        let cart = Cart { credit_lines, ..cart(vec![line("10", 1, "0", "0", false)], vec![]) };
        assert_eq!(named(&totals(&cart).unwrap().cart, "total"), total, "{credit}");
    }
}

#[test]
fn what_no_decimal_holds_is_an_error() {
    let most = Decimal::MAX.to_string();
    assert_eq!(totals(&cart(vec![line(&most, 2, "0", "0", false)], vec![])), Err(TooLarge));
    assert_eq!(totals(&cart(vec![line(&most, 1, "1", "0", false)], vec![])), Err(TooLarge));
}

fn some_amount() -> impl Strategy<Value = Amount> {
    (0_i64..10_000_000, 0_u32..=4).prop_map(|(units, scale)| Amount(Decimal::new(units, scale)))
}

fn some_rate() -> impl Strategy<Value = Amount> {
    prop_oneof![Just(0_i64), Just(700), Just(1_900), Just(2_500), 0_i64..10_000]
        .prop_map(|rate| Amount(Decimal::new(rate, 2)))
}

prop_compose! {
    fn some_line(most: u32)(
        price in some_amount(),
        quantity in 1..=most,
        is_tax_inclusive in any::<bool>(),
        rates in proptest::collection::vec(some_rate(), 0..3),
        // Parts of the price, which together are at most the whole.
        parts in proptest::collection::vec((0_u32..=50, any::<bool>()), 0..=2),
    ) -> Line {
        let tax_lines: Vec<TaxLine> = rates.into_iter().map(|rate| TaxLine { id: "tax".into(), rate }).collect();
        let mut line = Line {
            id: "line".into(), price, quantity: Amount(quantity.into()), is_tax_inclusive, tax_lines, adjustments: vec![],
        };
        let LineTotals { subtotal, original_total, .. } = line_totals(&line).unwrap();
        line.adjustments = parts.into_iter().map(|(percent, is_tax_inclusive)| {
            let whole = if is_tax_inclusive { original_total } else { subtotal };
            let amount = Amount(whole * Decimal::new(percent.into(), 2));
            Adjustment { id: "adjustment".into(), amount, is_tax_inclusive }
        }).collect();
        line
    }
}

prop_compose! {
    fn some_cart()(
        items in proptest::collection::vec(some_line(100), 0..5),
        shipping in proptest::collection::vec(some_line(1), 0..3),
    ) -> Cart {
        cart(items, shipping)
    }
}

/// Quotients have 20 decimals; what is worked out from them may be off by a few of the last.
fn about(a: Decimal, b: Decimal) -> bool {
    (a - b).abs() <= Decimal::new(1, 12)
}

const MINOR_UNIT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

proptest! {
    #[test]
    fn sums_agree_at_every_level(cart in some_cart()) {
        let Totals { cart: whole, items, shipping_methods } = totals(&cart).unwrap();
        for line in items.iter().chain(&shipping_methods) {
            prop_assert!(about(line.total, line.subtotal - line.discount_subtotal + line.tax_total));
            prop_assert!(about(line.original_total, line.original_subtotal + line.original_tax_total));
            prop_assert!(about(line.original_total - line.discount_total, line.total));
            prop_assert!(about(line.discount_total, line.discount_subtotal + line.discount_tax_total));
            prop_assert!(about(line.tax_lines.iter().map(|tax| tax.total).sum(), line.tax_total));
            prop_assert!(about(line.adjustments.iter().map(|it| it.total).sum(), line.discount_total));
        }
        let sum = |of: fn(&LineTotals) -> Decimal| items.iter().chain(&shipping_methods).map(of).sum::<Decimal>();
        prop_assert!(about(whole.total, sum(|line| line.total)));
        prop_assert!(about(whole.all.original_total, sum(|line| line.original_total)));
        prop_assert!(about(whole.all.tax_total, sum(|line| line.tax_total)));
        prop_assert!(about(whole.items.total + whole.shipping.total, whole.total));
        prop_assert!(about(whole.all.original_total - whole.all.discount_total, whole.total));
    }

    #[test]
    fn inclusive_and_exclusive_prices_agree(line in some_line(100)) {
        let inclusive = line_totals(&Line { is_tax_inclusive: true, ..line.clone() }).unwrap();
        let per_piece = Line {
            is_tax_inclusive: false,
            price: Amount(inclusive.subtotal),
            quantity: Amount(Decimal::ONE),
            ..line
        };
        let exclusive = line_totals(&per_piece).unwrap();
        prop_assert!((inclusive.total - exclusive.total).abs() <= MINOR_UNIT);
        prop_assert!((inclusive.tax_total - exclusive.tax_total).abs() <= MINOR_UNIT);
        prop_assert!((inclusive.original_total - exclusive.original_total).abs() <= MINOR_UNIT);
    }

    #[test]
    fn a_discount_within_the_price_never_exceeds_it(cart in some_cart()) {
        let Totals { cart: whole, items, shipping_methods } = totals(&cart).unwrap();
        let least = -Decimal::new(1, 12);
        for line in items.iter().chain(&shipping_methods) {
            prop_assert!(line.total >= least && line.tax_total >= least, "{line:?}");
            prop_assert!(line.discount_total <= line.original_total - least);
        }
        prop_assert!(whole.total >= least);
    }

    #[test]
    fn the_order_of_lines_changes_nothing(cart in some_cart()) {
        let forwards = totals(&cart).unwrap().cart;
        let mut backwards = cart;
        backwards.items.reverse();
        backwards.shipping_methods.reverse();
        for ((name, total), (_, other)) in totals(&backwards).unwrap().cart.named().into_iter().zip(forwards.named()) {
            prop_assert!(about(total, other), "{name}: {total} and {other}");
        }
    }

    #[test]
    fn no_amount_makes_it_panic(price in any::<i128>(), scale in 0_u32..=28, quantity in any::<i64>(), rate in any::<i64>()) {
        let price = Decimal::try_from_i128_with_scale(price >> 32, scale).unwrap_or(Decimal::MAX);
        let line = Line {
            id: "line".into(),
            price: Amount(price),
            quantity: Amount(quantity.into()),
            is_tax_inclusive: true,
            tax_lines: vec![TaxLine { id: "tax".into(), rate: Amount(Decimal::new(rate, 2)) }],
            adjustments: vec![],
        };
        let _ = totals(&cart(vec![line], vec![]));
    }
}
