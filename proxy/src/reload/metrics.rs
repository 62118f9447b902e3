//! What reloads count, and what is in force.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry};

use super::reloader::Outcome;

/// The counter and gauges.
#[derive(Clone, Debug)]
pub struct ReloadMetrics {
    reloads: IntCounterVec,
    generation: IntGauge,
    last_ok: IntGauge,
}

impl ReloadMetrics {
    /// Registers them, as they stand after a good start.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let reloads = Opts::new("vitrine_config_reloads_total", "Reloads of the configuration, by result.");
        let metrics = Self {
            reloads: IntCounterVec::new(reloads, &["result"])?,
            generation: IntGauge::new("vitrine_config_generation", "Configurations in force since the start.")?,
            last_ok: IntGauge::new("vitrine_config_last_reload_ok", "0 while the file on the disk was refused.")?,
        };
        registry.register(Box::new(metrics.reloads.clone()))?;
        registry.register(Box::new(metrics.generation.clone()))?;
        registry.register(Box::new(metrics.last_ok.clone()))?;
        for result in Outcome::RESULTS {
            metrics.reloads.with_label_values(&[result]);
        }
        metrics.generation.set(1);
        metrics.last_ok.set(1);
        Ok(metrics)
    }

    /// Counts one reload.
    pub(super) fn reloaded(&self, outcome: &Outcome, generation: u64) {
        self.reloads.with_label_values(&[outcome.result()]).inc();
        self.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.last_ok.set(i64::from(!matches!(outcome, Outcome::Bad(_))));
    }
}
