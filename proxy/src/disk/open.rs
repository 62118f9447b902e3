//! The start: the folder is claimed before the edge listens, and everything else is done while it serves.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use vitrine_shared::coherence::{Live, TagTable};
use vitrine_shared::epoch::Epoch;

use super::admission::Doorkeeper;
use super::folder::{Claimed, Folder, Found, Unusable};
use super::health::{Health, Part};
use super::io::{Disk as RealDisk, Io};
use super::journal::{Keeper, Kept};
use super::log::Bounds;
use super::metrics::{DiskMetrics, Operation};
use super::sweep;
use super::tier::{Parts, Stage, Tier};
use super::writer::{Held, Writer};
use crate::config::Disk;
use crate::store::Store;

/// How long the start waits for the folder.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long of that it waits for another process to let go of it: one that was killed may still be going when this one starts.
const HANDOVER: Duration = Duration::from_secs(2);
/// How often it looks whether that is so.
const LOOK: Duration = Duration::from_millis(20);

/// A tier whose folder was claimed, or was not; it does nothing yet.
pub struct Opened {
    tier: Arc<Tier>,
    claim: Option<Kept>,
    /// Whether what was purged before this start is known.
    is_restored: bool,
}

/// Claims the folder of a disk tier, and gives the tag table to begin with: as it was left there, or a new one that holds so many
/// tags. `identity` names whose purges the edge follows.
///
/// # Errors
///
/// Where no threads can be started. A folder that cannot be used is no error: it is told, and tried again.
pub fn open(
    settings: &Disk,
    max_object: u64,
    identity: &str,
    capacity: usize,
    metrics: DiskMetrics,
) -> io::Result<(TagTable, Opened)> {
    open_with(Arc::new(RealDisk), settings, max_object, identity, capacity, metrics)
}

pub(super) fn open_with(
    io: Arc<dyn Io>,
    settings: &Disk,
    max_object: u64,
    identity: &str,
    capacity: usize,
    metrics: DiskMetrics,
) -> io::Result<(TagTable, Opened)> {
    let folder = Folder::new(io, settings.path.clone());
    let health = Arc::new(Health::default());
    let claimed = match claim(&folder, identity, capacity) {
        Ok(claimed) => Some(claimed),
        Err(error) => {
            metrics.failed(Operation::Open);
            health.failed(Part::Folder, &error, Instant::now());
            None
        }
    };
    let tier = Tier::new(Parts {
        folder: folder.clone(),
        identity: identity.into(),
        secret: claimed.as_ref().map_or_else(rand::random, |claimed| claimed.facts.secret),
        bounds: Bounds::new(settings.size, max_object),
        queue: settings.queue,
        doorkeeper: Doorkeeper::new(settings.admission),
        health,
        metrics,
    })?;
    let tier = Arc::new(tier);
    let Some(Claimed { lock, facts, table, invalidated, journal, found }) = claimed else {
        let table = TagTable::at(Epoch::ZERO, capacity);
        return Ok((table, Opened { tier, claim: None, is_restored: false }));
    };
    if let Found::Doubt(doubt) = found {
        tracing::warn!(path = %settings.path.display(), "what lies on the cache's disk is dropped: {doubt}");
    }
    let claim = Some(Kept { lock: Arc::new(lock), folder, facts, begun: journal, invalidated });
    Ok((table, Opened { tier, claim, is_restored: found == Found::Kept }))
}

/// On a thread of its own: a disk that hangs must not keep the edge from starting. What is claimed too late is let go again.
fn claim(folder: &Folder, identity: &str, capacity: usize) -> Result<Claimed, Unusable> {
    let (sender, receiver) = sync_channel(0);
    let (claimed, identity) = (folder.clone(), identity.to_owned());
    let claiming = move || {
        let begun = Instant::now();
        let claimed = loop {
            match claimed.claim(&identity, capacity) {
                Err(Unusable::Locked(_)) if begun.elapsed() < HANDOVER => std::thread::sleep(LOOK),
                claimed => break claimed,
            }
        };
        drop(sender.send(claimed));
    };
    let unusable = |error| Unusable::Io { path: folder.path().to_owned(), error };
    std::thread::Builder::new().name("disk-open".to_owned()).spawn(claiming).map_err(unusable)?;
    receiver.recv_timeout(PATIENCE).unwrap_or_else(|error| {
        Err(unusable(match error {
            RecvTimeoutError::Timeout => io::ErrorKind::TimedOut.into(),
            RecvTimeoutError::Disconnected => io::Error::other("it could not be opened"),
        }))
    })
}

// === impl Opened ===

impl Opened {
    /// The tier, to be handed objects.
    pub fn tier(&self) -> &Arc<Tier> {
        &self.tier
    }

    /// Whether the tag table knows what was purged before this start, so that the feed can go on from there.
    pub fn is_restored(&self) -> bool {
        self.is_restored
    }

    /// Sets it going: `live` is the table that came with it, `store` what is in memory.
    pub fn start(self, live: Arc<Live>, store: Arc<Store>) -> io::Result<Arc<Tier>> {
        let Self { tier, claim, .. } = self;
        let mut writer = Writer { tier: tier.clone(), live, run: 0, held: None };
        if let Some(kept) = claim {
            writer.run = kept.facts.run;
            let log = writer.empty_log(kept.facts.lineage, &kept.lock);
            writer.held = Some(Held { lock: kept.lock.clone(), log });
            Keeper::start(&tier.journal, kept, writer.with(), true)?;
            tier.is_at(Stage::Loading);
        }
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        thread("disk-write").spawn(move || writer.run())?;
        let sweeping = tier.clone();
        thread("disk-sweep").spawn(move || sweep::run(&sweeping, &store))?;
        Ok(tier)
    }
}
