//! Line items (`core-flows/dist/cart/workflows/{add-to-cart,update-line-item-in-cart}.js`, `utils/prepare-line-item-data.js`).

use serde_json::{Map, Value};
use vitrine_shared::id;

use super::error::CartError;
use super::facts::{Facts, Variant};
use super::price::{Price, price};
use super::record::{Cart, Item};
use super::stock;
use crate::modules::{Patch, metadata};

/// Most line items of a cart.
const MAX_ITEMS: usize = 500;

/// A line item to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewItem {
    /// Of which variant.
    pub variant_id: String,
    /// How many pieces.
    pub quantity: i32,
    /// The storefront's own.
    pub metadata: Option<Map<String, Value>>,
}

/// Adds items. One of a variant that is there already, with the same metadata, adds to that.
pub fn add(cart: &mut Cart, facts: &Facts, items: &[NewItem]) -> Result<(), CartError> {
    check_variants(facts, items)?;
    for item in items {
        let variant = published(facts, &item.variant_id)?;
        let present = cart.items.iter().position(|known| is_same(known, item));
        let before = present.and_then(|at| cart.items.get(at)).map_or(0, |known| known.quantity);
        let quantity = before.checked_add(item.quantity).ok_or(CartError::Stock)?;
        let price = price(&variant.prices, cart, facts, quantity).ok_or_else(|| no_price(&variant.id))?;
        stock::confirm(variant, quantity, facts)?;
        match present.and_then(|at| cart.items.get_mut(at)) {
            Some(known) => {
                known.quantity = quantity;
                set_price(known, price);
            }
            None => cart.items.push(made(variant, item, price)),
        }
    }
    if cart.items.len() > MAX_ITEMS {
        return Err(CartError::Invalid(format!("A cart holds at most {MAX_ITEMS} line items")));
    }
    Ok(())
}

/// Sets the quantity of an item; zero takes it out.
pub fn update(
    cart: &mut Cart,
    facts: &Facts,
    id: &str,
    quantity: i32,
    metadata: Patch<Option<Map<String, Value>>>,
) -> Result<(), CartError> {
    let (at, item) = find(cart, id)?;
    if quantity == 0 {
        cart.items.remove(at);
        return Ok(());
    }
    let variant = item.variant_id.as_deref().and_then(|variant| facts.variant(variant));
    let mut changed = item.clone();
    if let Some(variant) = variant {
        let price = price(&variant.prices, cart, facts, quantity).ok_or_else(|| no_price(&variant.id))?;
        stock::confirm(variant, quantity, facts)?;
        if !changed.is_custom_price {
            let is_tax_inclusive = changed.is_tax_inclusive || price.is_tax_inclusive;
            set_price(&mut changed, Price { is_tax_inclusive, ..price });
        }
    }
    changed.quantity = quantity;
    metadata::merge(metadata, &mut changed.metadata);
    if let Some(item) = cart.items.get_mut(at) {
        *item = changed;
    }
    Ok(())
}

/// Takes an item out; one that is not there is out.
pub fn remove(cart: &mut Cart, id: &str) {
    cart.items.retain(|item| item.id != id);
}

/// Works out all prices anew, as for another region or customer.
pub(super) fn reprice(cart: &mut Cart, facts: &Facts) -> Result<(), CartError> {
    let mut missing = Vec::new();
    let mut priceless = Vec::new();
    let mut items = std::mem::take(&mut cart.items);
    for item in &mut items {
        let Some(id) = item.variant_id.clone() else { continue };
        let Ok(variant) = published(facts, &id) else {
            missing.push(id);
            continue;
        };
        item.product = Some(variant.product.clone());
        if item.is_custom_price {
            continue;
        }
        match price(&variant.prices, cart, facts, item.quantity) {
            Some(price) => set_price(item, price),
            None => priceless.push(id),
        }
    }
    cart.items = items;
    if !missing.is_empty() {
        return Err(no_variants(&missing));
    }
    if !priceless.is_empty() {
        return Err(no_price(&priceless.join(", ")));
    }
    Ok(())
}

fn check_variants(facts: &Facts, items: &[NewItem]) -> Result<(), CartError> {
    let unknown = |item: &&NewItem| published(facts, &item.variant_id).is_err();
    let missing: Vec<String> = items.iter().filter(unknown).map(|item| item.variant_id.clone()).collect();
    if missing.is_empty() { Ok(()) } else { Err(no_variants(&missing)) }
}

fn published<'f>(facts: &'f Facts, id: &str) -> Result<&'f Variant, CartError> {
    facts.variant(id).filter(|variant| variant.is_published).ok_or_else(|| no_variants(&[id.to_owned()]))
}

fn no_variants(ids: &[String]) -> CartError {
    let ids = ids.join(", ");
    CartError::Invalid(format!("Variants {ids} do not exist or belong to a product that is not published"))
}

fn no_price(ids: &str) -> CartError {
    CartError::Invalid(format!("Variants with IDs {ids} do not have a price"))
}

fn find<'c>(cart: &'c Cart, id: &str) -> Result<(usize, &'c Item), CartError> {
    let found = cart.items.iter().enumerate().find(|(_, item)| item.id == id);
    found.ok_or_else(|| CartError::NotFound(format!("Line item with id: {id} was not found")))
}

/// Whether adding the one is adding to the other.
fn is_same(known: &Item, item: &NewItem) -> bool {
    let nothing = Map::new();
    let own = |metadata: &Option<Map<String, Value>>| metadata.clone().unwrap_or_else(|| nothing.clone());
    known.variant_id.as_deref() == Some(&item.variant_id)
        && !known.is_custom_price
        && own(&known.metadata) == own(&item.metadata)
}

fn set_price(item: &mut Item, price: Price) {
    item.unit_price = price.amount;
    item.compare_at_unit_price = price.compare_at;
    item.is_tax_inclusive = price.is_tax_inclusive;
}

fn made(variant: &Variant, item: &NewItem, price: Price) -> Item {
    let sent =
        variant.product.shipping_profile_id.is_some() || variant.inventory.iter().any(|part| part.requires_shipping);
    let mut made = Item {
        id: id::new("cali"),
        title: variant.product_title.clone(),
        subtitle: variant.title.clone(),
        thumbnail: variant.thumbnail.clone().or_else(|| variant.product_thumbnail.clone()),
        quantity: item.quantity,
        variant_id: Some(variant.id.clone()),
        product_id: Some(variant.product.id.clone()),
        product_title: Some(variant.product_title.clone()),
        product_description: variant.product_description.clone(),
        product_subtitle: variant.product_subtitle.clone(),
        product_type: variant.product_type.clone(),
        product_type_id: variant.product.type_id.clone(),
        product_collection: variant.product_collection.clone(),
        product_handle: variant.product_handle.clone(),
        variant_sku: variant.sku.clone(),
        variant_barcode: variant.barcode.clone(),
        variant_title: variant.title.clone(),
        requires_shipping: sent,
        is_discountable: variant.discountable,
        is_giftcard: variant.is_giftcard,
        metadata: Some(item.metadata.clone().unwrap_or_default()),
        product: Some(variant.product.clone()),
        ..Item::default()
    };
    set_price(&mut made, price);
    made
}
