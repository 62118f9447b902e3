//! Counting what purges made unusable, beside all else.

use std::sync::Arc;

use async_trait::async_trait;
use pingora::server::ShutdownWatch;
use pingora::services::background::BackgroundService;

use crate::store::Store;
use crate::trail::{Outcomes, count};

/// Counts on a thread of its own, so that neither the feed nor a request waits for it.
pub(super) struct TrailService {
    pub(super) store: Arc<Store>,
    pub(super) outcomes: Arc<Outcomes>,
}

#[async_trait]
impl BackgroundService for TrailService {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let mut rest = count::LOOKED_EVERY;
        while !*shutdown.borrow() {
            tokio::select! {
                () = tokio::time::sleep(rest) => rest = count::count(&self.store, &self.outcomes, || *shutdown.borrow()),
                changed = shutdown.changed() => if changed.is_err() { return },
            }
        }
    }
}
