//! Where workflows write, and who hears of it once they have committed.

use sqlx::PgPool;
use tokio::sync::watch;

/// Where workflows write. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    pool: PgPool,
    /// Workflows of this process have committed.
    commits: watch::Sender<()>,
    /// So has anybody, as far as this process hears.
    rows: watch::Sender<()>,
}

// === impl Outbox ===

impl Outbox {
    /// The outbox of a database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool, commits: watch::Sender::new(()), rows: watch::Sender::new(()) }
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Says that a workflow of this process has committed. Several sayings are heard as one.
    pub fn committed(&self) {
        self.commits.send_replace(());
        self.rows.send_replace(());
    }

    /// Says that there may be new rows, written elsewhere.
    pub fn hinted(&self) {
        self.rows.send_replace(());
    }

    /// Hears of commits of this process.
    pub fn commits(&self) -> watch::Receiver<()> {
        self.commits.subscribe()
    }

    /// Hears of new rows, whoever wrote them.
    pub fn rows(&self) -> watch::Receiver<()> {
        self.rows.subscribe()
    }
}
