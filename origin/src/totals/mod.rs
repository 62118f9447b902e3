//! What a cart or an order comes to: totals of its lines, its shipping methods and the whole. Pure, in exact decimals.
//!
//! The rules are those of `@medusajs/utils` (`dist/totals/{cart,line-item,shipping-method,adjustment,tax,credit-lines}`): nothing is
//! rounded but the quotients of tax-inclusive amounts, which keep 20 decimals as `bignumber.js` does.

mod cart;
mod line;
mod math;
#[cfg(test)]
mod tests;
mod wire;

pub use cart::{Cart, CartTotals, CreditLine, Totals, totals};
pub use line::{Adjustment, AdjustmentTotals, Line, LineTotals, TaxLine, TaxLineTotals, line_totals};
pub use math::{TooLarge, add, mul, sub};
pub use wire::{write_number, write_raw};
