//! What the sequencer counts.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// Counters of a sequencer.
#[derive(Clone, Debug)]
pub struct SequencerMetrics {
    orders: IntCounterVec,
    /// Terms that began.
    pub(super) terms: IntCounter,
    /// Whether the journal takes what is written.
    pub(super) journal_up: IntGauge,
}

/// What an order came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It got a number.
    Numbered,
    /// It had one.
    Repeated,
    /// It got none.
    Failed,
}

// === impl SequencerMetrics ===

impl SequencerMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            orders: IntCounterVec::new(
                Opts::new("vitrine_sequencer_orders_total", "Purges that were ordered of the sequencer, by result."),
                &["result"],
            )?,
            terms: IntCounter::new(
                "vitrine_sequencer_terms_total",
                "Terms that began at the sequencer; each empties all caches.",
            )?,
            journal_up: IntGauge::new(
                "vitrine_sequencer_journal_up",
                "1 while the sequencer's journal takes what is written.",
            )?,
        };
        registry.register(Box::new(metrics.orders.clone()))?;
        registry.register(Box::new(metrics.terms.clone()))?;
        registry.register(Box::new(metrics.journal_up.clone()))?;
        Ok(metrics)
    }

    pub(super) fn order(&self, outcome: Outcome) {
        let label = match outcome {
            Outcome::Numbered => "numbered",
            Outcome::Repeated => "repeated",
            Outcome::Failed => "failed",
        };
        self.orders.with_label_values(&[label]).inc();
    }
}
