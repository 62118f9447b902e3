//! Line items are added, changed and taken out.

use serde_json::{Map, Value};

use super::Shop;
use super::change::Change;
use crate::cart::{self, NewItem, Refresh};
use crate::error::ApiError;
use crate::modules::Patch;
use crate::query::cart::{Ask, Variants};

/// Adds an item.
pub async fn add_item(shop: Shop<'_>, id: &str, item: NewItem) -> Result<(), ApiError> {
    let ask = Ask { variants: Variants::These(vec![&item.variant_id]), ..Ask::default() };
    let mut change = Change::begin(shop, id, ask).await?;
    cart::add(&mut change.cart, &change.facts, std::slice::from_ref(&item))?;
    change.finish(&Refresh::default()).await
}

/// Sets the quantity of an item, and its metadata where some are given; a quantity of zero takes it out.
pub async fn update_item(
    shop: Shop<'_>,
    id: &str,
    item: &str,
    quantity: i32,
    metadata: Patch<Option<Map<String, Value>>>,
) -> Result<(), ApiError> {
    let ask = Ask { variants: Variants::OfItem(item), ..Ask::default() };
    let mut change = Change::of_any(shop, id, ask).await?;
    let mut changed = change.cart.clone();
    let outcome = cart::update(&mut changed, &change.facts, item, quantity, metadata);
    // An item that is not there is told first, as in Medusa.
    if !matches!(outcome, Err(cart::CartError::NotFound(_))) {
        change.check_completed()?;
    }
    outcome?;
    change.cart = changed;
    change.finish(&Refresh::default()).await
}

/// Takes an item out; one that is not in this cart is out.
pub async fn delete_item(shop: Shop<'_>, id: &str, item: &str) -> Result<(), ApiError> {
    let mut change = Change::begin(shop, id, Ask::default()).await?;
    cart::remove(&mut change.cart, item);
    change.finish(&Refresh::default()).await
}
