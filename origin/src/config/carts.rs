//! How carts are kept, and how long.

use serde::Deserialize;

/// Carts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Carts {
    /// For how many days after its last change a cart of nobody who is known is kept.
    pub guest_days: u32,
    /// The same for the cart of a customer.
    pub customer_days: u32,
    /// How often carts that have expired are removed; 0: never.
    pub sweep_s: u64,
    /// Whether a change is answered only when it is on Postgres's disk. Without it a crash of Postgres or its machine may lose changes
    /// of the last moment (`wal_writer_delay` three times, 0.6 s by default), each whole; whatever is committed later and flushed, as
    /// orders are, flushes them too.
    pub flush: bool,
}

impl Default for Carts {
    fn default() -> Self {
        Self { guest_days: 30, customer_days: 180, sweep_s: 60, flush: false }
    }
}
