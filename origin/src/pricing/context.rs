//! For whom a price is worked out.

use rust_decimal::Decimal;

use super::{Candidate, ListRule, PriceList, PriceRule};

/// For whom, where and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The currency.
    pub currency_code: String,
    /// The region.
    pub region_id: Option<String>,
    /// Groups that the customer is in.
    pub customer_groups: Vec<String>,
    /// How many pieces, where that is known.
    pub quantity: Option<Decimal>,
    /// Now, in Unix milliseconds.
    pub now: i64,
    /// Which regions and currencies have prices with tax included.
    pub preferences: Vec<Preference>,
}

/// Whether prices of a region or currency include tax.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Preference {
    /// `region_id` or `currency_code`.
    pub attribute: String,
    /// Which.
    pub value: String,
    /// Whether they do.
    pub is_tax_inclusive: bool,
}

// === impl Context ===

impl Context {
    /// Whether a price is for this currency, quantity and all that its rules and its list's rules ask.
    pub(super) fn admits(&self, price: &Candidate) -> bool {
        price.currency_code.eq_ignore_ascii_case(&self.currency_code)
            && self.admits_quantity(price)
            && (price.rules_count == 0 || count(&price.rules, |rule| self.matches(rule)) == price.rules_count)
            && price.list.as_ref().is_none_or(|list| self.admits_list(list))
    }

    /// Whether a list is active now and its rules match.
    fn admits_list(&self, list: &PriceList) -> bool {
        list.status == "active"
            && list.starts_at.is_none_or(|start| start <= self.now)
            && list.ends_at.is_none_or(|end| end >= self.now)
            && (list.rules_count == 0 || count(&list.rules, |rule| self.matches_list(rule)) == list.rules_count)
    }

    /// Without a quantity, prices from one piece on.
    fn admits_quantity(&self, price: &Candidate) -> bool {
        let (min, max) = (price.min_quantity.map(|min| min.0), price.max_quantity.map(|max| max.0));
        match self.quantity {
            None => min.is_none_or(|min| min <= Decimal::ONE),
            Some(quantity) => min.is_none_or(|min| min <= quantity) && max.is_none_or(|max| max >= quantity),
        }
    }

    fn values(&self, attribute: &str) -> Vec<&str> {
        match attribute {
            "region_id" => self.region_id.iter().map(String::as_str).collect(),
            "customer.groups.id" => self.customer_groups.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The values of today's context are text, which has no order: the comparing operators hold only for equals.
    fn matches(&self, rule: &PriceRule) -> bool {
        self.values(&rule.attribute).contains(&rule.value.as_str())
    }

    fn matches_list(&self, rule: &ListRule) -> bool {
        let values = self.values(&rule.attribute);
        let accepts = |accepted: &serde_json::Value| accepted.as_str().is_some_and(|text| values.contains(&text));
        match &rule.value {
            serde_json::Value::Array(accepted) => accepted.iter().any(accepts),
            accepted => accepts(accepted),
        }
    }

    /// Whether a price includes tax: the region's preference where the price is made for it, else the currency's.
    pub(super) fn is_tax_inclusive(&self, price: &Candidate) -> bool {
        let preference = |attribute: &str, value: &str| {
            self.preferences.iter().find(|known| known.attribute == attribute && known.value == value)
        };
        let made_for =
            |region: &String| price.rules.iter().any(|rule| rule.attribute == "region_id" && rule.value == *region);
        let of_region = self
            .region_id
            .as_ref()
            .filter(|region| made_for(region))
            .and_then(|region| preference("region_id", region));
        of_region.or_else(|| preference("currency_code", &price.currency_code)).is_some_and(|it| it.is_tax_inclusive)
    }
}

fn count<T>(rules: &[T], matches: impl Fn(&T) -> bool) -> i64 {
    i64::try_from(rules.iter().filter(|rule| matches(rule)).count()).unwrap_or(i64::MAX)
}
