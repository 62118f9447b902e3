//! What requests count. Labels are rule names and reasons only, so their number is bounded by the configuration.
//!
//! A request is counted by the numbers of its rule and its outcome, not by their names, and by each worker thread in cells of its own.
//! Names come in when the counts are read.

mod cells;
mod rules;

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::{Histogram, HistogramOpts, Registry};

use crate::metrics::Pulled;
use crate::reason::Outcome;
use crate::rules::RuleSet;
use cells::Cells;
use rules::Names;
pub use rules::{RuleId, RuleIds};

/// Bounds of the time from the request's head to the response's end, in seconds.
const REQUEST_SECONDS: [f64; 13] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];
/// The same of hits that take microseconds.
const FAST_HIT_SECONDS: [f64; 12] =
    [0.000_002, 0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.0001, 0.00025, 0.0005, 0.001, 0.01, 0.1, 1.0];

/// Counters of requests.
#[derive(Clone, Debug)]
pub struct RequestMetrics {
    cells: Arc<Cells>,
    names: Arc<Names>,
    seconds: Histogram,
    fast_seconds: Histogram,
}

// === impl RequestMetrics ===

impl RequestMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let histogram = |name: &str, help: &str, bounds: &[f64]| {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(bounds.to_vec()))?;
            registry.register(Box::new(histogram.clone())).map(|()| histogram)
        };
        let cells = Arc::new(Cells::new());
        let names = Arc::new(Names::new(cells.clone()));
        let metrics = Self {
            seconds: histogram(
                "vitrine_request_seconds",
                "Time from a request's head to the end of its response; without fast hits, see vitrine_fast_hit_seconds.",
                &REQUEST_SECONDS,
            )?,
            fast_seconds: histogram(
                "vitrine_fast_hit_seconds",
                "Time from a request's head to the end of its response, of one in 64 of those that were answered at once from memory.",
                &FAST_HIT_SECONDS,
            )?,
            cells: cells.clone(),
            names: names.clone(),
        };
        let counted = cells.clone();
        registry.register(Box::new(Pulled::counters(
            "vitrine_requests_total",
            "Requests, by rule, outcome and reason.",
            &["outcome", "reason", "rule"],
            move || requests(&counted, &names),
        )?))?;
        registry.register(Box::new(Pulled::counter(
            "vitrine_response_body_bytes_total",
            "Bytes of response bodies sent to clients.",
            move || cells.bytes(),
        )?))?;
        Ok(metrics)
    }

    /// The numbers of the rules that come into force. They keep their names' counts for as long as it is kept.
    pub fn rules(&self, rules: &RuleSet) -> RuleIds {
        RuleIds::of(rules, self.names.clone(), Instant::now())
    }

    /// Counts one request at its end.
    pub fn ended(&self, rule: RuleId, outcome: Outcome, took: Duration, body_bytes: u64) {
        self.cells.count(rule.get(), outcome, body_bytes);
        self.seconds.observe(took.as_secs_f64());
    }

    /// The moment at which a request begins that is answered at once, where it is one of those that are timed: others read no clock.
    pub fn begin_fast(&self, worker: usize) -> Option<Instant> {
        self.cells.is_timed(worker).then(Instant::now)
    }

    /// Counts, at its end, one request that was answered at once by a worker thread; `begun` is what [`RequestMetrics::begin_fast`]
    /// gave.
    ///
    /// A number of a worker belongs to one thread: two that count under the same number lose counts to each other.
    pub fn ended_fast(&self, worker: usize, rule: RuleId, outcome: Outcome, body_bytes: u64, begun: Option<Instant>) {
        self.cells.count_alone(worker, rule.get(), outcome, body_bytes);
        if let Some(begun) = begun {
            self.fast_seconds.observe(begun.elapsed().as_secs_f64());
        }
    }
}

/// What has counted, with outcome, reason and rule.
fn requests(cells: &Cells, names: &Names) -> Vec<(Vec<String>, u64)> {
    let of_rule = |(name, id): (Arc<str>, RuleId)| {
        Outcome::all().filter_map(move |outcome| {
            let count = cells.requests(id.get(), outcome);
            let labels = [outcome.label(), outcome.reason(), &*name].map(str::to_owned).to_vec();
            (count > 0).then_some((labels, count))
        })
    };
    names.told(Instant::now()).into_iter().flat_map(of_rule).collect()
}

#[cfg(test)]
mod tests;
