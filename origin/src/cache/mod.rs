//! What the origin keeps of its reads, all of it safe to lose. Purges decide over it exactly as they do at the edges.

mod local;

pub use local::Local;

use crate::query::key::PublishableKey;
use crate::query::market::Market;

/// Publishable keys kept; a shop has one a storefront.
const KEYS: usize = 1_000;
/// Markets kept: a region with a country and a province.
const MARKETS: usize = 1_000;

/// The caches of a process.
#[derive(Debug)]
pub struct Caches {
    /// Publishable keys by token.
    pub keys: Local<PublishableKey>,
    /// Markets by region, country and province.
    pub markets: Local<Market>,
}

// === impl Caches ===

impl Default for Caches {
    fn default() -> Self {
        Self { keys: Local::new(KEYS), markets: Local::new(MARKETS) }
    }
}
