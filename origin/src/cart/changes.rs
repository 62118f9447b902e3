//! What is different between two states of a cart: what is to be written.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::record::{Address, Cart, Head};

/// Rows to be written and removed, by table. It is what the statement of [`crate::modules::cart::save`] reads.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Changes {
    /// The cart's row, where it changed.
    pub cart: Vec<Head>,
    /// Addresses that are new or changed.
    pub addresses: Vec<Address>,
    /// Ids of addresses that the cart has no more.
    pub removed_addresses: Vec<String>,
    /// Line items.
    pub items: Rows,
    /// Taxes of line items.
    pub item_tax_lines: Rows,
    /// Discounts of line items.
    pub item_adjustments: Rows,
    /// Shipping methods.
    pub methods: Rows,
    /// Taxes of shipping methods.
    pub method_tax_lines: Rows,
    /// Discounts of shipping methods.
    pub method_adjustments: Rows,
    /// Ids of promotions that the cart now has.
    pub promotions: Vec<String>,
    /// Ids of promotions that it has no more.
    pub removed_promotions: Vec<String>,
}

/// Rows of a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rows {
    /// New or changed.
    pub written: Vec<Value>,
    /// Ids of those that are gone.
    pub removed: Vec<String>,
}

/// Compares.
pub fn between(before: &Cart, after: &Cart) -> Changes {
    let addresses =
        |cart: &Cart| -> Vec<Address> { cart.shipping_address.iter().chain(&cart.billing_address).cloned().collect() };
    let (had, has) = (addresses(before), addresses(after));
    let gone = |address: &&Address| !has.iter().any(|other| other.id == address.id);
    Changes {
        cart: (before.head != after.head).then(|| after.head.clone()).into_iter().collect(),
        removed_addresses: had.iter().filter(gone).map(|address| address.id.clone()).collect(),
        addresses: has.iter().filter(|address| !had.contains(address)).cloned().collect(),
        items: rows(&items(before), items(after)),
        item_tax_lines: rows(&of_items(before, Part::Taxes), of_items(after, Part::Taxes)),
        item_adjustments: rows(&of_items(before, Part::Discounts), of_items(after, Part::Discounts)),
        methods: rows(&methods(before), methods(after)),
        method_tax_lines: rows(&of_methods(before, Part::Taxes), of_methods(after, Part::Taxes)),
        method_adjustments: rows(&of_methods(before, Part::Discounts), of_methods(after, Part::Discounts)),
        promotions: missing(&after.promotions, &before.promotions),
        removed_promotions: missing(&before.promotions, &after.promotions),
    }
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Taxes,
    Discounts,
}

fn missing(of: &[String], among: &[String]) -> Vec<String> {
    of.iter().filter(|id| !among.contains(id)).cloned().collect()
}

fn rows(before: &BTreeMap<String, Value>, after: BTreeMap<String, Value>) -> Rows {
    Rows {
        removed: before.keys().filter(|id| !after.contains_key(*id)).cloned().collect(),
        written: after.into_iter().filter(|(id, row)| before.get(id) != Some(row)).map(|(_, row)| row).collect(),
    }
}

fn row<T: Serialize>(id: &str, row: &T) -> (String, Value) {
    (id.to_owned(), serde_json::to_value(row).unwrap_or_default())
}

fn items(cart: &Cart) -> BTreeMap<String, Value> {
    cart.items.iter().map(|item| row(&item.id, item)).collect()
}

fn methods(cart: &Cart) -> BTreeMap<String, Value> {
    cart.shipping_methods.iter().map(|method| row(&method.id, method)).collect()
}

fn of_items(cart: &Cart, part: Part) -> BTreeMap<String, Value> {
    let lines = cart.items.iter().map(|item| (&item.id, &item.tax_lines, &item.adjustments));
    below(lines, "item_id", part)
}

fn of_methods(cart: &Cart, part: Part) -> BTreeMap<String, Value> {
    let lines = cart.shipping_methods.iter().map(|method| (&method.id, &method.tax_lines, &method.adjustments));
    below(lines, "shipping_method_id", part)
}

fn below<'c>(
    lines: impl Iterator<Item = (&'c String, &'c Vec<super::TaxLine>, &'c Vec<super::Adjustment>)>,
    owner: &'static str,
    part: Part,
) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for (id, taxes, discounts) in lines {
        let rows: Vec<(String, Value)> = match part {
            Part::Taxes => taxes.iter().map(|tax| row(&tax.id, tax)).collect(),
            Part::Discounts => discounts.iter().map(|discount| row(&discount.id, discount)).collect(),
        };
        for (key, mut row) in rows {
            row[owner] = json!(id);
            all.insert(key, row);
        }
    }
    all
}
