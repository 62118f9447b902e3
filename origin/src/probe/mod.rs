//! The production probe: it shows, all the time, that no edge serves what an acknowledged write replaced.
//!
//! It writes a number of its own as any workflow writes, waits for the acknowledgement as any writer does, and then reads the number
//! through every edge as a visitor would. An edge that shows an older one breaks the promise, and is told of loudly. The process that
//! leads the feed probes, the others stand by; without edges in `[probe]` nobody does.

pub mod canary;
mod metrics;
mod reading;

pub use metrics::ProbeMetrics;

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Client;
use tokio::time::MissedTickBehavior;
use vitrine_shared::ack::Acknowledgement;
use vitrine_shared::clock;
use vitrine_shared::epoch::Epoch;

use self::reading::{ReadError, Reading};
use crate::feed::ack;
use crate::feed::{self, Came};
use crate::state::AppState;

/// Reads of an edge in a row: the first may have to ask the origin, the next ones find what it stored.
const READS: usize = 2;
/// How long after the acknowledgement edges are read again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The probe of a process.
struct Probe {
    state: AppState,
    http: Client,
    edges: Vec<String>,
    /// The newest version that was acknowledged to this process.
    acknowledged: Option<Acknowledged>,
}

/// A version, and the epoch under which it was acknowledged.
#[derive(Clone, Copy, Debug)]
struct Acknowledged {
    version: i64,
    epoch: Epoch,
}

/// Probes until the process stops; ends at once where no edge is named.
pub async fn run(state: AppState) {
    let config = &state.config.probe;
    let edges: Vec<String> = config.edges().map(str::to_owned).collect();
    if edges.is_empty() {
        return;
    }
    state.metrics.probe.begin(&edges);
    let http = match reading::client(Duration::from_millis(config.timeout_ms)) {
        Ok(http) => http,
        Err(error) => return tracing::error!(%error, "probe: there is no client, so nothing is probed"),
    };
    tracing::info!(?edges, every_ms = config.interval_ms, "probe: edges are probed while this process leads");
    let shutdown = state.shutdown.clone();
    let mut probe = Probe { http, edges, acknowledged: None, state };
    tokio::select! {
        () = probe.run() => {}
        () = shutdown.cancelled() => {}
    }
}

// === impl Probe ===

impl Probe {
    async fn run(&mut self) {
        let mut ticks = tokio::time::interval(Duration::from_millis(self.state.config.probe.interval_ms));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.state.books.leads() {
                self.round().await;
            }
        }
    }

    /// One write, read before and after through every edge.
    async fn round(&mut self) {
        let state = self.state.clone();
        let metrics = &state.metrics.probe;
        // So that the write finds something stored to replace, and for what was acknowledged a while ago.
        self.read_all().await;
        let limit = Duration::from_millis(state.config.feed.ack_wait_ms);
        let result = match canary::bump(&state.outbox).await {
            Err(error) => {
                tracing::warn!(%error, "probe: the write failed");
                "failed"
            }
            Ok(done) => {
                let started = std::time::Instant::now();
                match ack::wait(&state, &done.receipt, limit).await {
                    Acknowledgement::Acked { epoch, .. } => {
                        metrics.acknowledged_seconds.observe(started.elapsed().as_secs_f64());
                        self.acknowledged = Some(Acknowledged { version: done.value, epoch });
                        "acknowledged"
                    }
                    Acknowledgement::Pending { waiting_for, .. } => {
                        tracing::warn!(?waiting_for, "probe: a write was not acknowledged in time");
                        "pending"
                    }
                }
            }
        };
        if result == "acknowledged" {
            self.read_all().await;
            tokio::time::sleep(AGAIN_AFTER).await;
            self.read_all().await;
        }
        metrics.ended(result, clock::unix().as_secs());
    }

    /// Reads every edge, all at once.
    async fn read_all(&self) {
        join_all(self.edges.iter().map(|edge| self.read(edge))).await;
    }

    async fn read(&self, edge: &str) {
        for _ in 0..READS {
            let least = self.acknowledged.filter(|least| self.is_of_this_history(*least));
            let read = reading::read(&self.http, edge, &self.state.config.probe.host).await;
            let judged = match (read, least) {
                (Ok(reading), Some(least)) if reading.version < least.version => {
                    self.behind(edge, &reading, least).await
                }
                (Ok(reading), _) => {
                    self.state.metrics.probe.read(edge, reading.found());
                    Ok(())
                }
                (Err(error), _) => Err(error),
            };
            if let Err(error) = judged {
                tracing::warn!(edge, %error, "probe: an edge could not be read");
                self.state.metrics.probe.failed(edge, error.kind());
                return;
            }
        }
    }

    /// An edge shows less than was acknowledged. Where Postgres does so too, its history was lost, and the edge is right.
    async fn behind(&self, edge: &str, reading: &Reading, least: Acknowledged) -> Result<(), ReadError> {
        let metrics = &self.state.metrics.probe;
        metrics.read(edge, reading.found());
        match canary::read(&self.state.pool).await {
            Ok(version) if version >= least.version && self.is_of_this_history(least) => {}
            Ok(_) => return Err(ReadError::LostHistory),
            // It is told rather once too often.
            Err(error) => tracing::warn!(%error, "probe: Postgres cannot say what is true"),
        }
        metrics.stale(edge);
        let trail = feed::trail(&self.state, Came::Directly, least.epoch).await.ok();
        let trail = trail.and_then(|trail| serde_json::to_string(&trail).ok()).unwrap_or_default();
        tracing::error!(
            edge, shown = reading.version, acknowledged = least.version, epoch = %least.epoch,
            cache_status = reading.cache_status, trail,
            "probe: an edge serves what an acknowledged write replaced"
        );
        Ok(())
    }

    /// Whether no term began since: with an asynchronous standby a promotion may lose writes that were acknowledged.
    fn is_of_this_history(&self, least: Acknowledged) -> bool {
        self.state.position.borrow().term == least.epoch.term
    }
}
