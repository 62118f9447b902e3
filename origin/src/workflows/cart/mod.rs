//! What is done to carts.
//!
//! A change costs four round trips whatever the cart holds: `BEGIN` with the row lock, one statement that reads the cart and all
//! that decides on the change, one that writes what is different, and `COMMIT`. A new guest costs one more. A new cart is nobody
//! else's yet: it is read for and written in one statement each, without a transaction. The answer is read after the commit, by one
//! statement.

mod change;
mod create;
mod customer;
mod items;
mod promotions;
mod shipping;
mod update;

pub use create::{NewCart, create};
pub use customer::transfer;
pub use items::{add_item, delete_item, update_item};
pub use promotions::set_promotions;
pub use shipping::{add_shipping_methods, calculate_taxes};
pub use update::{CartPatch, update};

use crate::config::Carts;
use sqlx::PgPool;

/// Where carts are, and how long they stay.
#[derive(Debug, Clone, Copy)]
pub struct Shop<'s> {
    /// Postgres.
    pub pool: &'s PgPool,
    /// How long carts are kept.
    pub config: &'s Carts,
}
