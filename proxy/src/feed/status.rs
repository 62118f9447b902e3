//! Where the feed stands, for `/status` and the metrics.

use parking_lot::Mutex;
use serde::Serialize;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::outcome::Way;

use super::metrics::FeedMetrics;

/// By which way purges came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The Redis Stream.
    Stream,
    /// The origin's feed endpoint.
    Endpoint,
}

/// Shared between the feed and whoever asks.
#[derive(Debug, Default)]
pub struct Status {
    snapshot: Mutex<Snapshot>,
    metrics: Option<FeedMetrics>,
}

/// The feed at one moment.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Snapshot {
    /// The newest numbered epoch that this edge has heard of.
    pub newest: Epoch,
    /// Whether the Redis Stream is being read.
    pub stream_up: bool,
    /// Whether the endpoint answered when it was last asked.
    pub endpoint_up: bool,
    /// Whether a lease was ever held.
    pub had_lease: bool,
}

// === impl Status ===

impl Status {
    /// A status that also counts.
    pub fn new(metrics: FeedMetrics) -> Self {
        Self { snapshot: Mutex::default(), metrics: Some(metrics) }
    }

    /// The present state.
    pub fn snapshot(&self) -> Snapshot {
        *self.snapshot.lock()
    }

    pub(super) fn stands(&self, newest: Epoch, stream_up: bool, endpoint_up: bool) {
        let mut snapshot = self.snapshot.lock();
        snapshot.newest = newest;
        snapshot.stream_up = stream_up;
        snapshot.endpoint_up = endpoint_up;
    }

    pub(super) fn applied(&self, source: Source, purges: usize) {
        if let Some(metrics) = &self.metrics {
            metrics.purges.with_label_values(&[source.label()]).inc_by(purges as u64);
        }
    }

    pub(super) fn gap(&self, source: Source) {
        if let Some(metrics) = &self.metrics {
            metrics.gaps.with_label_values(&[source.label()]).inc();
        }
    }

    pub(super) fn position_taken(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.positions_taken.inc();
        }
    }

    pub(super) fn lease_granted(&self) {
        self.snapshot.lock().had_lease = true;
        self.renewal("granted");
    }

    pub(super) fn lease_refused(&self) {
        self.renewal("refused");
    }

    pub(super) fn lease_failed(&self) {
        self.renewal("failed");
    }

    fn renewal(&self, result: &str) {
        if let Some(metrics) = &self.metrics {
            metrics.renewals.with_label_values(&[result]).inc();
        }
    }
}

impl Source {
    /// As the trail tells it.
    pub(super) fn way(self) -> Way {
        match self {
            Self::Stream => Way::Stream,
            Self::Endpoint => Way::Endpoint,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Endpoint => "endpoint",
        }
    }
}
