//! A cart as its tables hold it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::pricing::Amount;

/// A cart with all that belongs to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cart {
    /// Its own row.
    pub head: Head,
    /// Where it is sent to.
    pub shipping_address: Option<Address>,
    /// Whom the bill is for.
    pub billing_address: Option<Address>,
    /// Line items, in the order in which they were added.
    pub items: Vec<Item>,
    /// Shipping methods, in the order in which they were added.
    pub shipping_methods: Vec<Method>,
    /// Ids of the promotions that take something off, in order.
    pub promotions: Vec<String>,
}

/// The row of a cart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Its id, `cart_…`.
    pub id: String,
    /// The region.
    pub region_id: Option<String>,
    /// Whose it is.
    pub customer_id: Option<String>,
    /// Where it is sold.
    pub sales_channel_id: Option<String>,
    /// The customer's e-mail address.
    pub email: Option<String>,
    /// The region's currency.
    pub currency_code: String,
    /// The customer's language.
    pub locale: Option<String>,
    /// Its shipping address.
    pub shipping_address_id: Option<String>,
    /// Its billing address.
    pub billing_address_id: Option<String>,
    /// The storefront's own.
    pub metadata: Option<Map<String, Value>>,
    /// Whether it became an order.
    #[serde(default, skip_serializing)]
    pub is_completed: bool,
}

/// An address of a cart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Address {
    /// Its id, `caaddr_…`.
    pub id: String,
    /// The company.
    pub company: Option<String>,
    /// The given name.
    pub first_name: Option<String>,
    /// The family name.
    pub last_name: Option<String>,
    /// The street.
    pub address_1: Option<String>,
    /// The rest of the street.
    pub address_2: Option<String>,
    /// The town.
    pub city: Option<String>,
    /// Two letters.
    pub country_code: Option<String>,
    /// The province or state.
    pub province: Option<String>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
    /// The storefront's own.
    pub metadata: Option<Map<String, Value>>,
}

/// A line item: what its variant was when it was added, and how many pieces of it at which price.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its id, `cali_…`.
    pub id: String,
    /// The product's title.
    pub title: String,
    /// The variant's title.
    pub subtitle: Option<String>,
    /// A picture.
    pub thumbnail: Option<String>,
    /// How many pieces; above zero.
    pub quantity: i32,
    /// The variant.
    pub variant_id: Option<String>,
    /// The product.
    pub product_id: Option<String>,
    /// Its title.
    pub product_title: Option<String>,
    /// Its description.
    pub product_description: Option<String>,
    /// Its subtitle.
    pub product_subtitle: Option<String>,
    /// Its type's value.
    pub product_type: Option<String>,
    /// Its type.
    pub product_type_id: Option<String>,
    /// Its collection's title.
    pub product_collection: Option<String>,
    /// Its handle.
    pub product_handle: Option<String>,
    /// The variant's SKU.
    pub variant_sku: Option<String>,
    /// The variant's barcode.
    pub variant_barcode: Option<String>,
    /// The variant's title.
    pub variant_title: Option<String>,
    /// Whether it is sent.
    pub requires_shipping: bool,
    /// Whether promotions may take something off.
    pub is_discountable: bool,
    /// Whether it is a gift card, which is not taxed.
    pub is_giftcard: bool,
    /// Whether its price includes tax.
    pub is_tax_inclusive: bool,
    /// Whether somebody set its price by hand.
    pub is_custom_price: bool,
    /// The price without sale, where there is one.
    pub compare_at_unit_price: Option<Amount>,
    /// What one piece costs.
    pub unit_price: Amount,
    /// The storefront's own.
    pub metadata: Option<Map<String, Value>>,
    /// Its taxes.
    #[serde(skip_serializing)]
    pub tax_lines: Vec<TaxLine>,
    /// Its discounts.
    #[serde(skip_serializing)]
    pub adjustments: Vec<Adjustment>,
    /// The product as it is now, for the rules of promotions.
    #[serde(skip_serializing)]
    pub product: Option<ProductFacts>,
}

/// What rules of promotions look at of a product.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ProductFacts {
    /// Its id.
    pub id: String,
    /// Its collection.
    pub collection_id: Option<String>,
    /// Its type.
    pub type_id: Option<String>,
    /// Its categories.
    pub categories: Vec<Reference>,
    /// Its tags.
    pub tags: Vec<Reference>,
    /// How it is sent.
    pub shipping_profile_id: Option<String>,
}

/// Something by its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The id.
    pub id: String,
}

/// A shipping method: a shipping option that was chosen, at its price.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// Its id, `casm_…`.
    pub id: String,
    /// The option's name.
    pub name: String,
    /// What it costs.
    pub amount: Amount,
    /// Whether that includes tax.
    pub is_tax_inclusive: bool,
    /// The option.
    pub shipping_option_id: Option<String>,
    /// What its provider wants to know.
    pub data: Option<Map<String, Value>>,
    /// Its taxes.
    #[serde(skip_serializing)]
    pub tax_lines: Vec<TaxLine>,
    /// Its discounts.
    #[serde(skip_serializing)]
    pub adjustments: Vec<Adjustment>,
}

/// A tax of a line item or shipping method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaxLine {
    /// Its id.
    pub id: String,
    /// The rate's name.
    pub description: Option<String>,
    /// The rate.
    pub tax_rate_id: Option<String>,
    /// The rate's code.
    pub code: String,
    /// Per cent.
    pub rate: Amount,
    /// Who worked it out.
    pub provider_id: Option<String>,
}

/// A discount of a line item or shipping method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Its id.
    pub id: String,
    /// The promotion's code.
    pub code: Option<String>,
    /// The promotion.
    pub promotion_id: Option<String>,
    /// How much.
    pub amount: Amount,
    /// Whether that includes tax.
    #[serde(default)]
    pub is_tax_inclusive: bool,
}
