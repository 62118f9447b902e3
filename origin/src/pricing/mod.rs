//! What a variant costs in a context: candidates, the choice between them, and taxes. Pure; amounts are decimals in major
//! units and stay exact until they are printed.
//!
//! The rules are those of `@medusajs/pricing` (`repositories/pricing.js`, `services/pricing-module.js`) and
//! `@medusajs/tax` (`services/tax-module-service.js`).

mod amount;
mod calculate;
mod candidate;
mod context;
mod tax;
mod window;
mod wire;

pub use amount::Amount;
pub use calculate::{Calculated, calculate};
pub use candidate::{Candidate, ListRule, ListType, PriceList, PriceRule, VariantPrices};
pub use context::{Context, Preference};
pub use tax::{TaxRate, TaxRates, TaxRule, Taxable, Taxed, tax};
pub use window::next_boundary;
pub use wire::write_price;
