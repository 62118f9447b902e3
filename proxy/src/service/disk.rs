//! The disk tier as a process has it: claimed before anything else, left in order at the end.

use std::sync::Arc;
use std::time::Duration;

use vitrine_shared::coherence::{Live, TagTable};
use vitrine_shared::epoch::Epoch;

use super::server::StartError;
use crate::config::{Config, Disk as Settings};
use crate::disk::{self, DiskMetrics, Opened, Tier};
use crate::metrics::Metrics;
use crate::store::Store;

/// How long the end waits for the disk.
const PATIENCE: Duration = Duration::from_secs(3);
/// The part of the memory that may wait to be written: a quarter.
const QUEUE_SHARE: u64 = 4;

/// The disk of a process, where it has one.
#[derive(Default)]
pub(super) struct Disk {
    opened: Option<Opened>,
}

/// A disk that is in use.
pub(super) struct Running {
    tier: Arc<Tier>,
    store: Arc<Store>,
}

/// What waits to be written is a part of the cache's memory.
fn queue(settings: &Settings, memory: u64) -> u64 {
    settings.queue.min(memory / QUEUE_SHARE)
}

// === impl Disk ===

impl Disk {
    /// Claims the folder, where one is configured, and gives the tag table to begin with.
    pub(super) fn open(config: &Config, capacity: usize, metrics: &Metrics) -> Result<(TagTable, Self), StartError> {
        let Some(settings) = &config.disk else {
            return Ok((TagTable::at(Epoch::ZERO, capacity), Self::default()));
        };
        let counted = DiskMetrics::register(metrics.registry())?;
        let identity = config.feed.as_ref().map_or("", |feed| &feed.url);
        let settings = Settings { queue: queue(settings, config.cache.memory), ..settings.clone() };
        let opened = disk::open(&settings, config.cache.max_object, identity, capacity, counted);
        let (table, opened) = opened.map_err(StartError::Disk)?;
        Ok((table, Self { opened: Some(opened) }))
    }

    /// The memory before it, which hands on what leaves it.
    pub(super) fn memory(&self, config: &Config, metrics: &Metrics) -> Store {
        let limits = config.cache;
        let queue = config.disk.as_ref().map_or(0, |settings| queue(settings, limits.memory));
        let store = Store::new(limits.memory - queue, limits.max_variants, metrics.store.clone());
        match self.tier() {
            Some(tier) => store.handing_on(Box::new(move |object, was_used| tier.leaving(object, was_used))),
            None => store,
        }
    }

    /// What the rest of the edge asks and tells.
    pub(super) fn tier(&self) -> Option<Arc<Tier>> {
        self.opened.as_ref().map(|opened| opened.tier().clone())
    }

    /// Whether the tag table knows what was purged before this process.
    pub(super) fn is_restored(&self) -> bool {
        self.opened.as_ref().is_some_and(Opened::is_restored)
    }

    /// Sets it going.
    pub(super) fn start(self, live: &Arc<Live>, store: &Arc<Store>) -> Result<Option<Running>, StartError> {
        let start = |opened: Opened| opened.start(live.clone(), store.clone()).map_err(StartError::Disk);
        let tier = self.opened.map(start).transpose()?;
        Ok(tier.map(|tier| Running { tier, store: store.clone() }))
    }
}

// === impl Running ===

impl Running {
    /// Leaves the folder in order, as far as that can be done in time.
    pub(super) fn stop(&self) {
        self.tier.stop(&self.store, PATIENCE);
    }
}
