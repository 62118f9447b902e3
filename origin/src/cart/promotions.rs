//! Promotions on a cart (`core-flows/dist/cart/workflows/update-cart-promotions.js`).

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use vitrine_shared::id;

use super::error::CartError;
use super::facts::Facts;
use super::record::{Adjustment, Cart, Item, Method};
use crate::pricing::Amount;
use crate::promotion::{self, Context, Line, ShippingMethod};
use crate::totals::{self, Totals};

/// Which promotions a cart shall have besides those that need no code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Codes {
    /// Those that it has.
    #[default]
    Same,
    /// These, and none else.
    These(Vec<String>),
    /// These too.
    Add(Vec<String>),
    /// None of these.
    Without(Vec<String>),
}

/// Works out all discounts anew; those that stay keep their ids. A promotion that takes nothing off leaves the cart.
pub(super) fn apply(cart: &mut Cart, facts: &Facts, codes: &Codes) -> Result<(), CartError> {
    let codes = wanted(cart, facts, codes)?;
    let mut bare = cart.clone();
    for item in &mut bare.items {
        item.adjustments.clear();
    }
    for method in &mut bare.shipping_methods {
        method.adjustments.clear();
    }
    let totals = totals::totals(&bare.for_totals())?;
    let lines: Vec<Line> = bare.items.iter().zip(&totals.items).map(|(item, totals)| line(item, totals)).collect();
    let methods: Vec<ShippingMethod> = bare
        .shipping_methods
        .iter()
        .zip(&totals.shipping_methods)
        .map(|(method, totals)| shipping_method(method, totals, facts))
        .collect();
    let attributes = attributes(&bare, facts, &totals);
    let context = Context {
        now: facts.now,
        currency_code: &cart.head.currency_code,
        customer_id: cart.head.customer_id.as_deref(),
        email: cart.head.email.as_deref(),
        attributes: &attributes,
        lines: &lines,
        shipping_methods: &methods,
    };
    let outcome = promotion::compute(&facts.promotions, &codes, &context)?;
    for item in &mut cart.items {
        replace(&item.id, &mut item.adjustments, &outcome.lines, "caliadj");
    }
    for method in &mut cart.shipping_methods {
        replace(&method.id, &mut method.adjustments, &outcome.shipping_methods, "casmadj");
    }
    let applied = outcome.lines.iter().chain(&outcome.shipping_methods);
    cart.promotions = applied.map(|adjustment| adjustment.promotion_id.clone()).collect();
    cart.promotions.sort();
    cart.promotions.dedup();
    Ok(())
}

fn wanted(cart: &Cart, facts: &Facts, codes: &Codes) -> Result<Vec<String>, CartError> {
    let own = || {
        let of_cart = facts.promotions.iter().filter(|promotion| cart.promotions.contains(&promotion.id));
        of_cart.map(|promotion| promotion.code.clone())
    };
    let given = match codes {
        Codes::These(given) | Codes::Add(given) => given.as_slice(),
        Codes::Same | Codes::Without(_) => &[],
    };
    if let Some(code) = promotion::unknown_code(&facts.promotions, given) {
        return Err(CartError::Invalid(format!("The promotion code {code} is invalid")));
    }
    Ok(match codes {
        Codes::Same => own().collect(),
        Codes::These(given) => given.clone(),
        Codes::Add(given) => own().chain(given.iter().cloned()).collect(),
        Codes::Without(gone) => own().filter(|code| !gone.contains(code)).collect(),
    })
}

fn replace(target: &str, adjustments: &mut Vec<Adjustment>, all: &[promotion::Adjustment], prefix: &str) {
    let before = std::mem::take(adjustments);
    for given in all.iter().filter(|given| given.target == target) {
        let adjustment = Adjustment {
            id: String::new(),
            code: Some(given.code.clone()),
            promotion_id: Some(given.promotion_id.clone()),
            amount: Amount(given.amount),
            is_tax_inclusive: given.is_tax_inclusive,
        };
        let known = before.iter().find(|known| Adjustment { id: String::new(), ..(*known).clone() } == adjustment);
        let id = known.map_or_else(|| id::new(prefix), |known| known.id.clone());
        adjustments.push(Adjustment { id, ..adjustment });
    }
}

fn line(item: &Item, totals: &totals::LineTotals) -> Line {
    let mut attributes = serde_json::to_value(item).unwrap_or_default();
    attributes["product"] = json!(item.product);
    attributes["variant"] = json!({ "id": item.variant_id, "product": item.product });
    with_totals(&mut attributes, &totals.named());
    Line {
        id: item.id.clone(),
        quantity: item.quantity.into(),
        subtotal: totals.subtotal,
        original_total: totals.original_total,
        is_discountable: item.is_discountable,
        attributes,
    }
}

fn shipping_method(method: &Method, totals: &totals::LineTotals, facts: &Facts) -> ShippingMethod {
    let option = method.shipping_option_id.as_deref().and_then(|id| facts.shipping_option(id));
    let mut attributes = serde_json::to_value(method).unwrap_or_default();
    attributes["shipping_option"] = json!({
        "id": method.shipping_option_id,
        "shipping_option_type_id": option.and_then(|option| option.shipping_option_type_id.as_deref()),
        "shipping_profile_id": option.and_then(|option| option.shipping_profile_id.as_deref()),
    });
    with_totals(&mut attributes, &totals.named());
    ShippingMethod { id: method.id.clone(), subtotal: totals.subtotal, attributes }
}

/// The cart as rules name it. Totals are those without discounts, so that no rule depends on what other promotions, or
/// earlier calls, took off.
fn attributes(cart: &Cart, facts: &Facts, totals: &Totals) -> Value {
    let mut attributes = serde_json::to_value(&cart.head).unwrap_or_default();
    attributes["region"] = facts.region.as_ref().map_or(Value::Null, |region| {
        json!({ "id": region.id, "name": region.name, "currency_code": region.currency_code,
                "automatic_taxes": region.automatic_taxes })
    });
    attributes["shipping_address"] = json!(cart.shipping_address);
    if let Some(id) = &cart.head.customer_id {
        let groups: Vec<Value> = facts.groups(cart).iter().map(|id| json!({ "id": id })).collect();
        attributes["customer"] = json!({ "id": id, "email": cart.head.email, "groups": groups });
    }
    with_totals(&mut attributes, &totals.cart.named());
    attributes
}

fn with_totals(attributes: &mut Value, totals: &[(&'static str, Decimal)]) {
    if let Value::Object(map) = attributes {
        let number = |total: &Decimal| serde_json::from_str(&Amount(*total).as_number()).unwrap_or(Value::Null);
        map.extend(totals.iter().map(|(name, total)| ((*name).to_owned(), number(total))).collect::<Map<_, _>>());
    }
}
