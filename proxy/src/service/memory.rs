//! The memory of the whole process, kept within the cache's budget.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::server::ShutdownWatch;
use pingora::services::background::BackgroundService;
use tokio::time::{MissedTickBehavior, interval};

use crate::store::Store;

/// How often what the process has in use is measured.
const MEASURED_EVERY: Duration = Duration::from_millis(100);

/// Tells how many bytes of memory the process has in use, what its allocator cannot use for others included; where that is known.
pub type InUse = fn() -> Option<u64>;

/// Keeps the cache to what the rest of the process leaves of its budget.
pub(super) struct MemoryService {
    pub(super) store: Arc<Store>,
    pub(super) in_use: InUse,
}

#[async_trait]
impl BackgroundService for MemoryService {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let mut ticks = interval(MEASURED_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*shutdown.borrow() {
            tokio::select! {
                _ = ticks.tick() => (self.in_use)().map_or((), |bytes| self.store.count_process(bytes)),
                changed = shutdown.changed() => if changed.is_err() { return },
            }
        }
    }
}
