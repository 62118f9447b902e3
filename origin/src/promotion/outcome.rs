//! What comes of promotions.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::TooLarge;

/// What promotions do to a cart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What is taken off lines, in the order in which promotions apply.
    pub lines: Vec<Adjustment>,
    /// What is taken off shipping methods.
    pub shipping_methods: Vec<Adjustment>,
    /// Promotions that were asked for by code and took nothing off, by code, with the reason.
    pub skipped: BTreeMap<String, Skip>,
}

/// What a promotion takes off one line or shipping method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// The line or shipping method.
    pub target: String,
    /// The promotion.
    pub promotion_id: String,
    /// Its code.
    pub code: String,
    /// How much, above zero.
    pub amount: Decimal,
    /// Whether that amount is meant with tax.
    pub is_tax_inclusive: bool,
}

/// Why a promotion takes nothing off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// It is off, or its campaign is not open now.
    Inactive,
    /// It was used as often as it may be.
    LimitExceeded,
    /// Its campaign would spend more than it may.
    BudgetExceeded,
    /// It is for another currency.
    Currency,
    /// The cart does not pass its rules.
    Rules,
    /// Nothing in the cart is left that it could discount.
    Nothing,
}

/// Promotions cannot be worked out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComputeError {
    /// A campaign counts uses by customer or address, and the cart has none: 400, with Medusa's own text.
    #[error("Attribute value for \"{0}\" is required by promotion campaing budget")]
    AttributeMissing(String),
    /// An amount that no decimal holds.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

// === impl Outcome ===

impl Outcome {
    /// Codes of the promotions that took something off: those that the cart shows.
    pub fn applied(&self) -> impl Iterator<Item = &str> {
        let mut codes: Vec<&str> =
            self.lines.iter().chain(&self.shipping_methods).map(|adjustment| adjustment.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.into_iter()
    }
}

// === impl Skip ===

impl Skip {
    /// Medusa's `reason` in `skipped_promo_codes`; it tells none of the others.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::LimitExceeded => Some("promotion_limit_exceeded"),
            Self::BudgetExceeded => Some("campaign_budget_exceeded"),
            Self::Inactive | Self::Currency | Self::Rules | Self::Nothing => None,
        }
    }
}
