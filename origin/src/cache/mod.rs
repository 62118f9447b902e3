//! What the origin keeps of its reads, all of it safe to lose. Purges decide over it exactly as they do at the edges.

mod document;
mod local;
mod metrics;
mod pages;
pub mod products;
mod rendered;
mod store;

pub use local::Local;
pub use metrics::CacheMetrics;
pub use pages::PageCache;
pub use products::ProductCache;
pub use rendered::RenderedCache;

use crate::config;
use crate::query::key::PublishableKey;
use crate::query::market::Market;

/// Publishable keys kept; a shop has one a storefront.
const KEYS: usize = 1_000;
/// Markets kept: a region with a country and a province.
const MARKETS: usize = 1_000;

/// Pages take one part in so many of the memory, documents the rest.
const PAGES_SHARE: u64 = 8;

/// The caches of a process.
#[derive(Debug)]
pub struct Caches {
    /// Publishable keys by token.
    pub keys: Local<PublishableKey>,
    /// Markets by region, country and province.
    pub markets: Local<Market>,
    /// Which products pages have.
    pub pages: PageCache,
    /// Product documents as they are shown.
    pub rendered: RenderedCache,
    /// Product documents in Redis.
    pub products: ProductCache,
}

// === impl Caches ===

impl Caches {
    /// Empty ones.
    pub fn new(config: &config::Cache) -> Self {
        let bytes = config.local_mib.saturating_mul(1 << 20);
        Self {
            keys: Local::new(KEYS),
            markets: Local::new(MARKETS),
            pages: PageCache::new(bytes / PAGES_SHARE),
            rendered: RenderedCache::new(bytes - bytes / PAGES_SHARE),
            products: ProductCache::default(),
        }
    }
}
