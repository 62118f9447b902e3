//! Reads from replicas, which may lag behind the primary (invalidation protocol, rule 8).
//!
//! Each statement also reads where numbering stood in the snapshot that it saw. Its answer counts only where that is at or
//! above what the reader must not miss: a write is committed before it is numbered, so whoever shows a number shows the
//! write. Whatever else happens, the primary is asked: a replica can make an answer quicker, and never wrong.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prometheus::{IntCounterVec, Opts, Registry};
use sqlx::PgPool;
use vitrine_shared::epoch::Epoch;

use crate::circuit::Circuit;
use crate::config::Database;
use crate::database;
use crate::state::AppState;

/// A replica that failed is left alone for so long.
const REST_OF_FAILED: Duration = Duration::from_secs(1);
/// So is one that lags: it may have caught up by then.
const REST_OF_LAGGING: Duration = Duration::from_millis(50);

/// What was read, and where numbering stood in the snapshot that it was read from.
pub type Shown<T> = (Epoch, T);

/// The replicas.
#[derive(Debug)]
pub struct Replicas {
    all: Vec<Replica>,
    turn: AtomicUsize,
    patience: Duration,
}

#[derive(Debug)]
struct Replica {
    pool: PgPool,
    circuit: Circuit,
}

/// How replicas do.
#[derive(Debug)]
pub struct ReplicaMetrics {
    /// Reads by where they ended: `replica`, `lagging`, `other_term` or `failed` (then the primary was asked), and
    /// `primary` where no replica could be asked.
    pub reads: IntCounterVec,
}

// === impl ReplicaMetrics ===

impl ReplicaMetrics {
    /// Registers them; fails only where two have one name.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let reads = Opts::new("replica_reads_total", "Reads that replicas could answer, by outcome.");
        let metrics = Self { reads: IntCounterVec::new(reads, &["outcome"])? };
        registry.register(Box::new(metrics.reads.clone()))?;
        Ok(metrics)
    }

    fn count(&self, outcome: &str) {
        self.reads.with_label_values(&[outcome]).inc();
    }
}

// === impl Replicas ===

impl Replicas {
    /// Those that are configured; empty addresses are passed over. Fails only where one cannot be read.
    pub fn new(config: &Database) -> Result<Self, sqlx::Error> {
        let urls = config.replicas.iter().filter(|url| !url.is_empty());
        let pools = urls.map(|url| {
            database::pool(&Database {
                url: url.clone(),
                acquire_timeout_ms: config.replica_timeout_ms,
                ..config.clone()
            })
        });
        let all = pools.map(|pool| Ok(Replica { pool: pool?, circuit: Circuit::default() }));
        Ok(Self {
            all: all.collect::<Result<_, sqlx::Error>>()?,
            turn: AtomicUsize::new(0),
            patience: Duration::from_millis(config.replica_timeout_ms),
        })
    }

    /// The next one that does not rest.
    fn next(&self) -> Option<&Replica> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let from = turn.checked_rem(self.all.len())?;
        self.all[from..].iter().chain(&self.all[..from]).find(|replica| replica.circuit.is_closed())
    }
}

/// Asks a replica, where it shows `least` and more, and else the primary; that alone where nothing is said of replicas.
pub async fn read<T, E, F>(state: &AppState, least: Option<Epoch>, ask: impl Fn(PgPool) -> F) -> Result<T, E>
where
    F: Future<Output = Result<Shown<T>, E>>,
{
    if !state.replicas.all.is_empty() {
        let metrics = &state.metrics.replicas;
        let (Some(replica), Some(least)) = (state.replicas.next(), least) else {
            metrics.count("primary");
            return ask(state.pool.clone()).await.map(|(_, read)| read);
        };
        match tokio::time::timeout(state.replicas.patience, ask(replica.pool.clone())).await {
            Ok(Ok((shown, read))) if shown.term == least.term && shown >= least => {
                metrics.count("replica");
                return Ok(read);
            }
            Ok(Ok((shown, _))) => {
                metrics.count(if shown.term == least.term { "lagging" } else { "other_term" });
                replica.circuit.open(REST_OF_LAGGING);
            }
            Ok(Err(_)) | Err(_) => {
                metrics.count("failed");
                replica.circuit.open(REST_OF_FAILED);
            }
        }
    }
    ask(state.pool.clone()).await.map(|(_, read)| read)
}
