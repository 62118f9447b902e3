//! Shipping methods are chosen, and taxes worked out when asked for.

use super::Shop;
use super::change::Change;
use crate::cart::{self, GivenMethod, Refresh, Taxes};
use crate::error::ApiError;
use crate::query::cart::{Ask, Options};

/// Chooses shipping options.
pub async fn add_shipping_methods(shop: Shop<'_>, id: &str, given: &[GivenMethod]) -> Result<(), ApiError> {
    let options = given.iter().map(|given| given.option_id.as_str()).collect();
    let ask = Ask { options: Options::These(options), ..Ask::default() };
    let mut change = Change::begin(shop, id, ask).await?;
    cart::add_methods(&mut change.cart, &change.facts, given)?;
    change.finish(&Refresh::default()).await
}

/// Works out taxes, whatever the region says.
pub async fn calculate_taxes(shop: Shop<'_>, id: &str) -> Result<(), ApiError> {
    let change = Change::begin(shop, id, Ask::default()).await?;
    change.finish(&Refresh { taxes: Taxes::Forced, ..Refresh::default() }).await
}
