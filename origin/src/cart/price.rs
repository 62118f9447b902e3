//! What a variant or shipping option costs in a cart.

use rust_decimal::Decimal;

use super::facts::Facts;
use super::record::Cart;
use crate::pricing::{Amount, Calculated, Candidate, Context, ListType, calculate};

/// A price in a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Price {
    /// What one piece costs.
    pub(super) amount: Amount,
    /// What it costs without sale, where it is on sale.
    pub(super) compare_at: Option<Amount>,
    /// Whether the price includes tax.
    pub(super) is_tax_inclusive: bool,
}

/// Chooses among prices for a cart; none where no price applies.
pub fn calculated<'p>(
    prices: &'p [Candidate],
    cart: &Cart,
    facts: &Facts,
    quantity: Option<i32>,
) -> Option<Calculated<'p>> {
    let context = Context {
        currency_code: cart.head.currency_code.clone(),
        region_id: cart.head.region_id.clone(),
        customer_groups: facts.groups(cart).to_vec(),
        quantity: quantity.map(Decimal::from),
        now: facts.now,
        preferences: facts.preferences.clone(),
    };
    calculate(prices, &context)
}

pub(super) fn price(prices: &[Candidate], cart: &Cart, facts: &Facts, quantity: i32) -> Option<Price> {
    let found = calculated(prices, cart, facts, Some(quantity))?;
    let is_sale = found.calculated.list.as_ref().is_some_and(|list| list.kind == ListType::Sale);
    let original = found.original.map(|original| original.amount).filter(|it| *it != found.calculated.amount);
    Some(Price {
        amount: found.calculated.amount,
        compare_at: original.filter(|_| is_sale),
        is_tax_inclusive: found.calculated_tax_inclusive,
    })
}
