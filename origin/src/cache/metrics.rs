//! How the read cache does.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Counters of the read cache.
#[derive(Debug)]
pub struct CacheMetrics {
    /// Product documents looked up: `local` (in this process), in Redis `hit`, `miss`, or `purged` (there, but no longer true).
    pub lookups: IntCounterVec,
    /// Pages of lists looked up in this process: `hit` or `miss`.
    pub pages: IntCounterVec,
    /// Commands that Redis did not answer in time or refused.
    pub errors: IntCounter,
    /// Documents that were not written since writers were busy.
    pub writes_dropped: IntCounter,
}

// === impl CacheMetrics ===

impl CacheMetrics {
    /// Registers them; fails only where two have one name.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let lookups =
            Opts::new("read_cache_lookups_total", "Product documents looked up in the read cache, by outcome.");
        let pages = Opts::new("read_cache_pages_total", "Pages of product lists looked up in the process, by outcome.");
        let metrics = Self {
            pages: IntCounterVec::new(pages, &["outcome"])?,
            lookups: IntCounterVec::new(lookups, &["outcome"])?,
            errors: IntCounter::new("read_cache_errors_total", "Commands of the read cache that Redis failed.")?,
            writes_dropped: IntCounter::new(
                "read_cache_writes_dropped_total",
                "Documents not written to the read cache since its writers were busy.",
            )?,
        };
        registry.register(Box::new(metrics.lookups.clone()))?;
        registry.register(Box::new(metrics.pages.clone()))?;
        registry.register(Box::new(metrics.errors.clone()))?;
        registry.register(Box::new(metrics.writes_dropped.clone()))?;
        Ok(metrics)
    }
}
