//! What purges count.

use prometheus::{IntCounterVec, Opts, Registry};
use vitrine_shared::feed::Mode;

/// Counters of purges.
#[derive(Clone, Debug)]
pub struct PurgeMetrics(IntCounterVec);

// === impl PurgeMetrics ===

impl PurgeMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let opts = Opts::new(
            "vitrine_purges_total",
            "Things purged at this edge, by where the purge came from and how it acts.",
        );
        let purges = IntCounterVec::new(opts, &["source", "mode"])?;
        registry.register(Box::new(purges.clone()))?;
        Ok(Self(purges))
    }

    pub(super) fn purged(&self, source: &str, mode: Mode, targets: usize) {
        let mode = match mode {
            Mode::Hard => "hard",
            Mode::Soft => "soft",
        };
        self.0.with_label_values(&[source, mode]).inc_by(targets as u64);
    }
}
