//! Shipping methods (`core-flows/dist/cart/workflows/{add-shipping-method-to-cart,refresh-cart-shipping-methods}.js`).

use rust_decimal::Decimal;
use serde_json::{Map, Value};
use vitrine_shared::id;

use super::error::CartError;
use super::facts::{Facts, ShippingOption, StoreRule, Variant};
use super::price::{Price, price};
use super::record::{Cart, Item, Method};

/// A shipping option that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenMethod {
    /// The option.
    pub option_id: String,
    /// What its provider wants to know.
    pub data: Option<Map<String, Value>>,
}

/// Whether an option can be chosen in the cart's place: it goes there, and passes its own rules in a context of `enabled_in_store` and
/// `is_return`.
pub fn is_offered(option: &ShippingOption, is_return: bool) -> bool {
    option.is_in_zone && option.rules.iter().all(|rule| holds(rule, is_return))
}

/// Chooses options, each in place of those for the same shipping profile.
pub fn add_methods(cart: &mut Cart, facts: &Facts, given: &[GivenMethod]) -> Result<(), CartError> {
    let offered = |id: &str| facts.shipping_option(id).filter(|option| is_offered(option, false));
    let mut chosen = Vec::with_capacity(given.len());
    for given in given {
        let invalid = || CartError::Invalid("Shipping Options are invalid for cart.".to_owned());
        chosen.push((offered(&given.option_id).ok_or_else(invalid)?, given));
    }
    let priceless: Vec<&str> = chosen
        .iter()
        .filter(|(option, _)| flat_price(option, cart, facts).is_none())
        .map(|(option, _)| option.id.as_str())
        .collect();
    if !priceless.is_empty() {
        let ids = priceless.join(", ");
        return Err(CartError::Invalid(format!("Shipping options with IDs {ids} do not have a price")));
    }
    cart.shipping_methods.retain(|method| {
        let profile = method.shipping_option_id.as_deref().and_then(|id| facts.shipping_option(id));
        let profile = profile.and_then(|option| option.shipping_profile_id.as_ref());
        profile.is_some_and(|profile| {
            chosen.iter().all(|(option, _)| option.shipping_profile_id.as_ref() != Some(profile))
        })
    });
    for (option, given) in chosen {
        if let Some(price) = flat_price(option, cart, facts) {
            cart.shipping_methods.push(Method {
                id: id::new("casm"),
                name: option.name.clone(),
                amount: price.amount,
                is_tax_inclusive: price.is_tax_inclusive,
                shipping_option_id: Some(option.id.clone()),
                data: Some(given.data.clone().unwrap_or_default()),
                ..Method::default()
            });
        }
    }
    Ok(())
}

/// Gives methods the prices of their options; those that are not offered any more go, and of several those that no item
/// needs.
pub(super) fn refresh(cart: &mut Cart, facts: &Facts) {
    let several = cart.shipping_methods.len() > 1;
    let needed: Vec<String> = cart
        .items
        .iter()
        .filter(|item| item.requires_shipping)
        .filter_map(|item| item.product.as_ref()?.shipping_profile_id.clone())
        .collect();
    let mut methods = std::mem::take(&mut cart.shipping_methods);
    methods.retain_mut(|method| {
        let option = method.shipping_option_id.as_deref().and_then(|id| facts.shipping_option(id));
        let Some(option) = option.filter(|option| is_offered(option, false)) else { return false };
        let Some(price) = flat_price(option, cart, facts) else { return false };
        method.name.clone_from(&option.name);
        method.amount = price.amount;
        method.is_tax_inclusive = price.is_tax_inclusive;
        !several || option.shipping_profile_id.as_ref().is_none_or(|profile| needed.contains(profile))
    });
    cart.shipping_methods = methods;
}

/// Whether the place that an option leaves lacks something that is to be sent.
pub fn lacks_stock(option: &ShippingOption, items: &[Item], facts: &Facts) -> bool {
    items.iter().any(|item| {
        let variant = item.variant_id.as_deref().and_then(|id| facts.variant(id));
        variant.is_some_and(|variant| lacks(option, variant, item.quantity))
    })
}

fn lacks(option: &ShippingOption, variant: &Variant, quantity: i32) -> bool {
    if !variant.manage_inventory || variant.allow_backorder {
        return false;
    }
    variant.inventory.iter().filter(|part| part.requires_shipping).any(|part| {
        let here = part.levels.iter().find(|level| Some(&level.location_id) == option.location_id.as_ref());
        here.is_none_or(|level| level.available.0 < Decimal::from(quantity))
    })
}

/// Only flat prices are known: a provider that works out its own is none of ours yet.
fn flat_price(option: &ShippingOption, cart: &Cart, facts: &Facts) -> Option<Price> {
    if option.price_type != "flat" {
        return None;
    }
    price(&option.prices, cart, facts, 1)
}

/// `fulfillment/dist/utils/utils.js`: an attribute that the context does not have is the text `undefined`.
fn holds(rule: &StoreRule, is_return: bool) -> bool {
    let found = match rule.attribute.as_str() {
        "is_return" => {
            if is_return {
                "true"
            } else {
                "false"
            }
        }
        "enabled_in_store" => "true",
        _ => "undefined",
    };
    let is = |value: &Value| value.as_str() == Some(found);
    let among = || match &rule.value {
        Value::Array(values) => values.iter().any(is),
        Value::String(text) => text.contains(found),
        _ => false,
    };
    match rule.operator.as_str() {
        "eq" => is(&rule.value),
        "ne" => !is(&rule.value),
        "in" => among(),
        "nin" => !among(),
        // Numbers and dates: the context has neither.
        _ => false,
    }
}
