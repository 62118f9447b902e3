//! A cart's own fields are changed: region, addresses, e-mail address, promotions.

use serde_json::{Map, Value};

use super::Shop;
use super::change::Change;
use super::create::{check_channel, place_of};
use crate::cart::{self, Address, Cart, CartError, Codes, GivenAddress, Prices, Refresh, Taxes, Whose, whose};
use crate::error::ApiError;
use crate::modules::{Patch, customer};
use crate::query::cart::{Ask, Variants};

/// An update of a cart.
#[derive(Debug, Clone, Default)]
pub struct CartPatch {
    /// Another region.
    pub region_id: Option<String>,
    /// The customer's e-mail address.
    pub email: Patch<Option<String>>,
    /// Where it goes to.
    pub shipping_address: Option<GivenAddress>,
    /// Whom the bill is for.
    pub billing_address: Option<GivenAddress>,
    /// Another sales channel.
    pub sales_channel_id: Option<String>,
    /// The storefront's own.
    pub metadata: Patch<Option<Map<String, Value>>>,
    /// Codes of the promotions that it shall have, and no others.
    pub promo_codes: Option<Vec<String>>,
    /// The customer's language.
    pub locale: Patch<Option<String>>,
}

/// Changes a cart (`update-cart.js`).
pub async fn update(shop: Shop<'_>, id: &str, patch: CartPatch) -> Result<(), ApiError> {
    let email = patch.email.as_ref().and_then(Option::as_deref).map(str::to_owned);
    let ask = Ask {
        region_id: patch.region_id.as_deref(),
        sales_channel_id: patch.sales_channel_id.as_deref(),
        email: email.as_deref(),
        // A new address for an old one: what it does not mention is empty.
        place: patch.shipping_address.as_ref().filter(|address| address.id.is_none()).map(place_of),
        variants: if needs_prices(&patch) { Variants::OfAll } else { Variants::None },
        codes: patch.promo_codes.as_deref().unwrap_or_default(),
        ..Ask::default()
    };
    let mut change = Change::begin(shop, id, ask).await?;
    check_channel(change.facts.sales_channel.as_ref())?;
    if let (Some(region), None) = (&patch.region_id, &change.facts.region) {
        return Err(CartError::NotFound(format!("Region id not found: {region}")).into());
    }
    let is_elsewhere =
        patch.shipping_address.as_ref().is_some_and(|new| moves(new, change.cart.shipping_address.as_ref()));
    let is_anew = patch.region_id.is_some() || is_elsewhere || patch.locale.as_ref().is_some_and(Option::is_some);
    let shipping =
        patch.shipping_address.clone().map(|new| new.over(change.cart.shipping_address.as_ref())).transpose()?;
    let billing =
        patch.billing_address.clone().map(|new| new.over(change.cart.billing_address.as_ref())).transpose()?;
    if let Some(address) = &shipping {
        cart::check_country(&change.facts, address)?;
    }
    set_fields(&mut change.cart, &patch);
    let is_new_region = patch.region_id.is_some() && patch.region_id != change.cart.head.region_id;
    if let Some(region) = change.facts.region.as_ref().filter(|_| is_new_region) {
        cart::enter(&mut change.cart, region, shipping.as_ref());
    } else if let Some(address) = shipping {
        replace(&mut change.cart, address);
    }
    if let Some(address) = billing {
        let Cart { billing_address, head, .. } = &mut change.cart;
        cart::set_address(billing_address, &mut head.billing_address_id, Some(address));
    }
    if let Some(email) = &email {
        belong(&mut change, email).await?;
    }
    let codes = patch.promo_codes.map_or(Codes::Same, Codes::These);
    let how = if is_anew {
        Refresh { prices: Prices::Anew, taxes: Taxes::Anew, codes }
    } else {
        Refresh { codes, ..Refresh::default() }
    };
    change.finish(&how).await
}

/// Whether prices may have to be worked out anew, as far as the body tells.
fn needs_prices(patch: &CartPatch) -> bool {
    patch.region_id.is_some() || patch.shipping_address.is_some() || !patch.locale.is_keep()
}

/// Whether taxes and shipping may be others there.
fn moves(new: &GivenAddress, known: Option<&Address>) -> bool {
    let differs = |name: &str, known: Option<&str>| {
        let mentioned = new.fields.texts.iter().find(|(other, _)| *other == name);
        mentioned.is_some_and(|(_, value)| value.as_deref() != known)
    };
    let of = |field: fn(&Address) -> Option<&str>| known.and_then(field);
    let country = of(|known| known.country_code.as_deref());
    let is_other_country =
        new.text("country_code").is_some_and(|new| country.is_none_or(|known| !known.eq_ignore_ascii_case(new)));
    is_other_country
        || new.id.is_some() && new.id.as_ref() != known.map(|known| &known.id)
        || differs("province", of(|known| known.province.as_deref()))
        || differs("postal_code", of(|known| known.postal_code.as_deref()))
        || differs("city", of(|known| known.city.as_deref()))
}

fn set_fields(cart: &mut Cart, patch: &CartPatch) {
    let patch = patch.clone();
    if patch.email == Patch::Set(None) {
        cart.head.email = None;
    }
    if patch.sales_channel_id.is_some() {
        cart.head.sales_channel_id = patch.sales_channel_id;
    }
    patch.locale.apply(&mut cart.head.locale);
    crate::modules::metadata::merge(patch.metadata, &mut cart.head.metadata);
}

fn replace(cart: &mut Cart, address: Address) {
    let Cart { shipping_address, head, .. } = cart;
    cart::set_address(shipping_address, &mut head.shipping_address_id, Some(address));
}

/// Whose the cart is under an e-mail address. A registered customer may write another one; a guest is who writes from it.
async fn belong(change: &mut Change<'_>, email: &str) -> Result<(), ApiError> {
    let (id, shown) = match whose(&change.facts, Some(email)) {
        Whose::Nobody => return Ok(()),
        Whose::Known(customer) if customer.has_account => (customer.id.clone(), Some(email.to_owned())),
        Whose::Known(customer) => (customer.id.clone(), customer.email.clone()),
        Whose::Guest(email) => {
            let email = email.to_owned();
            (customer::find_or_create_guest(change.conn(), &email).await?, Some(email))
        }
    };
    change.cart.head.customer_id = Some(id);
    change.cart.head.email = shown;
    Ok(())
}
