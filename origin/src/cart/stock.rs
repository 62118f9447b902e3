//! Whether there are enough pieces (`core-flows/dist/cart/utils/prepare-confirm-inventory-input.js`, `steps/confirm-inventory.js`).

use rust_decimal::Decimal;

use super::error::CartError;
use super::facts::{Facts, Inventory, Variant};
use crate::totals::{TooLarge, add, mul};

/// Refuses what cannot be had in the cart's sales channel.
pub(super) fn confirm(variant: &Variant, quantity: i32, facts: &Facts) -> Result<(), CartError> {
    if !variant.manage_inventory {
        return Ok(());
    }
    let is_placed = variant.inventory.iter().any(|part| !part.levels.is_empty());
    if !is_placed && !variant.allow_backorder {
        let channel = facts.sales_channel.as_ref().map_or("", |channel| &channel.id);
        let id = &variant.id;
        let text = format!("Sales channel {channel} is not associated with any stock location for variant {id}.");
        return Err(CartError::Invalid(text));
    }
    if variant.inventory.is_empty() {
        let text = format!("Variant {} does not have any inventory items associated with it.", variant.id);
        return Err(CartError::Invalid(text));
    }
    if variant.allow_backorder {
        return Ok(());
    }
    for part in &variant.inventory {
        let needed = mul(part.required_quantity.into(), quantity.into())?;
        if available(part)? < needed {
            return Err(CartError::Stock);
        }
    }
    Ok(())
}

/// What all places have together, or one of them where others are overbooked.
fn available(part: &Inventory) -> Result<Decimal, TooLarge> {
    let mut sum = Decimal::ZERO;
    let mut most = Decimal::ZERO;
    for level in &part.levels {
        sum = add(sum, level.available.0)?;
        most = most.max(level.available.0);
    }
    Ok(sum.max(most))
}
