//! Workflows: what the shop does. Each is one Postgres transaction over the modules, with the events of what it changed.

pub mod api_key;
pub mod auth;
pub mod cart;
pub mod category;
pub mod collection;
pub mod customer;
pub mod customer_address;
pub mod customer_group;
pub mod facets;
pub mod file;
pub mod product;
pub mod product_tag;
pub mod product_type;
pub mod user;
pub mod variant;
pub mod work;

pub use work::{Done, Work};
