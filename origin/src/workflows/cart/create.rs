//! A cart is made.

use serde_json::{Map, Value};
use vitrine_shared::id;

use super::Shop;
use crate::cart::{
    self, Cart, CartError, Codes, Facts, GivenAddress, NewItem, Refresh, SalesChannel, Taxes, Whose, changes, whose,
};
use crate::error::ApiError;
use crate::modules::cart::{Lifetime, save};
use crate::modules::customer;
use crate::query::cart::{Ask, Place, Variants, load};

/// A cart to be made.
#[derive(Debug, Clone, Default)]
pub struct NewCart {
    /// In which region; none: the store's default.
    pub region_id: Option<String>,
    /// In which sales channel.
    pub sales_channel_id: Option<String>,
    /// The currency, which must be the region's.
    pub currency_code: Option<String>,
    /// The customer who has signed in.
    pub customer_id: Option<String>,
    /// The customer's e-mail address.
    pub email: Option<String>,
    /// The customer's language.
    pub locale: Option<String>,
    /// Where it goes to.
    pub shipping_address: Option<GivenAddress>,
    /// Whom the bill is for.
    pub billing_address: Option<GivenAddress>,
    /// What is in it.
    pub items: Vec<NewItem>,
    /// Codes of promotions.
    pub promo_codes: Vec<String>,
    /// The storefront's own.
    pub metadata: Option<Map<String, Value>>,
}

/// Makes a cart; returns its id.
pub async fn create(shop: Shop<'_>, given: NewCart) -> Result<String, ApiError> {
    let ask = Ask {
        region_id: given.region_id.as_deref(),
        sales_channel_id: given.sales_channel_id.as_deref(),
        customer_id: given.customer_id.as_deref(),
        email: given.email.as_deref(),
        place: given.shipping_address.as_ref().map(place_of),
        variants: match given.items.as_slice() {
            [] => Variants::None,
            items => Variants::These(items.iter().map(|item| item.variant_id.as_str()).collect()),
        },
        codes: &given.promo_codes,
        ..Ask::default()
    };
    let facts = load(shop.pool, &ask).await?;
    let mut cart = Cart::default();
    cart.head.id = id::new("cart");
    place(&mut cart, &facts, &given)?;
    let guest = match whose(&facts, given.email.as_deref()) {
        Whose::Nobody => None,
        Whose::Known(customer) => {
            cart.head.customer_id = Some(customer.id.clone());
            cart.head.email = given.email.clone().or_else(|| customer.email.clone());
            None
        }
        Whose::Guest(email) => Some(email.to_owned()),
    };
    cart::add(&mut cart, &facts, &given.items)?;
    let how = Refresh { codes: Codes::These(given.promo_codes.clone()), taxes: Taxes::Anew, ..Refresh::default() };
    cart::refresh(&mut cart, &facts, &how)?;
    let lifetime = Lifetime::of(shop.config, cart.head.customer_id.is_some() || guest.is_some());
    let Some(email) = guest else {
        let changes = changes::between(&Cart::default(), &cart);
        save(shop.pool, &cart.head.id, &changes, lifetime, shop.config.flush).await?;
        return Ok(cart.head.id);
    };
    let mut tx = shop.pool.begin().await?;
    cart.head.customer_id = Some(customer::find_or_create_guest(&mut tx, &email).await?);
    cart.head.email = Some(email);
    let changes = changes::between(&Cart::default(), &cart);
    save(&mut *tx, &cart.head.id, &changes, lifetime, shop.config.flush).await?;
    tx.commit().await?;
    Ok(cart.head.id)
}

/// Region, channel, addresses and the rest of the cart's row (`prepare-cart-to-create`).
fn place(cart: &mut Cart, facts: &Facts, given: &NewCart) -> Result<(), CartError> {
    let channel = check_channel(facts.sales_channel.as_ref())?;
    let region = facts.region.as_ref().ok_or_else(|| CartError::NotFound("No regions found".to_owned()))?;
    if let Some(currency) = given.currency_code.as_ref().filter(|it| !it.eq_ignore_ascii_case(&region.currency_code)) {
        return Err(CartError::Invalid(format!(
            "Currency code {currency} does not match the region's currency code {}",
            region.currency_code
        )));
    }
    cart.head.sales_channel_id = Some(channel.id.clone());
    cart.head.locale.clone_from(&given.locale);
    cart.head.metadata.clone_from(&given.metadata);
    let shipping = given.shipping_address.clone().map(|address| address.over(None)).transpose()?;
    // Where there is but one country, it goes there.
    cart::enter(cart, region, None);
    if let Some(address) = shipping {
        cart::set_address(&mut cart.shipping_address, &mut cart.head.shipping_address_id, Some(address));
    }
    let billing = given.billing_address.clone().map(|address| address.over(None)).transpose()?;
    cart::set_address(&mut cart.billing_address, &mut cart.head.billing_address_id, billing);
    Ok(())
}

/// Refuses a sales channel that sells nothing.
pub(super) fn check_channel(channel: Option<&SalesChannel>) -> Result<&SalesChannel, CartError> {
    let channel = channel.ok_or_else(|| {
        CartError::Invalid(
            "Sales channel is required when creating a cart. Either provide a sales channel ID or set the default sales \
             channel for the store."
                .to_owned(),
        )
    })?;
    if channel.is_disabled {
        return Err(CartError::Invalid(format!("Unable to assign cart to disabled Sales Channel: {}", channel.name)));
    }
    Ok(channel)
}

/// What taxes and shipping look at of an address.
pub(super) fn place_of(address: &GivenAddress) -> Place<'_> {
    Place {
        country_code: address.text("country_code"),
        province: address.text("province").filter(|it| !it.is_empty()),
        city: address.text("city").filter(|it| !it.is_empty()),
        postal_code: address.text("postal_code").filter(|it| !it.is_empty()),
    }
}
