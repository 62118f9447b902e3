//! Modules: one per domain, owning its tables. What spans modules is a workflow.
//!
//! Functions here run on the connection of the caller's transaction, and say why a write is refused by [`WriteError`].

pub mod api_key;
pub mod auth;
pub mod cart;
pub mod category;
pub mod collection;
pub mod customer;
pub mod error;
pub mod handle;
pub mod inventory;
pub mod metadata;
pub mod patch;
pub mod price_list;
pub mod price_preference;
pub mod pricing;
pub mod product;
pub mod product_tag;
pub mod product_type;
pub mod promotion;
pub mod region;
pub mod row;
pub mod sales_channel;
pub mod shipping;
pub mod shipping_profile;
pub mod stock;
pub mod stock_location;
pub mod store;
pub mod tax;
pub mod user;

pub use error::WriteError;
pub use patch::Patch;
