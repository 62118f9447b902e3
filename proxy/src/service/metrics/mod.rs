//! What requests count. Labels are rule names and reasons only, so their number is bounded by the configuration.
//!
//! A request is counted by the numbers of its rule and its outcome, not by their names, and by each worker thread in cells of its own.
//! Names come in when the counts are read.

mod cells;
mod rules;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Histogram, HistogramOpts, Registry};

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
        registry.register(Box::new(Requests::new(cells.clone(), names)?))?;
        registry.register(Box::new(Bytes::new(cells)?))?;
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

/// `vitrine_requests_total`.
struct Requests {
    desc: Desc,
    cells: Arc<Cells>,
    names: Arc<Names>,
}

/// `vitrine_response_body_bytes_total`.
struct Bytes {
    desc: Desc,
    cells: Arc<Cells>,
}

// === impl Requests ===

impl Requests {
    fn new(cells: Arc<Cells>, names: Arc<Names>) -> prometheus::Result<Self> {
        let labels = ["rule", "outcome", "reason"].map(str::to_owned).to_vec();
        let help = "Requests, by rule, outcome and reason.".to_owned();
        let desc = Desc::new("vitrine_requests_total".to_owned(), help, labels, HashMap::new())?;
        Ok(Self { desc, cells, names })
    }
}

impl Collector for Requests {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut metrics = Vec::new();
        for (name, id) in self.names.told(Instant::now()) {
            for outcome in Outcome::all() {
                let count = self.cells.requests(id.get(), outcome);
                if count > 0 {
                    let labels = [("outcome", outcome.label()), ("reason", outcome.reason()), ("rule", &*name)];
                    metrics.push(counter(&labels, count));
                }
            }
        }
        vec![family(&self.desc, metrics)]
    }
}

// === impl Bytes ===

impl Bytes {
    fn new(cells: Arc<Cells>) -> prometheus::Result<Self> {
        let help = "Bytes of response bodies sent to clients.".to_owned();
        let desc = Desc::new("vitrine_response_body_bytes_total".to_owned(), help, Vec::new(), HashMap::new())?;
        Ok(Self { desc, cells })
    }
}

impl Collector for Bytes {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        vec![family(&self.desc, vec![counter(&[], self.cells.bytes())])]
    }
}

fn family(desc: &Desc, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(desc.fq_name.clone());
    family.set_help(desc.help.clone());
    family.set_field_type(MetricType::COUNTER);
    family.set_metric(metrics);
    family
}

/// A counter with labels, which are in the order of their names.
fn counter(labels: &[(&str, &str)], count: u64) -> Metric {
    let label = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    let mut counter = Counter::default();
    // Exact below 2^53.
    #[allow(clippy::cast_precision_loss)]
    counter.set_value(count as f64);
    let mut metric = Metric::from_label(labels.iter().map(label).collect());
    metric.set_counter(counter);
    metric
}

#[cfg(test)]
mod tests;
