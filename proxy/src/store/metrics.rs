//! What the store counts; its size is read when the metrics are scraped.

use prometheus::{IntCounter, Registry};

/// Counters of the store.
#[derive(Clone, Debug)]
pub struct StoreMetrics {
    /// Entries that had to make room, or found none.
    pub evictions: IntCounter,
}

impl StoreMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let evictions = IntCounter::new("vitrine_store_evictions_total", "Entries that had to make room for others.")?;
        registry.register(Box::new(evictions.clone()))?;
        Ok(Self { evictions })
    }
}
