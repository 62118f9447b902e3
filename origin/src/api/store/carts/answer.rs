//! A cart as an answer: one statement gives its document and what its totals are worked out from.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::shown::CART_SHOWN;
use crate::api::store::own::equals;
use crate::api::store::params::{self, Common};
use crate::error::ApiError;
use crate::query::graph;
use crate::query::hole::Nonce;
use crate::query::{Ask, Paging, Prices, Selection, Sight, fetch};
use crate::state::AppState;
use crate::totals::{self, LineTotals, Totals, totals, write_number, write_raw};

/// Which fields a request asks for.
#[derive(Debug)]
pub(super) struct Chosen(Selection);

/// Relations to other modules: named without a star and without a part, they show nothing.
const LINKS: [&str; 5] = ["items.product", "items.variant", "region", "customer", "promotions"];
/// Totals that have all others worked out (`shouldIncludeTotals` of `cart/dist/services/cart-module.js`); without one of them there are
/// none at any level.
const DECISIVE: [&str; 19] = [
    "total",
    "subtotal",
    "tax_total",
    "discount_total",
    "discount_tax_total",
    "original_total",
    "original_tax_total",
    "item_total",
    "item_subtotal",
    "item_tax_total",
    "original_item_total",
    "original_item_subtotal",
    "original_item_tax_total",
    "shipping_total",
    "shipping_subtotal",
    "shipping_tax_total",
    "original_shipping_tax_total",
    "original_shipping_subtotal",
    "original_shipping_total",
];

/// Reads the query of a cart route; it takes `fields` alone.
pub(super) fn choose(query: Option<&str>) -> Result<Chosen, ApiError> {
    let common = Common { limit: None, logic: false };
    let input = params::read(query.unwrap_or_default(), &graph::CART, &[], common)?;
    let mut fields = CART_SHOWN.choose(input.fields.as_deref())?;
    for link in LINKS {
        fields.remove_plain(link);
    }
    let mut selection = Selection::of(&graph::CART);
    for path in fields.paths() {
        selection.add(path);
    }
    show_keys(&mut selection);
    if !selection.computed_names().any(|(name, _)| DECISIVE.contains(&name)) {
        selection.drop_computed();
    }
    Ok(Chosen(selection))
}

/// Whoever asks for what is of another module gets the key that leads there too.
fn show_keys(selection: &mut Selection) {
    for (relation, key) in [("customer", "customer_id"), ("region", "region_id")] {
        if selection.child(relation).is_some() {
            selection.add(key);
        }
    }
    for (relation, key) in [("product", "items.product_id"), ("variant", "items.variant_id")] {
        if selection.child("items").is_some_and(|items| items.child(relation).is_some()) {
            selection.add(key);
        }
    }
}

/// The JSON of a cart.
pub(super) async fn document(state: &AppState, chosen: &Chosen, id: &str) -> Result<String, ApiError> {
    let nonce = Nonce::new();
    let ask = Ask {
        selection: &chosen.0,
        filter: &equals(&graph::CART, "id", id),
        order: &[],
        paging: Paging { limit: 1, offset: 0 },
        sight: &Sight::Everything,
        counted: false,
        prices: Prices::None,
        stock_channel: None,
        nonce: &nonce,
    };
    let (_, page) = fetch(&state.pool, &ask).await?;
    let Some(row) = page.rows.into_iter().next() else {
        return Err(ApiError::not_found(format!("Cart with id '{id}' not found")));
    };
    let text = nonce.without_absent(&row.document);
    let facts: totals::Cart = match row.totals.as_deref() {
        Some(facts) => serde_json::from_str(facts).map_err(|error| ApiError::unknown(&error))?,
        None => totals::Cart::default(),
    };
    let known = totals(&facts).map_err(|error| ApiError::unknown(&error))?;
    let members = Members::of(&chosen.0, id, &facts, &known);
    let mut out = Vec::with_capacity(text.len() + 4_096);
    let fill = |key: &str, out: &mut Vec<u8>| {
        if let Some(members) = members.0.get(key) {
            out.extend_from_slice(members);
        }
    };
    nonce.fill(&text, &mut out, fill).map_err(|error| ApiError::unknown(&error))?;
    String::from_utf8(out).map_err(|error| ApiError::unknown(&error))
}

/// Totals as members of JSON objects, by the objects' ids.
#[derive(Default)]
struct Members(HashMap<String, Vec<u8>>);

impl Members {
    fn of(selection: &Selection, id: &str, facts: &totals::Cart, known: &Totals) -> Self {
        let mut members = Self::default();
        members.add(Some(selection), id, &known.cart.named());
        members.lines(selection.child("items"), &facts.items, &known.items);
        members.lines(selection.child("shipping_methods"), &facts.shipping_methods, &known.shipping_methods);
        for credit in &facts.credit_lines {
            let amounts = [("total", credit.amount.0), ("subtotal", credit.amount.0)];
            members.add(selection.child("credit_lines"), &credit.id, &amounts);
        }
        members
    }

    fn lines(&mut self, selection: Option<&Selection>, lines: &[totals::Line], known: &[LineTotals]) {
        let Some(selection) = selection else { return };
        for (line, known) in lines.iter().zip(known) {
            self.add(Some(selection), &line.id, &known.named());
            for (tax, of) in line.tax_lines.iter().zip(&known.tax_lines) {
                self.add(selection.child("tax_lines"), &tax.id, &[("total", of.total), ("subtotal", of.subtotal)]);
            }
            for (discount, of) in line.adjustments.iter().zip(&known.adjustments) {
                let amounts = [("total", of.total), ("subtotal", of.subtotal)];
                self.add(selection.child("adjustments"), &discount.id, &amounts);
            }
        }
    }

    fn add(&mut self, selection: Option<&Selection>, id: &str, amounts: &[(&'static str, Decimal)]) {
        let Some(selection) = selection.filter(|selection| selection.computes_any()) else { return };
        let mut out = Vec::with_capacity(512);
        for (name, _) in selection.computed_names() {
            let total = name.strip_prefix("raw_").unwrap_or(name);
            let Some((_, amount)) = amounts.iter().find(|(other, _)| *other == total) else { continue };
            if !out.is_empty() {
                out.push(b',');
            }
            out.extend_from_slice(format!("\"{name}\":").as_bytes());
            if total == name { write_number(*amount, &mut out) } else { write_raw(*amount, &mut out) }
        }
        self.0.insert(id.to_owned(), out);
    }
}
