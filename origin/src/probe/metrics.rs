//! What the probe finds.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};

/// Upper bounds of the buckets, in seconds.
const SECONDS: [f64; 10] = [0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0];
/// How a round may end.
const RESULTS: [&str; 3] = ["acknowledged", "pending", "failed"];
/// Who may have answered a read.
const FOUND: [&str; 3] = ["hit", "miss", "unknown"];
/// Why an edge could not be judged.
const KINDS: [&str; 4] = ["unreachable", "status", "form", "lost_history"];

/// What the probe finds.
#[derive(Debug)]
pub struct ProbeMetrics {
    edges: IntGauge,
    last_round: IntGauge,
    rounds: IntCounterVec,
    reads: IntCounterVec,
    stale: IntCounterVec,
    errors: IntCounterVec,
    /// From the canary's commit to its acknowledgement.
    pub acknowledged_seconds: Histogram,
}

// === impl ProbeMetrics ===

impl ProbeMetrics {
    /// Registers them; fails only where two have one name.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let seconds =
            HistogramOpts::new("probe_acknowledged_seconds", "From the canary's commit to its acknowledgement.");
        let acknowledged_seconds = Histogram::with_opts(seconds.buckets(SECONDS.to_vec()))?;
        registry.register(Box::new(acknowledged_seconds.clone()))?;
        Ok(Self {
            edges: gauge("probe_edges", "Edges that the probe is to read through.")?,
            last_round: gauge(
                "probe_last_round_seconds",
                "When this process last probed, in Unix seconds; 0 for never.",
            )?,
            rounds: counters("probe_rounds_total", "Rounds of the probe, by how its write ended.", &["result"])?,
            reads: counters(
                "probe_reads_total",
                "Reads of the canary, by edge and whether a cache answered.",
                &["edge", "cache"],
            )?,
            stale: counters(
                "stale_after_ack_total",
                "Reads that showed what an acknowledged write had replaced: the promise is broken.",
                &["edge"],
            )?,
            errors: counters("probe_errors_total", "Edges that could not be judged, by why.", &["edge", "kind"])?,
            acknowledged_seconds,
        })
    }

    /// Shows all that may be counted of these edges, so that a first count is seen as a rise.
    pub(super) fn begin(&self, edges: &[String]) {
        self.edges.set(i64::try_from(edges.len()).unwrap_or(i64::MAX));
        for result in RESULTS {
            self.rounds.with_label_values(&[result]);
        }
        for edge in edges {
            self.stale.with_label_values(&[edge.as_str()]);
            for found in FOUND {
                self.reads.with_label_values(&[edge.as_str(), found]);
            }
            for kind in KINDS {
                self.errors.with_label_values(&[edge.as_str(), kind]);
            }
        }
    }

    pub(super) fn ended(&self, result: &str, unix_seconds: u64) {
        self.rounds.with_label_values(&[result]).inc();
        self.last_round.set(i64::try_from(unix_seconds).unwrap_or(i64::MAX));
    }

    pub(super) fn read(&self, edge: &str, found: &str) {
        self.reads.with_label_values(&[edge, found]).inc();
    }

    pub(super) fn stale(&self, edge: &str) {
        self.stale.with_label_values(&[edge]).inc();
    }

    pub(super) fn failed(&self, edge: &str, kind: &str) {
        self.errors.with_label_values(&[edge, kind]).inc();
    }
}
