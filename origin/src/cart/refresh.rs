//! What is worked out anew after each change, in Medusa's order: prices, shipping methods, taxes, promotions.

use super::error::CartError;
use super::facts::Facts;
use super::items;
use super::promotions::{self, Codes};
use super::record::Cart;
use super::{shipping, taxes};
use crate::totals;

/// How much is worked out anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refresh {
    /// Prices of all line items.
    pub prices: Prices,
    /// Taxes.
    pub taxes: Taxes,
    /// Promotions.
    pub codes: Codes,
}

/// Whether all prices are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Prices {
    /// Items keep theirs.
    #[default]
    Kept,
    /// All are, as for another region or customer.
    Anew,
}

/// Whether taxes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Taxes {
    /// Where the region's are automatic, and there is a country; else lines stay as they are.
    #[default]
    Automatic,
    /// They are, or there are none: for another place.
    Anew,
    /// They are, whatever the region says.
    Forced,
}

/// Works out anew.
pub fn refresh(cart: &mut Cart, facts: &Facts, how: &Refresh) -> Result<(), CartError> {
    if how.prices == Prices::Anew {
        items::reprice(cart, facts)?;
    }
    shipping::refresh(cart, facts);
    let is_automatic = facts.region.as_ref().is_some_and(|region| region.automatic_taxes);
    if is_automatic || how.taxes != Taxes::Automatic {
        taxes::set(cart, facts, how.taxes == Taxes::Forced)?;
    }
    promotions::apply(cart, facts, &how.codes)?;
    // What cannot be added up cannot be shown either.
    totals::totals(&cart.for_totals())?;
    Ok(())
}

// === impl Cart ===

impl Cart {
    /// What its totals are worked out from.
    pub(super) fn for_totals(&self) -> totals::Cart {
        let taxes = |lines: &[super::TaxLine]| {
            lines.iter().map(|line| totals::TaxLine { id: line.id.clone(), rate: line.rate }).collect()
        };
        let discounts = |lines: &[super::Adjustment]| {
            let of = |line: &super::Adjustment| totals::Adjustment {
                id: line.id.clone(),
                amount: line.amount,
                is_tax_inclusive: line.is_tax_inclusive,
            };
            lines.iter().map(of).collect()
        };
        totals::Cart {
            items: self
                .items
                .iter()
                .map(|item| totals::Line {
                    id: item.id.clone(),
                    price: item.unit_price,
                    quantity: crate::pricing::Amount(item.quantity.into()),
                    is_tax_inclusive: item.is_tax_inclusive,
                    tax_lines: taxes(&item.tax_lines),
                    adjustments: discounts(&item.adjustments),
                })
                .collect(),
            shipping_methods: self
                .shipping_methods
                .iter()
                .map(|method| totals::Line {
                    id: method.id.clone(),
                    price: method.amount,
                    quantity: crate::pricing::Amount(rust_decimal::Decimal::ONE),
                    is_tax_inclusive: method.is_tax_inclusive,
                    tax_lines: taxes(&method.tax_lines),
                    adjustments: discounts(&method.adjustments),
                })
                .collect(),
            credit_lines: Vec::new(),
            decimal_digits: 0,
        }
    }
}
