//! What promotions take off a cart. Pure: promotions as [`rows`] loads them, and a cart, give adjustments.
//!
//! The rules are those of `@medusajs/promotion` (`services/promotion-module.js` `computeActions`, `utils/compute-actions`)
//! and `@medusajs/utils` (`totals/promotion`). Amounts are decimals in major units and are not rounded. The outcome does
//! not depend on the order in which promotions, lines or shipping methods are given.

mod budget;
mod buy_get;
mod compute;
mod context;
mod items;
mod math;
mod outcome;
#[cfg(test)]
mod properties;
mod record;
mod rows;
mod rule;
mod shipping;
#[cfg(test)]
mod tests;

pub use compute::{compute, unknown_code};
pub use context::{Context, Line, ShippingMethod};
pub use math::TooLarge;
pub use outcome::{Adjustment, ComputeError, Outcome, Skip};
pub use record::{
    Allocation, Budget, BudgetKind, Campaign, Kind, Method, MethodKind, Operator, Promotion, Rule, Status, Target,
    Usage,
};
pub use rows::rows;
