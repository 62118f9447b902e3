//! What fills count.

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// Bounds of the upstream's time to the response's head, in seconds.
const HEAD_SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// How a fill ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillResult {
    /// Its object was stored.
    Stored,
    /// A 304 gave a stored object a new stamp and freshness.
    Freshened,
    /// It was found on the disk.
    Recalled,
    /// It was complete, but a purge had overtaken it, or a newer object is stored.
    Overtaken,
    /// It was complete and not to be stored.
    NotStored,
    /// It had outgrown the largest object or the budget of running fills.
    Outgrown,
    /// The upstream failed before the head, or while the body came.
    Failed,
    /// It was not asked for, since too many wait already.
    Refused,
    /// Everybody who wanted its response, which was not to be stored, had left.
    Abandoned,
}

/// Counters of fills.
#[derive(Clone, Debug)]
pub struct FillMetrics {
    fills: IntCounterVec,
    head_seconds: HistogramVec,
    retries: IntCounterVec,
}

// === impl FillResult ===

impl FillResult {
    const fn label(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Freshened => "freshened",
            Self::Recalled => "recalled",
            Self::Overtaken => "overtaken",
            Self::NotStored => "not_stored",
            Self::Outgrown => "outgrown",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Abandoned => "abandoned",
        }
    }
}

// === impl FillMetrics ===

impl FillMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            fills: IntCounterVec::new(
                Opts::new("vitrine_fills_total", "Fills that have ended, by upstream and result."),
                &["upstream", "result"],
            )?,
            head_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "vitrine_upstream_head_seconds",
                    "Time from asking an upstream to the head of its response, of fills.",
                )
                .buckets(HEAD_SECONDS.to_vec()),
                &["upstream"],
            )?,
            retries: IntCounterVec::new(
                Opts::new(
                    "vitrine_upstream_retries_total",
                    "Requests repeated because a pooled connection was closed.",
                ),
                &["upstream"],
            )?,
        };
        registry.register(Box::new(metrics.fills.clone()))?;
        registry.register(Box::new(metrics.head_seconds.clone()))?;
        registry.register(Box::new(metrics.retries.clone()))?;
        Ok(metrics)
    }

    /// Counts the end of a fill.
    pub fn ended(&self, upstream: &str, result: FillResult) {
        self.fills.with_label_values(&[upstream, result.label()]).inc();
    }

    /// Where the time to an upstream's head goes.
    pub fn head_seconds(&self, upstream: &str) -> Histogram {
        self.head_seconds.with_label_values(&[upstream])
    }

    /// Counts a repeated request.
    pub fn retried(&self, upstream: &str) {
        self.retries.with_label_values(&[upstream]).inc();
    }
}
