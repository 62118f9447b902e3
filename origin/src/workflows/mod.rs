//! Workflows: what the shop does. Each is one Postgres transaction over the modules, with the events of what it changed.

pub mod api_key;
pub mod auth;
pub mod campaign;
pub mod cart;
pub mod category;
pub mod collection;
pub mod customer;
pub mod customer_address;
pub mod customer_group;
pub mod facets;
pub mod file;
pub mod price_list;
pub mod price_preference;
pub mod product;
pub mod product_tag;
pub mod product_type;
pub mod promotion;
pub mod region;
pub mod shipping;
pub mod stock;
pub mod stock_location;
pub mod store;
pub mod tax;
pub mod user;
pub mod variant;
pub mod work;

pub use work::{Done, Work};
