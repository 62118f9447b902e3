//! The region of a cart, which decides its currency and where it can go.

use super::addresses::set_address;
use super::error::CartError;
use super::facts::{Facts, Region};
use super::record::{Address, Cart};
use vitrine_shared::id;

/// Puts a cart into the region that was read. An address outside of it is dropped, and where there is but one country, it is
/// that (`prepare-cart-to-update`). Items with a price set by hand go, since that was in another currency.
pub fn enter(cart: &mut Cart, region: &Region, given: Option<&Address>) {
    let is_new = cart.head.region_id.as_ref() != Some(&region.id);
    cart.head.region_id = Some(region.id.clone());
    cart.head.currency_code.clone_from(&region.currency_code);
    if !is_new {
        return;
    }
    let only = if let [only] = region.countries.as_slice() { Some(only.clone()) } else { None };
    let address = match (only, given) {
        (Some(country), _) => {
            Some(Address { id: id::new("caaddr"), country_code: Some(country), ..Address::default() })
        }
        (None, Some(given)) if given.country_code.is_some() => Some(given.clone()),
        (None, _) => None,
    };
    set_address(&mut cart.shipping_address, &mut cart.head.shipping_address_id, address);
    cart.items.retain(|item| !item.is_custom_price);
}

/// Refuses an address outside of the region.
pub fn check_country(facts: &Facts, address: &Address) -> Result<(), CartError> {
    let Some(country) = address.country_code.as_ref().filter(|country| !country.is_empty()) else {
        return Ok(());
    };
    let Some(region) = &facts.region else { return Ok(()) };
    if region.countries.contains(country) {
        return Ok(());
    }
    Err(CartError::Invalid(format!("Country with code {country} is not within region {}", region.name)))
}
