//! What operators are shown of the upstreams: in `/status`, and as metrics, which are read off the pools when they are scraped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use serde::Serialize;
use tokio::time::Instant;

use super::Pools;
use super::state::Entry;

/// One upstream at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct UpstreamReport {
    /// Its name.
    pub name: String,
    /// Whether all addresses are unhealthy or ejected, so that all are asked.
    pub panic: bool,
    /// Retries of safe requests at another address.
    pub retries: u64,
    /// Retries for which the budget did not suffice.
    pub retries_refused: u64,
    /// Its addresses; those of names once they are resolved.
    pub addresses: Vec<AddressReport>,
}

/// One address of an upstream.
#[derive(Clone, Debug, Serialize)]
pub struct AddressReport {
    /// Where it is.
    pub address: SocketAddr,
    /// What checks say; true where there are none.
    pub healthy: bool,
    /// How much longer it is ejected, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ejected_for_ms: Option<u64>,
    /// Failures of requests since the last success.
    pub failures: u32,
    /// How often it was ejected.
    pub ejections: u64,
    /// Requests under way.
    pub in_flight: usize,
}

impl AddressReport {
    pub(super) fn of(entry: &Entry, now: Instant) -> Self {
        let ejected = entry.record.ejected_for(now);
        Self {
            address: entry.address,
            healthy: entry.health.is_healthy(),
            ejected_for_ms: ejected.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            failures: entry.record.failures(),
            ejections: entry.ejections,
            in_flight: entry.in_flight.load(Ordering::Relaxed),
        }
    }
}

/// The metrics, made anew at each scrape, so that addresses that are gone leave none behind.
struct PoolMetrics {
    pools: Arc<Pools>,
    described: Families,
}

struct Families {
    healthy: IntGaugeVec,
    ejected: IntGaugeVec,
    in_flight: IntGaugeVec,
    panic: IntGaugeVec,
    ejections: IntCounterVec,
    retries: IntCounterVec,
}

/// Registers the metrics of the upstreams.
pub fn register(registry: &Registry, pools: &Arc<Pools>) -> prometheus::Result<()> {
    registry.register(Box::new(PoolMetrics { pools: pools.clone(), described: Families::new()? }))
}

// === impl Families ===

impl Families {
    fn new() -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let address = ["upstream", "address"];
        Ok(Self {
            healthy: gauge(
                "vitrine_upstream_healthy",
                "1 while the address's checks are good, or it has none.",
                &address,
            )?,
            ejected: gauge(
                "vitrine_upstream_ejected",
                "1 while the address is ejected for failing requests.",
                &address,
            )?,
            in_flight: gauge("vitrine_upstream_requests_in_flight", "Requests under way to the address.", &address)?,
            panic: gauge(
                "vitrine_upstream_panic",
                "1 while every address is unhealthy or ejected, so that all are asked.",
                &["upstream"],
            )?,
            ejections: counter("vitrine_upstream_ejections_total", "Ejections of the address.", &address)?,
            retries: counter(
                "vitrine_upstream_budgeted_retries_total",
                "Retries of safe requests at another address, and those that the budget refused.",
                &["upstream", "result"],
            )?,
        })
    }

    fn collectors(&self) -> [&dyn Collector; 6] {
        [&self.healthy, &self.ejected, &self.in_flight, &self.panic, &self.ejections, &self.retries]
    }

    fn add(&self, report: &UpstreamReport) {
        let name = report.name.as_str();
        self.panic.with_label_values(&[name]).set(i64::from(report.panic));
        self.retries.with_label_values(&[name, "made"]).inc_by(report.retries);
        self.retries.with_label_values(&[name, "refused"]).inc_by(report.retries_refused);
        for address in &report.addresses {
            let text = address.address.to_string();
            let labels = [name, text.as_str()];
            self.healthy.with_label_values(&labels).set(i64::from(address.healthy));
            self.ejected.with_label_values(&labels).set(i64::from(address.ejected_for_ms.is_some()));
            self.in_flight.with_label_values(&labels).set(i64::try_from(address.in_flight).unwrap_or(i64::MAX));
            self.ejections.with_label_values(&labels).inc_by(address.ejections);
        }
    }
}

// === impl PoolMetrics ===

impl Collector for PoolMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.described.collectors().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // What could be described once can be made again.
        let Ok(families) = Families::new() else {
            return Vec::new();
        };
        for report in self.pools.report() {
            families.add(&report);
        }
        families.collectors().into_iter().flat_map(Collector::collect).collect()
    }
}
