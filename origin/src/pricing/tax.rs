//! Taxes of a price.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::Amount;

/// Rates of a country and, where one is named, its province.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct TaxRates(pub Vec<TaxRate>);

/// A tax rate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TaxRate {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// Its code.
    #[serde(default)]
    pub code: String,
    /// Per cent; none: no tax.
    pub rate: Option<Amount>,
    /// Its tax region.
    pub region: String,
    /// The tax region above that one.
    pub parent: Option<String>,
    /// Whether its tax region is a province.
    pub is_province: bool,
    /// Whether it applies where no other does.
    pub is_default: bool,
    /// Whether the parent region's rate is added to it.
    pub is_combinable: bool,
    /// What it is for; a rate that is no default is for nothing else.
    pub rules: Vec<TaxRule>,
}

/// What a rate is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TaxRule {
    /// `product`, `product_type` or `shipping_option`.
    pub reference: String,
    /// Which.
    pub reference_id: String,
}

/// What is taxed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taxable<'t> {
    /// A product.
    Product {
        /// Its id.
        id: &'t str,
        /// Its type.
        product_type: Option<&'t str>,
    },
    /// Shipping.
    Shipping {
        /// The shipping option.
        option: &'t str,
    },
}

/// An amount with and without tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taxed {
    /// With.
    pub with_tax: Amount,
    /// Without.
    pub without_tax: Amount,
}

// === impl TaxRates ===

impl TaxRates {
    /// The rates for a product, in per cent, added up.
    pub fn total(&self, product: &str, product_type: Option<&str>) -> Decimal {
        let rates = self.applicable(Taxable::Product { id: product, product_type });
        rates.iter().map(|rate| rate.percent()).sum()
    }

    /// The rate for something, and the one of the country that is added to a province's: province before country, product or
    /// shipping option before type before default.
    pub fn applicable(&self, of: Taxable<'_>) -> Vec<&TaxRate> {
        let mut ranked: Vec<(u8, &TaxRate)> =
            self.0.iter().filter_map(|rate| rate.rank(of).map(|rank| (rank, rate))).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let Some((_, first)) = ranked.first() else {
            return Vec::new();
        };
        let parent = first.parent.as_deref().filter(|_| first.is_combinable);
        let combined = parent.and_then(|parent| ranked.iter().find(|(_, rate)| rate.region == parent));
        std::iter::once(*first).chain(combined.map(|(_, rate)| *rate)).collect()
    }
}

impl TaxRate {
    fn percent(&self) -> Decimal {
        self.rate.map_or(Decimal::ZERO, |rate| rate.0)
    }

    /// Lower goes first; none: it does not apply.
    fn rank(&self, of: Taxable<'_>) -> Option<u8> {
        let names = |reference: &str, id: &str| {
            self.rules.iter().any(|rule| rule.reference == reference && rule.reference_id == id)
        };
        let (is_named, is_of_type) = match of {
            Taxable::Product { id, product_type } => {
                (names("product", id), product_type.is_some_and(|id| names("product_type", id)))
            }
            Taxable::Shipping { option } => (names("shipping_option", option), false),
        };
        let rank = if is_named {
            0
        } else if is_of_type {
            1
        } else if self.is_default {
            2
        } else {
            return None;
        };
        Some(if self.is_province { rank } else { rank + 3 })
    }
}

/// The amount with and without tax of `percent`. An amount that no decimal holds is left as it is.
pub fn tax(amount: Amount, percent: Decimal, includes_tax: bool) -> Taxed {
    let rate = percent / Decimal::ONE_HUNDRED;
    if includes_tax {
        let without = amount.0.checked_div(Decimal::ONE + rate).unwrap_or(amount.0);
        // The tax is worked out from the amount without it, as Medusa does.
        let tax = without.checked_mul(rate).unwrap_or_default();
        return Taxed { with_tax: amount, without_tax: Amount(amount.0.checked_sub(tax).unwrap_or(amount.0)) };
    }
    let with = amount.0.checked_mul(rate).and_then(|tax| amount.0.checked_add(tax)).unwrap_or(amount.0);
    Taxed { with_tax: Amount(with), without_tax: amount }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(percent: i64, rules: &[(&str, &str)]) -> TaxRate {
        TaxRate {
            id: "rate".into(),
            name: "Rate".into(),
            code: "rate".into(),
            rate: Some(Amount(percent.into())),
            region: "country".into(),
            parent: None,
            is_province: false,
            is_default: rules.is_empty(),
            is_combinable: false,
            rules: rules
                .iter()
                .map(|(reference, id)| TaxRule { reference: (*reference).into(), reference_id: (*id).into() })
                .collect(),
        }
    }

    fn provincial(rate: TaxRate) -> TaxRate {
        TaxRate { region: "province".into(), parent: Some("country".into()), is_province: true, ..rate }
    }

    #[test]
    fn the_nearest_rate_wins() {
        let (default, product, kind) =
            (rate(25, &[]), rate(7, &[("product", "p")]), rate(12, &[("product_type", "t")]));
        let combinable = TaxRate { is_combinable: true, ..provincial(rate(5, &[])) };
        let table: Vec<(Vec<TaxRate>, i64)> = vec![
            (vec![], 0),
            (vec![default.clone()], 25),
            (vec![default.clone(), kind.clone()], 12),
            (vec![default.clone(), kind, product.clone()], 7),
            (vec![rate(9, &[("product", "other")])], 0),
            (vec![product, provincial(rate(3, &[]))], 3),
            (vec![default, combinable], 30),
            (vec![TaxRate { rate: None, ..rate(1, &[]) }], 0),
        ];
        for (rates, expected) in table {
            assert_eq!(TaxRates(rates.clone()).total("p", Some("t")), expected.into(), "{rates:?}");
        }
    }

    #[test]
    fn tax_is_added_or_taken_out() {
        let amount = |text: &str| Amount(text.parse().unwrap());
        let table = [
            ("11.5", 25, false, "14.375", "11.5"),
            ("11.5", 20, false, "13.8", "11.5"),
            ("5", 25, true, "5", "4"),
            ("10.5", 25, true, "10.5", "8.4"),
            ("13.99", 0, false, "13.99", "13.99"),
        ];
        for (given, percent, includes, with_tax, without_tax) in table {
            let expected = Taxed { with_tax: amount(with_tax), without_tax: amount(without_tax) };
            assert_eq!(tax(amount(given), percent.into(), includes), expected, "{given} {percent}");
        }
    }
}
