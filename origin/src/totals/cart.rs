//! Totals of a whole cart.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::line::{Line, LineTotals, line_totals};
use super::math::{TooLarge, add, sub};
use crate::pricing::Amount;

/// What a cart's totals are worked out from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Cart {
    /// Line items.
    pub items: Vec<Line>,
    /// Shipping methods; each is one piece.
    pub shipping_methods: Vec<Line>,
    /// Credits.
    pub credit_lines: Vec<CreditLine>,
    /// Decimals of the currency's smallest unit: credits below it are none.
    pub decimal_digits: u32,
}

/// A credit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CreditLine {
    /// Its id.
    pub id: String,
    /// How much.
    pub amount: Amount,
}

/// Totals at every level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Of the whole.
    pub cart: CartTotals,
    /// Of each line item, in the cart's order.
    pub items: Vec<LineTotals>,
    /// Of each shipping method, in the cart's order.
    pub shipping_methods: Vec<LineTotals>,
}

/// What a cart comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartTotals {
    /// Sums over the items.
    pub items: Sums,
    /// Sums over the shipping methods.
    pub shipping: Sums,
    /// Both.
    pub all: Sums,
    /// Credits.
    pub credit_line_total: Decimal,
    /// What is to be paid.
    pub total: Decimal,
}

/// Sums over lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Of `subtotal`; Medusa's `original_…_subtotal` too.
    pub subtotal: Decimal,
    /// Of `total`.
    pub total: Decimal,
    /// Of `original_total`.
    pub original_total: Decimal,
    /// Of `tax_total`.
    pub tax_total: Decimal,
    /// Of `original_tax_total`.
    pub original_tax_total: Decimal,
    /// Of `discount_total`.
    pub discount_total: Decimal,
    /// Of `discount_subtotal`.
    pub discount_subtotal: Decimal,
    /// Of `discount_tax_total`.
    pub discount_tax_total: Decimal,
}

/// Works them out.
pub fn totals(cart: &Cart) -> Result<Totals, TooLarge> {
    let items = cart.items.iter().map(line_totals).collect::<Result<Vec<_>, _>>()?;
    let shipping_methods = cart.shipping_methods.iter().map(line_totals).collect::<Result<Vec<_>, _>>()?;
    let of_items = Sums::of(&items)?;
    let of_shipping = Sums::of(&shipping_methods)?;
    let all = of_items.plus(&of_shipping)?;
    let credit_line_total = credits(cart)?;
    let total = sub(sub(add(all.subtotal, all.tax_total)?, all.discount_subtotal)?, credit_line_total)?;
    let cart = CartTotals { items: of_items, shipping: of_shipping, all, credit_line_total, total };
    Ok(Totals { cart, items, shipping_methods })
}

fn credits(cart: &Cart) -> Result<Decimal, TooLarge> {
    let mut sum = Decimal::ZERO;
    for line in &cart.credit_lines {
        sum = add(sum, line.amount.0)?;
    }
    let smallest = Decimal::try_new(1, cart.decimal_digits).unwrap_or(Decimal::ZERO);
    Ok(if sum.abs() <= smallest { Decimal::ZERO } else { sum })
}

// === impl Sums ===

impl Sums {
    fn of(lines: &[LineTotals]) -> Result<Self, TooLarge> {
        lines.iter().try_fold(Self::default(), |sums, line| {
            sums.plus(&Self {
                subtotal: line.subtotal,
                total: line.total,
                original_total: line.original_total,
                tax_total: line.tax_total,
                original_tax_total: line.original_tax_total,
                discount_total: line.discount_total,
                discount_subtotal: line.discount_subtotal,
                discount_tax_total: line.discount_tax_total,
            })
        })
    }

    fn plus(&self, other: &Self) -> Result<Self, TooLarge> {
        Ok(Self {
            subtotal: add(self.subtotal, other.subtotal)?,
            total: add(self.total, other.total)?,
            original_total: add(self.original_total, other.original_total)?,
            tax_total: add(self.tax_total, other.tax_total)?,
            original_tax_total: add(self.original_tax_total, other.original_tax_total)?,
            discount_total: add(self.discount_total, other.discount_total)?,
            discount_subtotal: add(self.discount_subtotal, other.discount_subtotal)?,
            discount_tax_total: add(self.discount_tax_total, other.discount_tax_total)?,
        })
    }
}

// === impl CartTotals ===

impl CartTotals {
    /// Totals under their names, in Medusa's order.
    pub fn named(&self) -> [(&'static str, Decimal); 26] {
        let Self { items, shipping, all, credit_line_total, total } = self;
        [
            ("total", *total),
            ("subtotal", all.subtotal),
            ("tax_total", all.tax_total),
            ("discount_total", all.discount_total),
            ("discount_subtotal", all.discount_subtotal),
            ("discount_tax_total", all.discount_tax_total),
            ("original_total", all.original_total),
            ("original_subtotal", all.subtotal),
            ("original_tax_total", all.original_tax_total),
            ("item_total", items.total),
            ("item_subtotal", items.subtotal),
            ("item_tax_total", items.tax_total),
            ("item_discount_total", items.discount_total),
            ("original_item_total", items.original_total),
            ("original_item_subtotal", items.subtotal),
            ("original_item_tax_total", items.original_tax_total),
            ("shipping_total", shipping.total),
            ("shipping_subtotal", shipping.subtotal),
            ("shipping_tax_total", shipping.tax_total),
            ("shipping_discount_total", shipping.discount_total),
            ("original_shipping_tax_total", shipping.original_tax_total),
            ("original_shipping_subtotal", shipping.subtotal),
            ("original_shipping_total", shipping.original_total),
            ("credit_line_subtotal", *credit_line_total),
            ("credit_line_tax_total", Decimal::ZERO),
            ("credit_line_total", *credit_line_total),
        ]
    }
}
