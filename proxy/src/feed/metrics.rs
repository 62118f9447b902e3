//! What the feed counts.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Counters of the feed; gauges of its position are set when the metrics are scraped.
#[derive(Clone, Debug)]
pub struct FeedMetrics {
    /// Purges applied, by the way they came.
    pub purges: IntCounterVec,
    /// Batches that could not be applied where this edge stood, by the way they came.
    pub gaps: IntCounterVec,
    /// Positions taken without their history: each empties the cache.
    pub positions_taken: IntCounter,
    /// Renewals of the lease, by result.
    pub renewals: IntCounterVec,
}

impl FeedMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            purges: IntCounterVec::new(
                Opts::new("vitrine_feed_purges_total", "Purges applied, by the way they came."),
                &["source"],
            )?,
            gaps: IntCounterVec::new(
                Opts::new("vitrine_feed_gaps_total", "Batches that did not follow what was applied."),
                &["source"],
            )?,
            positions_taken: IntCounter::new(
                "vitrine_feed_positions_taken_total",
                "Positions taken without their history; each empties the cache.",
            )?,
            renewals: IntCounterVec::new(
                Opts::new("vitrine_feed_renewals_total", "Renewals of the lease, by result."),
                &["result"],
            )?,
        };
        // What has not happened yet is told as such: a first time is then seen as a rise.
        for source in ["stream", "endpoint"] {
            metrics.purges.with_label_values(&[source]);
            metrics.gaps.with_label_values(&[source]);
        }
        registry.register(Box::new(metrics.purges.clone()))?;
        registry.register(Box::new(metrics.gaps.clone()))?;
        registry.register(Box::new(metrics.positions_taken.clone()))?;
        registry.register(Box::new(metrics.renewals.clone()))?;
        Ok(metrics)
    }
}
