//! The cart, as promotions see it.

use rust_decimal::Decimal;
use serde_json::Value;

/// A cart.
#[derive(Debug, Clone, Copy)]
pub struct Context<'c> {
    /// Now, in Unix milliseconds.
    pub now: i64,
    /// The cart's currency.
    pub currency_code: &'c str,
    /// Its customer, for budgets by customer.
    pub customer_id: Option<&'c str>,
    /// Its e-mail address, for budgets by address.
    pub email: Option<&'c str>,
    /// The cart as an object without its lines and shipping methods. Rules name what is in it by path: `currency_code`,
    /// `region.id`, `customer.groups.id`, `shipping_address.country_code`, `sales_channel_id`, `subtotal`, `metadata.…`.
    pub attributes: &'c Value,
    /// Its lines.
    pub lines: &'c [Line],
    /// Its shipping methods.
    pub shipping_methods: &'c [ShippingMethod],
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// How many pieces, above zero.
    pub quantity: Decimal,
    /// Price by quantity, without tax and before discounts (`subtotal`).
    pub subtotal: Decimal,
    /// The same with tax (`original_total`).
    pub original_total: Decimal,
    /// Whether it may be discounted.
    pub is_discountable: bool,
    /// The line as an object. Rules name what is in it by path, after `items.`: `product.id`, `product.collection_id`,
    /// `product.categories.id`, `product.tags.id`, `product.type_id`, `variant.id`, `unit_price`, `quantity`, `metadata.…`.
    pub attributes: Value,
}

/// A shipping method of a cart.
#[derive(Debug, Clone, PartialEq)]
pub struct ShippingMethod {
    /// Its id.
    pub id: String,
    /// What it costs without tax and before discounts (`subtotal`).
    pub subtotal: Decimal,
    /// The method as an object. Rules name what is in it by path, after `shipping_methods.`: `shipping_option_id`,
    /// `shipping_option.shipping_option_type_id`, `name`, `amount`.
    pub attributes: Value,
}
