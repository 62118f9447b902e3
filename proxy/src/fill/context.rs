//! What all fills share.

use std::sync::Arc;

use vitrine_shared::coherence::Live;

use super::budget::FillBudget;
use super::exchange::UpstreamClient;
use super::hit_for_pass::HitForPass;
use super::inflight::Inflight;
use super::metrics::FillMetrics;
use super::queue::Queue;
use crate::disk::Tier;
use crate::purge::Presence;
use crate::represent::Deriver;
use crate::store::Store;
use crate::trail::Outcomes;

/// The store, the tag table and the way to the upstreams.
pub struct Context {
    /// Where objects are stored.
    pub store: Arc<Store>,
    /// Other forms of stored bodies.
    pub deriver: Arc<Deriver>,
    /// What is asked before the upstreams are, where there is one.
    pub disk: Option<Arc<Tier>>,
    /// The tag table.
    pub live: Arc<Live>,
    /// The URLs of what is stored or on its way.
    pub presence: Arc<Presence>,
    /// What became of the newest purges, which fills tell of.
    pub outcomes: Arc<Outcomes>,
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
            disk: None,
            live,
            presence: Arc::default(),
            outcomes: Arc::default(),
            client: UpstreamClient::default(),
            marks: HitForPass::default(),
            inflight: Inflight::default(),
            metrics,
            queue: Queue::default(),
        }
    }

    /// With a disk behind the memory.
    #[must_use]
    pub fn with_disk(self, disk: Option<Arc<Tier>>) -> Self {
        Self { disk, ..self }
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("store", &self.store).finish_non_exhaustive()
    }
}
