//! What is read of a cart and around it, in one statement.

use serde::Deserialize;
use serde_json::Value;

use super::record::{Address, Cart, Head, Item, Method, ProductFacts};
use crate::pricing::{Amount, Candidate, Preference, TaxRates};
use crate::promotion::Promotion;

/// A cart, and all that decides on what a call does to it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Facts {
    /// Now, in Unix milliseconds.
    #[serde(skip)]
    pub now: i64,
    /// The cart's row; none where there is no such cart, or it is to be made.
    pub cart: Option<Head>,
    /// Its shipping address.
    pub shipping_address: Option<Address>,
    /// Its billing address.
    pub billing_address: Option<Address>,
    /// Its line items.
    pub items: Vec<Item>,
    /// Its shipping methods.
    pub shipping_methods: Vec<Method>,
    /// Ids of its promotions.
    pub cart_promotions: Vec<String>,
    /// The region: the one that was asked for, else the cart's, else the store's default.
    pub region: Option<Region>,
    /// The sales channel, likewise.
    pub sales_channel: Option<SalesChannel>,
    /// The customer that was named, else the cart's.
    pub customer: Option<Customer>,
    /// Customers with the e-mail address that was named: a registered one, a guest, or both.
    pub namesakes: Vec<Customer>,
    /// Variants that were asked for.
    pub variants: Vec<Variant>,
    /// Shipping options that were asked for, and those of the cart's methods, where the sales channel delivers by them.
    pub shipping_options: Vec<ShippingOption>,
    /// What the region and its currency prefer.
    pub preferences: Vec<Preference>,
    /// Tax rates of the place to which the cart goes, once this call is done.
    pub rates: TaxRates,
    /// Promotions: those that are on and need no code, those of the cart, and those that were asked for.
    #[serde(skip)]
    pub promotions: Vec<Promotion>,
}

/// A region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Region {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Its currency.
    pub currency_code: String,
    /// Whether taxes are worked out without being asked for.
    pub automatic_taxes: bool,
    /// Its countries, in two letters.
    pub countries: Vec<String>,
}

/// A sales channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SalesChannel {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Whether nothing is sold there.
    pub is_disabled: bool,
}

/// A customer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Customer {
    /// Their id.
    pub id: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Whether they sign in.
    pub has_account: bool,
    /// Groups that they are in.
    pub groups: Vec<String>,
}

/// A variant, as a line item is made of it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Variant {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// Its SKU.
    pub sku: Option<String>,
    /// Its barcode.
    pub barcode: Option<String>,
    /// Its picture.
    pub thumbnail: Option<String>,
    /// Whether its stock is kept.
    pub manage_inventory: bool,
    /// Whether it is sold beyond its stock.
    pub allow_backorder: bool,
    /// The product's title.
    pub product_title: String,
    /// The product's description.
    pub product_description: Option<String>,
    /// The product's subtitle.
    pub product_subtitle: Option<String>,
    /// The product's picture.
    pub product_thumbnail: Option<String>,
    /// The product's handle.
    pub product_handle: Option<String>,
    /// The product's type's value.
    pub product_type: Option<String>,
    /// The product's collection's title.
    pub product_collection: Option<String>,
    /// Whether the product is for sale.
    pub is_published: bool,
    /// Whether promotions may take something off.
    pub discountable: bool,
    /// Whether it is a gift card.
    pub is_giftcard: bool,
    /// The product, for rules.
    pub product: ProductFacts,
    /// What it is made of.
    pub inventory: Vec<Inventory>,
    /// Its prices in the region's currency.
    pub prices: Vec<Candidate>,
}

/// An inventory item of a variant.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Inventory {
    /// How many of it one variant takes.
    pub required_quantity: i64,
    /// Whether it is sent.
    pub requires_shipping: bool,
    /// What there is of it in stock locations of the sales channel.
    pub levels: Vec<Level>,
}

/// What there is of an inventory item in one place.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Level {
    /// The stock location.
    pub location_id: String,
    /// How many are free.
    pub available: Amount,
}

/// A shipping option of the sales channel's stock locations.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct ShippingOption {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// `flat` or `calculated`.
    pub price_type: String,
    /// Which products it is for.
    pub shipping_profile_id: Option<String>,
    /// Its type.
    pub shipping_option_type_id: Option<String>,
    /// The stock location that it leaves.
    pub location_id: Option<String>,
    /// Whether it goes to the cart's address.
    pub is_in_zone: bool,
    /// Conditions.
    pub rules: Vec<StoreRule>,
    /// Its price set.
    pub price_set_id: Option<String>,
    /// Its prices in the region's currency.
    pub prices: Vec<Candidate>,
}

/// A condition of a shipping option.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StoreRule {
    /// What of the context.
    pub attribute: String,
    /// How it is compared.
    pub operator: String,
    /// With what.
    pub value: Value,
}

// === impl Facts ===

impl Facts {
    /// The cart as it was read; an empty one where it is to be made.
    pub fn cart(&self) -> Cart {
        Cart {
            head: self.cart.clone().unwrap_or_default(),
            shipping_address: self.shipping_address.clone(),
            billing_address: self.billing_address.clone(),
            items: self.items.clone(),
            shipping_methods: self.shipping_methods.clone(),
            promotions: self.cart_promotions.clone(),
        }
    }

    /// Groups that the cart's customer is in.
    pub(super) fn groups(&self, cart: &Cart) -> &[String] {
        let whose = cart.head.customer_id.as_deref();
        let mut known = self.customer.iter().chain(&self.namesakes);
        known.find(|customer| Some(customer.id.as_str()) == whose).map_or(&[], |customer| &customer.groups)
    }

    pub(super) fn variant(&self, id: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.id == id)
    }

    pub(super) fn shipping_option(&self, id: &str) -> Option<&ShippingOption> {
        self.shipping_options.iter().find(|option| option.id == id)
    }
}
