//! What deriving counts.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use crate::encoding::Form;

/// Bounds of the time that one body takes, in seconds.
const SECONDS: [f64; 8] = [0.0005, 0.001, 0.0025, 0.01, 0.025, 0.1, 0.5, 2.5];

/// How deriving a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeriveResult {
    /// It was made.
    Made,
    /// The stored bytes are not of their coding.
    Corrupt,
    /// It is larger than may be kept.
    TooLarge,
}

/// Counters of derived bodies, by the coding that they are brought into.
#[derive(Clone, Debug)]
pub struct RepresentMetrics {
    derived: IntCounterVec,
    bytes: IntCounterVec,
    seconds: HistogramVec,
}

// === impl RepresentMetrics ===

impl RepresentMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            derived: IntCounterVec::new(
                Opts::new("vitrine_derived_bodies_total", "Bodies brought into another form, by coding and result."),
                &["coding", "result"],
            )?,
            bytes: IntCounterVec::new(
                Opts::new("vitrine_derived_bytes_total", "Bytes of bodies read (in) and made (out), by coding."),
                &["coding", "direction"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new(
                    "vitrine_derive_seconds",
                    "Time that bringing a body into another form took, by coding.",
                )
                .buckets(SECONDS.to_vec()),
                &["coding"],
            )?,
        };
        registry.register(Box::new(metrics.derived.clone()))?;
        registry.register(Box::new(metrics.bytes.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        Ok(metrics)
    }

    /// Counts the end of deriving a body of `read` bytes; `made` is the length of what came of it.
    pub fn ended(&self, form: Form, result: DeriveResult, read: u64, made: u64, seconds: f64) {
        let coding = match form {
            Form::Identity => "identity",
            Form::Coded(coding) => coding.token(),
        };
        let result = match result {
            DeriveResult::Made => "made",
            DeriveResult::Corrupt => "corrupt",
            DeriveResult::TooLarge => "too_large",
        };
        self.derived.with_label_values(&[coding, result]).inc();
        self.bytes.with_label_values(&[coding, "in"]).inc_by(read);
        self.bytes.with_label_values(&[coding, "out"]).inc_by(made);
        self.seconds.with_label_values(&[coding]).observe(seconds);
    }
}
