//! What the origin keeps of its reads, all of it safe to lose. Purges decide over it exactly as they do at the edges.

mod document;
mod local;
mod metrics;
pub mod products;
mod store;

pub use local::Local;
pub use metrics::CacheMetrics;
pub use products::ProductCache;

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
    /// Product documents in Redis.
    pub products: ProductCache,
}

// === impl Caches ===

impl Default for Caches {
    fn default() -> Self {
        Self { keys: Local::new(KEYS), markets: Local::new(MARKETS), products: ProductCache::default() }
    }
}
