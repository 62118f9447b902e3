//! What is counted of requests over their limits. Labels are names of limits, so their number is bounded by the configuration.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Counters of requests over a limit.
#[derive(Clone, Debug)]
pub struct RateMetrics {
    over: IntCounterVec,
    /// The limits that have a counter.
    counted: Arc<Mutex<Vec<Box<str>>>>,
}

/// Refused.
const REFUSED: &str = "refused";
/// Under `dry_run`.
const LET_THROUGH: &str = "let_through";

// === impl RateMetrics ===

impl RateMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let opts = Opts::new(
            "vitrine_rate_limited_total",
            "Requests over a rate limit, by limit: refused, or let through where it is not enforced.",
        );
        let over = IntCounterVec::new(opts, &["limit", "result"])?;
        registry.register(Box::new(over.clone()))?;
        Ok(Self { over, counted: Arc::default() })
    }

    /// The counter of a limit's requests over it.
    pub(super) fn over(&self, limit: &str, dry_run: bool) -> IntCounter {
        self.over.with_label_values(&[limit, if dry_run { LET_THROUGH } else { REFUSED }])
    }

    /// Forgets all limits but these.
    pub(super) fn keep<'l>(&self, limits: impl Iterator<Item = &'l str>) {
        let limits: Vec<Box<str>> = limits.map(Into::into).collect();
        let mut counted = self.counted.lock();
        for gone in counted.iter().filter(|name| !limits.contains(name)) {
            for result in [REFUSED, LET_THROUGH] {
                // An error says that there was none.
                let _ = self.over.remove_label_values(&[gone, result]);
            }
        }
        *counted = limits;
    }
}
