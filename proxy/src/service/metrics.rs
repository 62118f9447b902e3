//! What requests count. Labels are rule names and reasons only, so their number is bounded by the configuration.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};
use std::time::Duration;

use crate::reason::Outcome;

/// Bounds of the time from the request's head to the response's end, in seconds.
const REQUEST_SECONDS: [f64; 13] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// Counters of requests.
#[derive(Clone, Debug)]
pub struct RequestMetrics {
    requests: IntCounterVec,
    seconds: Histogram,
    bytes: IntCounter,
}

// === impl RequestMetrics ===

impl RequestMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let metrics = Self {
            requests: IntCounterVec::new(
                Opts::new("vitrine_requests_total", "Requests, by rule, outcome and reason."),
                &["rule", "outcome", "reason"],
            )?,
            seconds: Histogram::with_opts(
                HistogramOpts::new("vitrine_request_seconds", "Time from a request's head to the end of its response.")
                    .buckets(REQUEST_SECONDS.to_vec()),
            )?,
            bytes: IntCounter::new("vitrine_response_body_bytes_total", "Bytes of response bodies sent to clients.")?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.bytes.clone()))?;
        Ok(metrics)
    }

    /// Counts one request at its end.
    pub fn ended(&self, rule: &str, outcome: Outcome, took: Duration, body_bytes: u64) {
        self.requests.with_label_values(&[rule, outcome.label(), outcome.reason()]).inc();
        self.seconds.observe(took.as_secs_f64());
        self.bytes.inc_by(body_bytes);
    }
}
