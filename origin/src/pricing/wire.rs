//! `calculated_price` as the Store API shows it.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Amount, Calculated, Candidate, Taxed};

/// Digits that Medusa says its raw amounts have.
const PRECISION: u8 = 20;

#[derive(Serialize)]
struct Price<'p> {
    id: &'p str,
    is_calculated_price_price_list: bool,
    is_calculated_price_tax_inclusive: bool,
    calculated_amount: Option<Box<RawValue>>,
    raw_calculated_amount: Option<Raw>,
    is_original_price_price_list: bool,
    is_original_price_tax_inclusive: bool,
    original_amount: Option<Box<RawValue>>,
    raw_original_amount: Option<Raw>,
    currency_code: &'p str,
    #[serde(rename = "calculated_price")]
    calculated_from: Source<'p>,
    #[serde(rename = "original_price")]
    original_from: Source<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calculated_amount_with_tax: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calculated_amount_without_tax: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_amount_with_tax: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_amount_without_tax: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Raw {
    value: String,
    precision: u8,
}

/// Which price row it came from.
#[derive(Serialize)]
struct Source<'p> {
    id: Option<&'p str>,
    price_list_id: Option<&'p str>,
    price_list_type: Option<&'static str>,
    min_quantity: Option<Box<RawValue>>,
    max_quantity: Option<Box<RawValue>>,
}

/// Appends the JSON object of a chosen price; the taxes are of the calculated and of the original amount.
pub fn write_price(set: &str, price: &Calculated<'_>, taxes: Option<(Taxed, Option<Taxed>)>, out: &mut Vec<u8>) {
    let original = price.original;
    let of_original = taxes.and_then(|(_, original)| original);
    let shown = Price {
        id: set,
        is_calculated_price_price_list: price.calculated.list.is_some(),
        is_calculated_price_tax_inclusive: price.calculated_tax_inclusive,
        calculated_amount: number(price.calculated.amount),
        raw_calculated_amount: Some(Raw { value: price.calculated.amount.as_text(), precision: PRECISION }),
        is_original_price_price_list: original.is_some_and(|price| price.list.is_some()),
        is_original_price_tax_inclusive: price.original_tax_inclusive,
        original_amount: original.and_then(|price| number(price.amount)),
        raw_original_amount: original.map(|price| Raw { value: price.amount.as_text(), precision: PRECISION }),
        currency_code: &price.calculated.currency_code,
        calculated_from: source(Some(price.calculated)),
        original_from: source(original),
        calculated_amount_with_tax: taxes.and_then(|(taxed, _)| number(taxed.with_tax)),
        calculated_amount_without_tax: taxes.and_then(|(taxed, _)| number(taxed.without_tax)),
        original_amount_with_tax: of_original.and_then(|taxed| number(taxed.with_tax)),
        original_amount_without_tax: of_original.and_then(|taxed| number(taxed.without_tax)),
    };
    let before = out.len();
    // Nothing of this can fail to become JSON in memory; if it did, null is the honest remainder.
    if serde_json::to_writer(&mut *out, &shown).is_err() {
        out.truncate(before);
        out.extend_from_slice(b"null");
    }
}

fn source(price: Option<&Candidate>) -> Source<'_> {
    let list = price.and_then(|price| price.list.as_ref());
    let quantity = |quantity: Option<Amount>| quantity.filter(|quantity| !quantity.0.is_zero()).and_then(number);
    Source {
        id: price.map(|price| price.id.as_str()),
        price_list_id: list.map(|list| list.id.as_str()),
        price_list_type: list.map(|list| list.kind.name()),
        min_quantity: quantity(price.and_then(|price| price.min_quantity)),
        max_quantity: quantity(price.and_then(|price| price.max_quantity)),
    }
}

fn number(amount: Amount) -> Option<Box<RawValue>> {
    RawValue::from_string(amount.as_number()).ok()
}
