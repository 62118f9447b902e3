//! What all fills share.

use std::sync::Arc;

use vitrine_shared::coherence::Live;

use super::budget::FillBudget;
use super::exchange::UpstreamClient;
use super::hit_for_pass::HitForPass;
use super::inflight::Inflight;
use super::metrics::FillMetrics;
use super::queue::Queue;
use crate::purge::Presence;
use crate::represent::Deriver;
use crate::store::Store;

/// Idle connections to upstreams that are kept for fills.
const IDLE_CONNECTIONS: usize = 256;

/// The store, the tag table and the way to the upstreams.
pub struct Context {
    /// Where objects are stored.
    pub store: Arc<Store>,
    /// Other forms of stored bodies.
    pub deriver: Arc<Deriver>,
    /// The tag table.
    pub live: Arc<Live>,
    /// The URLs of what is stored or on its way.
    pub presence: Arc<Presence>,
    /// The way to the upstreams.
    pub client: UpstreamClient,
    /// Bytes that running fills hold.
    pub budget: FillBudget,
    /// Keys whose answers could not be shared.
    pub marks: HitForPass,
    /// Fills that may be joined.
    pub inflight: Inflight,
    /// Counters.
    pub metrics: FillMetrics,
    /// Places for fills that wait for a head.
    pub queue: Queue,
}

impl Context {
    /// Puts it together.
    pub fn new(store: Arc<Store>, deriver: Arc<Deriver>, live: Arc<Live>, metrics: FillMetrics) -> Self {
        Self {
            budget: FillBudget::new(store.clone()),
            store,
            deriver,
            live,
            presence: Arc::default(),
            client: UpstreamClient::new(IDLE_CONNECTIONS),
            marks: HitForPass::default(),
            inflight: Inflight::default(),
            metrics,
            queue: Queue::default(),
        }
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("store", &self.store).finish_non_exhaustive()
    }
}
