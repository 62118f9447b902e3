//! A cart goes over to a customer.

use super::Shop;
use super::change::Change;
use crate::cart::{CartError, Prices, Refresh, Taxes};
use crate::error::ApiError;
use crate::query::cart::{Ask, Variants};

/// Gives a cart to a customer who has signed in (`transfer-cart-customer.js`): its e-mail address becomes theirs, and its prices
/// those of their groups. To whom it belongs already it stays as it is.
pub async fn transfer(shop: Shop<'_>, id: &str, customer_id: &str) -> Result<(), ApiError> {
    let ask = Ask { customer_id: Some(customer_id), variants: Variants::OfAll, ..Ask::default() };
    let mut change = Change::of_any(shop, id, ask).await?;
    let unknown = || CartError::NotFound(format!("Customer id not found: {customer_id}"));
    let customer = change.facts.customer.clone().ok_or_else(unknown)?;
    if change.cart.head.customer_id.as_ref() == Some(&customer.id) {
        return Ok(());
    }
    change.check_completed()?;
    change.cart.head.customer_id = Some(customer.id);
    change.cart.head.email = customer.email;
    change.finish(&Refresh { prices: Prices::Anew, taxes: Taxes::Anew, ..Refresh::default() }).await
}
