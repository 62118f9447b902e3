//! What the disk tier counts; its gauges are set when the metrics are scraped.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::tier::{DiskReport, Stage};

/// Counters of the disk tier.
#[derive(Clone, Debug)]
pub struct DiskMetrics {
    /// Looks for an object that memory does not hold, by result.
    reads: IntCounterVec,
    /// Objects written.
    pub(super) written: IntCounter,
    /// Bytes written for them.
    pub(super) written_bytes: IntCounter,
    /// Objects that were to be written and were not, by reason.
    drops: IntCounterVec,
    /// What the disk refused, by what was asked.
    errors: IntCounterVec,
    /// Bytes of segments that made room.
    pub(super) reclaimed_bytes: IntCounter,
    /// Objects of those that were kept, since they had been asked for.
    pub(super) rewritten: IntCounter,
    /// Records that the end of an earlier process cut off, found at the start.
    pub(super) torn: IntCounter,
    /// Purges that were answered, or passed on, without being written down.
    pub(super) unsettled: IntCounter,
    gauges: Gauges,
}

#[derive(Clone, Debug)]
struct Gauges {
    is_up: IntGauge,
    objects: IntGauge,
    bytes: IntGauge,
    capacity: IntGauge,
    queue: IntGauge,
}

/// How a look ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadResult {
    /// It was there.
    Hit,
    /// Nothing is there.
    Miss,
    /// It was torn or changed.
    Broken,
    /// The disk said no.
    Failed,
    /// The disk took too long, or too many were reading.
    Slow,
}

/// Why an object was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drop {
    /// Too much waits to be written already.
    Queue,
    /// It is longer than a segment.
    TooLarge,
    /// A purge came first.
    Overtaken,
    /// The disk cannot be written now.
    Paused,
    /// The disk said no.
    Failed,
}

/// What was asked of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// To read an object.
    Read,
    /// To write one, or to make room for it.
    Write,
    /// To remember a purge.
    Journal,
    /// To open the folder.
    Open,
}

// === impl DiskMetrics ===

impl DiskMetrics {
    /// Registers them.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let labelled = |name: &str, help: &str, label: &str| {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        Ok(Self {
            reads: labelled(
                "vitrine_disk_reads_total",
                "Looks on the disk for what memory does not hold, by result.",
                "result",
            )?,
            written: counter("vitrine_disk_writes_total", "Objects written to the disk.")?,
            written_bytes: counter("vitrine_disk_written_bytes_total", "Bytes written to the disk for objects.")?,
            drops: labelled(
                "vitrine_disk_drops_total",
                "Objects that were not written to the disk, by reason.",
                "reason",
            )?,
            errors: labelled("vitrine_disk_errors_total", "Errors of the disk, by what was asked of it.", "operation")?,
            reclaimed_bytes: counter("vitrine_disk_reclaimed_bytes_total", "Bytes of the disk that made room.")?,
            rewritten: counter("vitrine_disk_rewritten_total", "Objects that were kept when their place made room.")?,
            torn: counter(
                "vitrine_disk_torn_total",
                "Records found at the start that an earlier process did not write to their end.",
            )?,
            unsettled: counter(
                "vitrine_disk_purges_unsettled_total",
                "Purges in force that could not be written to the disk in time.",
            )?,
            gauges: Gauges {
                is_up: gauge("vitrine_disk_up", "1 while the disk is in use, and nothing of it fails.")?,
                objects: gauge("vitrine_disk_objects", "Objects on the disk.")?,
                bytes: gauge("vitrine_disk_bytes", "Bytes of files in the disk's folder.")?,
                capacity: gauge("vitrine_disk_capacity_bytes", "Most bytes of files in the disk's folder.")?,
                queue: gauge("vitrine_disk_queue_bytes", "Bytes that wait to be written to the disk.")?,
            },
        })
    }

    pub(super) fn set(&self, report: &DiskReport) {
        let is_up = report.stage == Stage::Ready && report.failing.is_empty();
        let clamp = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.gauges.is_up.set(i64::from(is_up));
        self.gauges.objects.set(clamp(report.objects as u64));
        self.gauges.bytes.set(clamp(report.bytes));
        self.gauges.capacity.set(clamp(report.capacity));
        self.gauges.queue.set(clamp(report.queue_bytes));
    }

    pub(super) fn read(&self, result: ReadResult) {
        self.reads.with_label_values(&[result.label()]).inc();
    }

    pub(super) fn dropped(&self, reason: Drop) {
        self.drops.with_label_values(&[reason.label()]).inc();
    }

    pub(super) fn failed(&self, operation: Operation) {
        self.errors.with_label_values(&[operation.label()]).inc();
    }

    pub(super) fn counts(&self) -> Counts {
        let reads = |result: ReadResult| self.reads.with_label_values(&[result.label()]).get();
        let drops = [Drop::Queue, Drop::TooLarge, Drop::Overtaken, Drop::Paused, Drop::Failed];
        let errors = [Operation::Read, Operation::Write, Operation::Journal, Operation::Open];
        Counts {
            hits: reads(ReadResult::Hit),
            broken: reads(ReadResult::Broken),
            writes: self.written.get(),
            drops: drops.iter().map(|reason| self.drops.with_label_values(&[reason.label()]).get()).sum(),
            errors: errors.iter().map(|asked| self.errors.with_label_values(&[asked.label()]).get()).sum(),
            reclaimed_bytes: self.reclaimed_bytes.get(),
            torn: self.torn.get(),
        }
    }
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Objects that were found on the disk.
    pub hits: u64,
    /// Objects that were torn or changed, and so were misses.
    pub broken: u64,
    /// Objects written.
    pub writes: u64,
    /// Objects that were to be written and were not.
    pub drops: u64,
    /// What the disk refused.
    pub errors: u64,
    /// Bytes that made room.
    pub reclaimed_bytes: u64,
    /// Records that an earlier process did not write to their end.
    pub torn: u64,
}

// === labels ===

impl ReadResult {
    const fn label(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Broken => "broken",
            Self::Failed => "failed",
            Self::Slow => "slow",
        }
    }
}

impl Drop {
    const fn label(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::TooLarge => "too_large",
            Self::Overtaken => "overtaken",
            Self::Paused => "paused",
            Self::Failed => "failed",
        }
    }
}

impl Operation {
    const fn label(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Journal => "journal",
            Self::Open => "open",
        }
    }
}
