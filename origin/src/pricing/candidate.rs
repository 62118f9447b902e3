//! Prices that may apply, as the database holds them.

use serde::Deserialize;

use super::Amount;

/// The prices of one variant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct VariantPrices {
    /// The variant.
    pub variant: String,
    /// Its product, which tax rules may name.
    pub product: String,
    /// The product's type, which tax rules may name.
    pub product_type: Option<String>,
    /// Its price set.
    pub set: String,
    /// The prices of the set.
    pub prices: Vec<Candidate>,
}

/// A price.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// Its currency.
    pub currency_code: String,
    /// How much.
    pub amount: Amount,
    /// From how many pieces on it applies.
    pub min_quantity: Option<Amount>,
    /// Up to how many.
    pub max_quantity: Option<Amount>,
    /// How many rules it has.
    pub rules_count: i64,
    /// Rules that must all match.
    pub rules: Vec<PriceRule>,
    /// The price list that it belongs to.
    pub list: Option<PriceList>,
}

/// A condition on the context of one price.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PriceRule {
    /// What of the context, such as `region_id`.
    pub attribute: String,
    /// How it is compared: `eq`, `gt`, `gte`, `lt`, `lte`.
    pub operator: String,
    /// With what.
    pub value: String,
}

/// A price list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PriceList {
    /// Its id.
    pub id: String,
    /// What its prices do.
    #[serde(rename = "type")]
    pub kind: ListType,
    /// `active` or `draft`.
    pub status: String,
    /// From when on, in Unix milliseconds.
    pub starts_at: Option<i64>,
    /// Until when, that moment included, in Unix milliseconds.
    pub ends_at: Option<i64>,
    /// How many rules it has.
    pub rules_count: i64,
    /// Rules that must all match.
    pub rules: Vec<ListRule>,
}

/// What the prices of a list do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListType {
    /// They apply where they are lower.
    Sale,
    /// They apply.
    Override,
}

/// A condition on the context of a price list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ListRule {
    /// What of the context, such as `customer.groups.id`.
    pub attribute: String,
    /// Accepted values: a JSON array.
    pub value: serde_json::Value,
}

// === impl ListType ===

impl ListType {
    /// Medusa's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Override => "override",
        }
    }
}
