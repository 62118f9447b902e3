//! The choice between candidate prices.

use std::cmp::Reverse;

use super::{Candidate, Context, ListType};

/// What was chosen for one price set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calculated<'p> {
    /// The price to pay.
    pub calculated: &'p Candidate,
    /// The price without sale, where there is one.
    pub original: Option<&'p Candidate>,
    /// Whether the price to pay includes tax.
    pub calculated_tax_inclusive: bool,
    /// Whether the original price does.
    pub original_tax_inclusive: bool,
}

/// Chooses; `None` where no price applies.
pub fn calculate<'p>(prices: &'p [Candidate], context: &Context) -> Option<Calculated<'p>> {
    let mut candidates: Vec<&Candidate> = prices.iter().filter(|price| context.admits(price)).collect();
    // Most rules first, then the lowest amount. The sort is stable: equals stay in the order of their ids.
    candidates.sort_by_key(|price| {
        let of_list = price.list.as_ref().map_or(0, |list| list.rules_count);
        (Reverse(price.rules_count + of_list), price.amount)
    });
    let kind = |price: &Candidate| price.list.as_ref().map(|list| list.kind);
    let default = candidates.iter().copied().find(|price| kind(price).is_none());
    let listed = candidates.iter().copied().find(|price| kind(price).is_some());
    let overriding = candidates.iter().copied().find(|price| kind(price) == Some(ListType::Override));
    let (calculated, original) = match listed {
        None => (default?, default),
        Some(listed) if kind(listed) == Some(ListType::Override) => (listed, Some(listed)),
        Some(listed) => (lower(listed, default), overriding.or(default)),
    };
    Some(Calculated {
        calculated,
        original,
        calculated_tax_inclusive: context.is_tax_inclusive(calculated),
        original_tax_inclusive: original.is_some_and(|price| context.is_tax_inclusive(price)),
    })
}

