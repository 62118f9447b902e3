//! Totals of a line: a line item, or a shipping method, which is a line of one piece.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::math::{TooLarge, add, div, mul, sub};
use crate::pricing::Amount;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// What one piece costs.
    pub price: Amount,
    /// How many pieces.
    pub quantity: Amount,
    /// Whether the price includes tax.
    pub is_tax_inclusive: bool,
    /// Its taxes.
    pub tax_lines: Vec<TaxLine>,
    /// Its discounts.
    pub adjustments: Vec<Adjustment>,
}

/// A tax of a line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TaxLine {
    /// Its id.
    pub id: String,
    /// Per cent.
    pub rate: Amount,
}

/// A discount of a line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Adjustment {
    /// Its id.
    pub id: String,
    /// How much.
    pub amount: Amount,
    /// Whether that includes tax.
    #[serde(default)]
    pub is_tax_inclusive: bool,
}

/// What a line comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineTotals {
    /// Without discount and tax.
    pub subtotal: Decimal,
    /// With discount and tax: what is paid.
    pub total: Decimal,
    /// As `subtotal`.
    pub original_subtotal: Decimal,
    /// With tax, without discount.
    pub original_total: Decimal,
    /// The discount, without tax.
    pub discount_subtotal: Decimal,
    /// The tax that the discount saves.
    pub discount_tax_total: Decimal,
    /// Both.
    pub discount_total: Decimal,
    /// The tax, discount considered.
    pub tax_total: Decimal,
    /// The tax without discount.
    pub original_tax_total: Decimal,
    /// Of each tax, in the line's order.
    pub tax_lines: Vec<TaxLineTotals>,
    /// Of each discount, in the line's order.
    pub adjustments: Vec<AdjustmentTotals>,
}

/// What a tax of a line comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxLineTotals {
    /// Discount considered.
    pub total: Decimal,
    /// Without discount.
    pub subtotal: Decimal,
}

/// What a discount of a line comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdjustmentTotals {
    /// Without tax.
    pub subtotal: Decimal,
    /// With tax.
    pub total: Decimal,
}

/// Works them out.
pub fn line_totals(line: &Line) -> Result<LineTotals, TooLarge> {
    let rate = line.rate()?;
    let price = mul(line.price.0, line.quantity.0)?;
    let subtotal = without_tax(price, rate, line.is_tax_inclusive)?;
    let mut discount_subtotal = Decimal::ZERO;
    let mut adjustments = Vec::with_capacity(line.adjustments.len());
    for adjustment in &line.adjustments {
        let subtotal = without_tax(adjustment.amount.0, rate, adjustment.is_tax_inclusive)?;
        discount_subtotal = add(discount_subtotal, subtotal)?;
        adjustments.push(AdjustmentTotals { subtotal, total: add(subtotal, mul(subtotal, rate)?)? });
    }
    let discounted = sub(subtotal, discount_subtotal)?;
    let (mut tax_total, mut original_tax_total) = (Decimal::ZERO, Decimal::ZERO);
    let mut tax_lines = Vec::with_capacity(line.tax_lines.len());
    for tax in &line.tax_lines {
        let rate = div(tax.rate.0, Decimal::ONE_HUNDRED)?;
        let of = TaxLineTotals { total: mul(discounted, rate)?, subtotal: mul(subtotal, rate)? };
        tax_total = add(tax_total, of.total)?;
        original_tax_total = add(original_tax_total, of.subtotal)?;
        tax_lines.push(of);
    }
    let original_total = if line.is_tax_inclusive { price } else { add(subtotal, original_tax_total)? };
    let discount_tax_total = sub(original_tax_total, tax_total)?;
    Ok(LineTotals {
        subtotal,
        total: add(discounted, tax_total)?,
        original_subtotal: sub(original_total, original_tax_total)?,
        original_total,
        discount_subtotal,
        discount_tax_total,
        discount_total: add(discount_subtotal, discount_tax_total)?,
        tax_total,
        original_tax_total,
        tax_lines,
        adjustments,
    })
}

fn without_tax(amount: Decimal, rate: Decimal, includes_tax: bool) -> Result<Decimal, TooLarge> {
    if includes_tax { div(amount, add(Decimal::ONE, rate)?) } else { Ok(amount) }
}

// === impl Line ===

impl Line {
    /// All its taxes together, as a fraction.
    fn rate(&self) -> Result<Decimal, TooLarge> {
        let mut sum = Decimal::ZERO;
        for tax in &self.tax_lines {
            sum = add(sum, tax.rate.0)?;
        }
        div(sum, Decimal::ONE_HUNDRED)
    }
}

// === impl LineTotals ===

impl LineTotals {
    /// Totals under their names, in Medusa's order.
    pub fn named(&self) -> [(&'static str, Decimal); 9] {
        [
            ("subtotal", self.subtotal),
            ("total", self.total),
            ("original_subtotal", self.original_subtotal),
            ("original_total", self.original_total),
            ("discount_subtotal", self.discount_subtotal),
            ("discount_tax_total", self.discount_tax_total),
            ("discount_total", self.discount_total),
            ("tax_total", self.tax_total),
            ("original_tax_total", self.original_tax_total),
        ]
    }
}
