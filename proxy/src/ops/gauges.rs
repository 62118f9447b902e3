//! Gauges that are read off the engine when the metrics are scraped.

use prometheus::{IntGauge, Registry};

use super::status::StatusReport;

/// The gauges.
#[derive(Clone, Debug)]
pub struct Gauges {
    connected: IntGauge,
    lease_left_ms: IntGauge,
    applied: IntGauge,
    lag: IntGauge,
    tags: IntGauge,
    entries: IntGauge,
    bytes: IntGauge,
    capacity: IntGauge,
    fills: IntGauge,
    waiting: IntGauge,
    fill_bytes: IntGauge,
}

impl Gauges {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Self {
            connected: gauge("vitrine_connected", "1 while this edge may serve from its cache without asking.")?,
            lease_left_ms: gauge("vitrine_lease_left_milliseconds", "How much of the lease is left.")?,
            applied: gauge("vitrine_feed_applied_seq", "Number of the last purge that was applied.")?,
            lag: gauge("vitrine_feed_lag", "Numbered purges that are known to exist and not applied.")?,
            tags: gauge("vitrine_tag_table_tags", "Tags in the tag table.")?,
            entries: gauge("vitrine_store_entries", "Entries in the memory store.")?,
            bytes: gauge("vitrine_store_bytes", "Bytes in use by the memory store.")?,
            capacity: gauge("vitrine_store_capacity_bytes", "Most bytes that the memory store may use.")?,
            fills: gauge("vitrine_fills_running", "Fills under way that may be joined.")?,
            waiting: gauge("vitrine_requests_waiting", "Requests that wait for the head of a fill's response.")?,
            fill_bytes: gauge("vitrine_fills_bytes", "Bytes of body that running fills keep.")?,
        })
    }

    /// Sets them.
    pub fn set(&self, report: &StatusReport) {
        let newest = report.feed.map_or(report.applied, |feed| feed.newest);
        self.connected.set(i64::from(report.connected));
        self.lease_left_ms.set(clamp(report.lease_left_ms.unwrap_or(0)));
        self.applied.set(clamp(report.applied.seq));
        self.lag.set(clamp(newest.seq.saturating_sub(report.applied.seq)));
        self.tags.set(clamp(report.tags as u64));
        self.entries.set(clamp(report.store.entries as u64));
        self.bytes.set(clamp(report.store.bytes));
        self.capacity.set(clamp(report.store.capacity));
        self.fills.set(clamp(report.fills.running as u64));
        self.waiting.set(clamp(report.fills.waiting as u64));
        self.fill_bytes.set(clamp(report.fills.bytes));
    }
}

fn clamp(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