/// The list's price, unless the default is lower. As in Medusa, a price of zero is not compared.
fn lower<'p>(listed: &'p Candidate, default: Option<&'p Candidate>) -> &'p Candidate {
    match default {
        Some(default)
            if !default.amount.0.is_zero() && !listed.amount.0.is_zero() && default.amount < listed.amount =>
        {
            default
        }
        _ => listed,
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::pricing::{Amount, ListRule, Preference, PriceList, PriceRule};

    const NOW: i64 = 1_000;

    fn price(id: &str, amount: i64) -> Candidate {
        Candidate {
            id: id.into(),
            currency_code: "eur".into(),
            amount: Amount(Decimal::from(amount)),
            min_quantity: None,
            max_quantity: None,
            rules_count: 0,
            rules: vec![],
            list: None,
        }
    }

    fn list(kind: ListType) -> PriceList {
        PriceList {
            id: "plist".into(),
            kind,
            status: "active".into(),
            starts_at: None,
            ends_at: None,
            rules_count: 0,
            rules: vec![],
        }
    }

    fn sale(id: &str, amount: i64) -> Candidate {
        Candidate { list: Some(list(ListType::Sale)), ..price(id, amount) }
    }

    fn overriding(id: &str, amount: i64) -> Candidate {
        Candidate { list: Some(list(ListType::Override)), ..price(id, amount) }
    }

    fn regional(price: Candidate) -> Candidate {
        let rule = PriceRule { attribute: "region_id".into(), operator: "eq".into(), value: "reg".into() };
        Candidate { rules_count: 1, rules: vec![rule], ..price }
    }

    fn context() -> Context {
        Context {
            currency_code: "eur".into(),
            region_id: Some("reg".into()),
            customer_groups: vec!["vip".into()],
            quantity: None,
            now: NOW,
            preferences: vec![],
        }
    }

    fn chosen(prices: &[Candidate], context: &Context) -> Option<(String, Option<String>)> {
        calculate(prices, context).map(|it| (it.calculated.id.clone(), it.original.map(|price| price.id.clone())))
    }

    /// A name, candidates, and the ids of the calculated and the original price.
    type Case = (&'static str, Vec<Candidate>, Option<(&'static str, Option<&'static str>)>);

    #[test]
    fn the_choice_between_default_sale_and_override() {
        let table: Vec<Case> = vec![
            ("nothing", vec![], None),
            ("other currency", vec![Candidate { currency_code: "usd".into(), ..price("d", 9) }], None),
            ("default", vec![price("d", 10)], Some(("d", Some("d")))),
            ("lowest default", vec![price("d", 10), price("e", 9)], Some(("e", Some("e")))),
            ("sale", vec![price("d", 10), sale("s", 5)], Some(("s", Some("d")))),
            ("sale above default", vec![price("d", 4), sale("s", 5)], Some(("d", Some("d")))),
            ("sale without default", vec![sale("s", 5)], Some(("s", None))),
            ("override", vec![price("d", 4), overriding("o", 5)], Some(("o", Some("o")))),
            ("sale below override", vec![price("d", 10), sale("s", 5), overriding("o", 8)], Some(("s", Some("o")))),
            ("override below sale", vec![price("d", 10), sale("s", 8), overriding("o", 5)], Some(("o", Some("o")))),
            ("rules beat amounts", vec![price("d", 1), regional(price("r", 10))], Some(("r", Some("r")))),
            ("free sale", vec![price("d", 10), sale("s", 0)], Some(("s", Some("d")))),
        ];
        for (name, prices, expected) in table {
            let expected = expected.map(|(calculated, original)| (calculated.to_owned(), original.map(str::to_owned)));
            assert_eq!(chosen(&prices, &context()), expected, "{name}");
        }
    }

    #[test]
    fn lists_apply_within_their_dates_and_rules() {
        let rule = |value: &str| ListRule { attribute: "customer.groups.id".into(), value: serde_json::json!([value]) };
        let with = |change: fn(&mut PriceList)| {
            let mut changed = list(ListType::Sale);
            change(&mut changed);
            Candidate { list: Some(changed), ..price("s", 5) }
        };
        let ruled = |value: &str| {
            let list = PriceList { rules_count: 1, rules: vec![rule(value)], ..list(ListType::Sale) };
            Candidate { list: Some(list), ..price("s", 5) }
        };
        let table = [
            (with(|list| list.status = "draft".into()), false),
            (with(|list| list.starts_at = Some(NOW)), true),
            (with(|list| list.starts_at = Some(NOW + 1)), false),
            (with(|list| list.ends_at = Some(NOW)), true),
            (with(|list| list.ends_at = Some(NOW - 1)), false),
            (ruled("vip"), true),
            (ruled("staff"), false),
        ];
        for (candidate, applies) in table {
            assert_eq!(calculate(std::slice::from_ref(&candidate), &context()).is_some(), applies, "{candidate:?}");
        }
    }

    #[test]
    fn quantities_choose_among_tiers() {
        let tier = |id: &str, min: Option<i64>, max: Option<i64>, amount| Candidate {
            min_quantity: min.map(|min| Amount(min.into())),
            max_quantity: max.map(|max| Amount(max.into())),
            ..price(id, amount)
        };
        let prices = [tier("one", None, Some(9), 10), tier("ten", Some(10), None, 8)];
        for (quantity, id) in [(None, "one"), (Some(1), "one"), (Some(9), "one"), (Some(10), "ten")] {
            let context = Context { quantity: quantity.map(Decimal::from), ..context() };
            assert_eq!(chosen(&prices, &context).unwrap().0, id, "{quantity:?}");
        }
    }

    #[test]
    fn tax_is_included_where_the_region_or_the_currency_prefers_it() {
        let preference = |attribute: &str, value: &str, is_tax_inclusive| Preference {
            attribute: attribute.into(),
            value: value.into(),
            is_tax_inclusive,
        };
        let region = preference("region_id", "reg", true);
        let table = [
            (price("d", 1), vec![], false),
            (price("d", 1), vec![region.clone()], false),
            (regional(price("d", 1)), vec![region.clone()], true),
            (price("d", 1), vec![preference("currency_code", "eur", true)], true),
            (
                regional(price("d", 1)),
                vec![preference("region_id", "reg", false), preference("currency_code", "eur", true)],
                false,
            ),
            (regional(price("d", 1)), vec![preference("currency_code", "eur", true)], true),
        ];
        for (candidate, preferences, expected) in table {
            let context = Context { preferences, ..context() };
            let prices = [candidate];
            assert_eq!(calculate(&prices, &context).unwrap().calculated_tax_inclusive, expected, "{prices:?}");
        }
    }
}
