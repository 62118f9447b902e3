//! Gauges that are read off the engine when the metrics are scraped.

use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

use super::status::StatusReport;
use crate::store::Kind;

/// The gauges.
#[derive(Clone, Debug)]
pub struct Gauges {
    connected: IntGauge,
    lease_left_ms: IntGauge,
    stream_up: IntGauge,
    endpoint_up: IntGauge,
    applied: IntGauge,
    lag: IntGauge,
    tags: IntGauge,
    entries: IntGauge,
    objects: IntGauge,
    bytes: IntGaugeVec,
    capacity: IntGauge,
    fills: IntGauge,
    waiting: IntGauge,
}

impl Gauges {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let bytes = IntGaugeVec::new(
            Opts::new("vitrine_store_bytes", "Bytes in use by the memory store, by what they are used for."),
            &["kind"],
        )?;
        registry.register(Box::new(bytes.clone()))?;
        Ok(Self {
            bytes,
            connected: gauge("vitrine_connected", "1 while this edge may serve from its cache without asking.")?,
            lease_left_ms: gauge("vitrine_lease_left_milliseconds", "How much of the lease is left.")?,
            stream_up: gauge("vitrine_feed_stream_up", "1 while the Redis Stream is read, or none is configured.")?,
            endpoint_up: gauge(
                "vitrine_feed_endpoint_up",
                "1 while the origin's feed endpoint answered when it was last asked, or none is configured.",
            )?,
            applied: gauge("vitrine_feed_applied_seq", "Number of the last purge that was applied.")?,
            lag: gauge("vitrine_feed_lag", "Numbered purges that are known to exist and not applied.")?,
            tags: gauge("vitrine_tag_table_tags", "Tags in the tag table.")?,
            entries: gauge("vitrine_store_entries", "Entries in the memory store.")?,
            objects: gauge("vitrine_store_objects", "Objects in the memory store.")?,
            capacity: gauge("vitrine_store_capacity_bytes", "Most bytes that the memory store may use.")?,
            fills: gauge("vitrine_fills_running", "Fills under way that may be joined.")?,
            waiting: gauge("vitrine_requests_waiting", "Requests that wait for the head of a fill's response.")?,
        })
    }

    /// Sets them; `has_stream` where a Redis is configured.
    pub fn set(&self, report: &StatusReport, has_stream: bool) {
        let newest = report.feed.map_or(report.applied, |feed| feed.newest);
        self.connected.set(i64::from(report.connected));
        self.lease_left_ms.set(clamp(report.lease_left_ms.unwrap_or(0)));
        self.stream_up.set(i64::from(!has_stream || report.feed.is_none_or(|feed| feed.stream_up)));
        self.endpoint_up.set(i64::from(report.feed.is_none_or(|feed| feed.endpoint_up)));
        self.applied.set(clamp(report.applied.seq));
        self.lag.set(clamp(newest.seq.saturating_sub(report.applied.seq)));
        self.tags.set(clamp(report.tags as u64));
        self.entries.set(clamp(report.store.entries as u64));
        self.objects.set(clamp(report.store.objects as u64));
        let by = report.store.bytes_by;
        for (kind, bytes) in [
            (Kind::Objects, by.objects),
            (Kind::Bodies, by.bodies),
            (Kind::Derived, by.derived),
            (Kind::Fills, by.fills),
            (Kind::Index, by.index),
            (Kind::Process, by.process),
        ] {
            self.bytes.with_label_values(&[kind.label()]).set(clamp(bytes));
        }
        self.capacity.set(clamp(report.store.capacity));
        self.fills.set(clamp(report.fills.running as u64));
        self.waiting.set(clamp(report.fills.waiting as u64));
    }
}

fn clamp(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
