//! Promotions as the database holds them.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{ComputeError, Skip};
use crate::pricing::Amount;

/// A promotion with all that decides on it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Promotion {
    /// Its id, `promo_…`.
    pub id: String,
    /// What a customer types.
    pub code: String,
    /// Whether it needs no typing.
    pub is_automatic: bool,
    /// Whether what it takes off is meant with tax.
    pub is_tax_inclusive: bool,
    /// How it works.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whether it is on.
    pub status: Status,
    /// How often it may be used, in all.
    pub limit: Option<i64>,
    /// How often it was.
    pub used: i64,
    /// Rules that the cart must pass.
    pub rules: Vec<Rule>,
    /// What it takes off; without it, nothing.
    pub method: Option<Method>,
    /// The campaign that it is part of.
    pub campaign: Option<Campaign>,
}

/// How a promotion works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It takes something off what it targets.
    Standard,
    /// Whoever buys some gets others for less.
    #[serde(rename = "buyget")]
    BuyGet,
}

/// Whether a promotion is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is being written.
    Draft,
    /// It is on.
    Active,
    /// It is off.
    Inactive,
}

/// What a promotion takes off, and how.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Method {
    /// An amount or per cent.
    #[serde(rename = "type")]
    pub kind: MethodKind,
    /// Of what.
    pub target_type: Target,
    /// How it is shared out.
    pub allocation: Option<Allocation>,
    /// How much.
    pub value: Option<Amount>,
    /// The only currency in which it applies.
    pub currency_code: Option<String>,
    /// Of how many pieces at most.
    pub max_quantity: Option<i64>,
    /// Buy-get: how many pieces cost less at a time.
    pub apply_to_quantity: Option<i64>,
    /// Buy-get: how many must be bought for that.
    pub buy_rules_min_quantity: Option<i64>,
    /// Rules of what is discounted.
    pub target_rules: Vec<Rule>,
    /// Buy-get: rules of what must be bought.
    pub buy_rules: Vec<Rule>,
}

/// An amount or per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// An amount.
    Fixed,
    /// Per cent.
    Percentage,
}

/// What is discounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// All lines together.
    Order,
    /// Lines.
    Items,
    /// Shipping methods.
    ShippingMethods,
}

/// How a discount is shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allocation {
    /// Each target gets it.
    Each,
    /// All targets share it, by their amounts.
    Across,
    /// The cheapest pieces get it, `max_quantity` of them in all.
    Once,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rule {
    /// A path into the cart, such as `items.product.id`.
    pub attribute: String,
    /// How what is there is compared.
    pub operator: Operator,
    /// With what.
    pub values: Vec<String>,
}

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// All found are among the rule's.
    Eq,
    /// None found is among the rule's.
    Ne,
    /// One found is among the rule's.
    In,
    /// All found are above one of the rule's.
    Gt,
    /// All found are not below one of the rule's.
    Gte,
    /// All found are below one of the rule's.
    Lt,
    /// All found are not above one of the rule's.
    Lte,
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Campaign {
    /// From when on, in Unix milliseconds.
    pub starts_at: Option<i64>,
    /// Until when, that moment excluded, in Unix milliseconds.
    pub ends_at: Option<i64>,
    /// What it may spend.
    pub budget: Option<Budget>,
}

/// What a campaign may spend.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Budget {
    /// What is counted.
    #[serde(rename = "type")]
    pub kind: BudgetKind,
    /// Up to where; none or zero: without end.
    pub limit: Option<Amount>,
    /// What was spent.
    pub used: Amount,
    /// Whose uses are counted each for itself: `customer_id` or `customer_email`.
    pub attribute: Option<String>,
    /// What was used by those that were asked for.
    pub usages: Vec<Usage>,
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetKind {
    /// Amounts.
    Spend,
    /// Uses.
    Usage,
    /// Uses by each customer or address.
    UseByAttribute,
    /// Amounts by each; Medusa counts them by none.
    SpendByAttribute,
}

/// How often one customer or address used a campaign.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Usage {
    /// Who.
    pub attribute_value: String,
    /// How often.
    pub used: Amount,
}

// === impl Promotion ===

impl Promotion {
    /// Whether it is on now (`listActivePromotions`).
    pub fn is_active(&self, now: i64) -> bool {
        let is_open = |campaign: &Campaign| {
            campaign.starts_at.is_none_or(|start| start <= now) && campaign.ends_at.is_none_or(|end| end > now)
        };
        self.status == Status::Active && self.campaign.as_ref().is_none_or(is_open)
    }

    pub(super) fn budget(&self) -> Option<&Budget> {
        self.campaign.as_ref()?.budget.as_ref()
    }

    /// Why it does not apply whatever is in the cart.
    pub(super) fn is_used_up(&self) -> Result<(), Skip> {
        match self.limit {
            Some(limit) if self.used >= limit => Err(Skip::LimitExceeded),
            _ => Ok(()),
        }
    }
}

// === impl Method ===

impl Method {
    pub(super) fn amount(&self) -> Decimal {
        self.value.map_or(Decimal::ZERO, |value| value.0)
    }
}

// === impl ComputeError ===

impl ComputeError {
    pub(super) fn missing(attribute: &str) -> Self {
        Self::AttributeMissing(attribute.to_owned())
    }
}
