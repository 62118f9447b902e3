//! What the store counts; its size is read when the metrics are scraped.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Counters of the store.
#[derive(Clone, Debug)]
pub struct StoreMetrics {
    /// Entries that had to make room and had not been used again.
    pub evicted_unused: IntCounter,
    /// Entries that had to make room and had been used again at some time, or were among the first.
    pub evicted_aged: IntCounter,
    /// Variants that had to go since there were too many of their URL.
    pub evicted_variants: IntCounter,
    /// Entries that were not stored: too large.
    pub refused: IntCounter,
    /// Fills whose bodies were not kept: there was no room for them.
    pub refused_fills: IntCounter,
    /// Entries that came back soon after they had made room.
    pub ghost_hits: IntCounter,
}

impl StoreMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let evictions = IntCounterVec::new(
            Opts::new("vitrine_store_evictions_total", "Entries that had to make room for others, by reason."),
            &["reason"],
        )?;
        let refusals = IntCounterVec::new(
            Opts::new("vitrine_store_refusals_total", "What was not kept, by reason."),
            &["reason"],
        )?;
        let ghost_hits =
            IntCounter::new("vitrine_store_ghost_hits_total", "Entries that came back soon after they had made room.")?;
        registry.register(Box::new(evictions.clone()))?;
        registry.register(Box::new(refusals.clone()))?;
        registry.register(Box::new(ghost_hits.clone()))?;
        Ok(Self {
            evicted_unused: evictions.with_label_values(&["unused"]),
            evicted_aged: evictions.with_label_values(&["aged"]),
            evicted_variants: evictions.with_label_values(&["variants"]),
            refused: refusals.with_label_values(&["too_large"]),
            refused_fills: refusals.with_label_values(&["no_room_for_fill"]),
            ghost_hits,
        })
    }
}
