//! Module tax: tax regions, their rates, and what rates are for.

use super::row::Table;

/// Countries, and provinces of them.
pub const TAX_REGION: Table = Table { name: "tax_region", prefix: "txreg", title: "Tax region" };
/// Rates.
pub const TAX_RATE: Table = Table { name: "tax_rate", prefix: "txr", title: "Tax rate" };
/// What a rate is for.
pub const TAX_RATE_RULE: Table = Table { name: "tax_rate_rule", prefix: "txrule", title: "Tax rate rule" };
