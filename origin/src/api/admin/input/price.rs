//! Prices of a variant (`AdminCreateVariantPrice`, `AdminUpdateVariantPrice`).

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rust_decimal::Decimal;

use super::field::Name;
use super::object::{Object, Others};
use crate::modules::Patch;
use crate::modules::pricing::GivenPrice;

/// Most prices of a variant.
const MAX_PRICES: usize = 500;

/// The prices of a new variant.
pub(super) fn new_prices(object: &mut Object<'_, '_>) -> Vec<GivenPrice> {
    object.required_objects("prices", MAX_PRICES, Others::Passed, |price| {
        let currency: Name = price.required("currency_code");
        let amount: Decimal = price.required("amount");
        GivenPrice { currency_code: Some(currency.0.to_lowercase()), amount: Some(amount), ..conditions(price) }
    })
}

/// The prices of a variant's update.
pub(super) fn prices_patch(object: &mut Object<'_, '_>) -> Patch<Vec<GivenPrice>> {
    let prices = object.objects("prices", MAX_PRICES, Others::Passed, |price| {
        let id = price.optional::<Name>("id").map(|id| id.0);
        let currency = price.optional::<Name>("currency_code").map(|code| code.0.to_lowercase());
        let amount = price.optional("amount");
        GivenPrice { id, currency_code: currency, amount, ..conditions(price) }
    });
    prices.into()
}

fn conditions(price: &mut Object<'_, '_>) -> GivenPrice {
    let min_quantity = price.nullish("min_quantity");
    let max_quantity = price.nullish("max_quantity");
    let rules: Option<IndexMap<String, Name>> = price.optional("rules");
    let rules: Option<BTreeMap<String, String>> =
        rules.map(|rules| rules.into_iter().map(|(attribute, value)| (attribute, value.0)).collect());
    GivenPrice { id: None, currency_code: None, amount: None, min_quantity, max_quantity, rules }
}
