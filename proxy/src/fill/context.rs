//! What all fills share.

use std::sync::Arc;

use tokio::sync::Semaphore;
use vitrine_shared::coherence::Live;

use super::budget::FillBudget;
use super::exchange::UpstreamClient;
use super::hit_for_pass::HitForPass;
use super::inflight::Inflight;
use super::metrics::FillMetrics;
use crate::store::Store;

/// Fills that wait for a head at once, all together: the upstream's protection when much is purged (rule 14).
pub const MAX_WAITING_FILLS: usize = 512;
/// Idle connections to upstreams that are kept for fills.
const IDLE_CONNECTIONS: usize = 256;

/// The store, the tag table and the way to the upstreams.
pub struct Context {
    /// Where objects are stored.
    pub store: Store,
    /// The tag table.
    pub live: Arc<Live>,
    /// The way to the upstreams.
    pub client: UpstreamClient,
    /// Bytes that running fills may keep.
    pub budget: FillBudget,
    /// Keys whose answers could not be shared.
    pub marks: HitForPass,
    /// Fills that may be joined.
    pub inflight: Inflight,
    /// Counters.
    pub metrics: FillMetrics,
    /// Places for fills that wait for a head.
    pub slots: Semaphore,
}

impl Context {
    /// Puts it together; `fill_bytes` is the budget of running fills.
    pub fn new(store: Store, live: Arc<Live>, fill_bytes: u64, metrics: FillMetrics) -> Self {
        Self {
            store,
            live,
            client: UpstreamClient::new(IDLE_CONNECTIONS),
            budget: FillBudget::new(fill_bytes),
            marks: HitForPass::default(),
            inflight: Inflight::default(),
            metrics,
            slots: Semaphore::new(MAX_WAITING_FILLS),
        }
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("store", &self.store).finish_non_exhaustive()
    }
}
