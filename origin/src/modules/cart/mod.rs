//! Module cart: carts with their addresses, line items, shipping methods, taxes, discounts and credits.

mod expiry;
mod lock;
mod save;

pub use expiry::{Sweep, sweep};
pub use lock::{MAX_ID, lock};
pub use save::{Lifetime, save};
