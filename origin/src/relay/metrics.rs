//! Metrics of the relay and of what waits for it.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

/// Upper bounds of the lag buckets, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Metrics of the relay and of what waits for it.
#[derive(Debug)]
pub struct RelayMetrics {
    /// 1 where this process is the relay.
    pub leads: IntGauge,
    /// Rows that wait for a number.
    pub unnumbered: IntGauge,
    /// Members with a lease, by kind.
    pub members: IntGaugeVec,
    /// The largest number of purges that a member with a lease is behind.
    pub member_lag: IntGauge,
    /// Requests of the feed endpoint that are held open.
    pub feed_waiters: IntGauge,
    /// Rounds of publishing that failed.
    pub publish_failures: IntCounter,
    /// Acknowledgements, of writes that waited, for which a lease had to run out.
    pub lapsed: IntCounter,
    numbered_seconds: Histogram,
    published_seconds: Histogram,
    /// From a write's commit to its acknowledgement by all members, for writes that waited.
    pub acknowledged_seconds: Histogram,
}

// === impl RelayMetrics ===

impl RelayMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let histogram = |name: &str, help: &str| {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()))?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        let members =
            IntGaugeVec::new(Opts::new("members", "Members of the feed that hold a lease, by kind."), &["kind"])?;
        registry.register(Box::new(members.clone()))?;
        let publish_failures =
            IntCounter::new("relay_publish_failures_total", "Rounds of publishing to Redis that failed.")?;
        registry.register(Box::new(publish_failures.clone()))?;
        let lapsed = IntCounter::new(
            "acknowledged_lapsed_total",
            "Acknowledgements that waited until a member's lease had run out, of writes that waited.",
        )?;
        registry.register(Box::new(lapsed.clone()))?;
        Ok(Self {
            leads: gauge("relay_leads", "1 where this process is the relay.")?,
            unnumbered: gauge("outbox_unnumbered", "Outbox rows that wait for a number.")?,
            feed_waiters: gauge("feed_waiters", "Requests of the feed endpoint that are held open.")?,
            member_lag: gauge("member_lag", "Most purges that a member with a lease is behind.")?,
            numbered_seconds: histogram("relay_numbered_seconds", "From a row's insertion to its number.")?,
            published_seconds: histogram("relay_published_seconds", "From a row's insertion to the Redis stream.")?,
            acknowledged_seconds: histogram("acknowledged_seconds", "From commit to acknowledgement by all members.")?,
            members,
            publish_failures,
            lapsed,
        })
    }

    /// Counts numbered rows by how long each waited, in seconds.
    pub fn numbered(&self, waited: impl IntoIterator<Item = f64>) {
        waited.into_iter().for_each(|seconds| self.numbered_seconds.observe(seconds.max(0.0)));
    }

    /// Counts published rows by how long each waited, in seconds.
    pub fn published(&self, waited: impl IntoIterator<Item = f64>) {
        waited.into_iter().for_each(|seconds| self.published_seconds.observe(seconds.max(0.0)));
    }
}
