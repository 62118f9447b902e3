//! The cart: what each call does to it. Pure; [`crate::query::cart`] reads what is looked at here, [`crate::modules::cart`] writes what comes
//! of it, and [`crate::workflows::cart`] holds both together under the cart's row lock.
//!
//! A call reads [`Facts`] in one statement, changes the [`Cart`] in memory, has it [`refresh`]ed (prices, shipping methods, taxes,
//! promotions, in this order: `core-flows/dist/cart/workflows/refresh-cart-items.js`), and writes what is different from before
//! ([`changes::between`]). What a refresh works out depends on the cart alone, and not on the calls that led to it.

mod addresses;
pub mod changes;
mod customer;
mod error;
mod facts;
mod items;
mod price;
mod promotions;
mod record;
mod refresh;
mod region;
mod shipping;
mod stock;
mod taxes;
#[cfg(test)]
mod tests;

pub use addresses::{AddressFields, GivenAddress, TEXTS, set_address};
pub use customer::{Whose, whose};
pub use error::CartError;
pub use facts::{Customer, Facts, Inventory, Level, Region, SalesChannel, ShippingOption, StoreRule, Variant};
pub use items::{NewItem, add, remove, update};
pub use price::calculated;
pub use promotions::Codes;
pub use record::{Address, Adjustment, Cart, Head, Item, Method, ProductFacts, Reference, TaxLine};
pub use refresh::{Prices, Refresh, Taxes, refresh};
pub use region::{check_country, enter};
pub use shipping::{GivenMethod, add_methods, is_offered, lacks_stock};
