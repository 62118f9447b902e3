//! The tier as the rest of the edge knows it: what it is handed, what is asked of it, how it does.

use std::hash::Hasher as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use serde::Serialize;
use siphasher::sip::SipHasher13;
use vitrine_shared::clock::unix_millis;
use vitrine_shared::coherence::{Live, numbered};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, Mode};
use vitrine_shared::tag::TagHash;

use super::admission::Doorkeeper;
use super::convert::worth_of;
use super::entry::Entry;
use super::folder::Folder;
use super::health::{Failing, Health, Part};
use super::index::{BYTES, State};
use super::journal::{Journal, Unsettled};
use super::log::{Bounds, Shared};
use super::metrics::{Counts, DiskMetrics, Drop};
use super::queue::Queue;
use super::readers::Readers;
use super::state::Invalidated;
use super::sweep;
use crate::purge::Presence;
use crate::store::{Object, Store};

/// The disk tier.
#[derive(Debug)]
pub struct Tier {
    pub(super) folder: Folder,
    /// Whose purges it knows.
    pub(super) identity: Box<str>,
    /// The secret under which keys are hashed.
    secret: [u64; 2],
    pub(super) bounds: Bounds,
    pub(super) shared: Arc<Shared>,
    pub(super) journal: Arc<Journal>,
    pub(super) health: Arc<Health>,
    pub(super) metrics: DiskMetrics,
    /// Objects that wait to be written.
    pub(super) queue: Queue<Object>,
    pub(super) readers: Readers,
    doorkeeper: Doorkeeper,
    stage: AtomicU8,
    /// More was invalidated while the index was read than may be remembered.
    pub(super) is_in_doubt: AtomicBool,
    /// Bytes of state and journal.
    pub(super) others: Arc<AtomicU64>,
    pub(super) ending: Ending,
}

/// What a tier is made of.
pub(super) struct Parts {
    pub(super) folder: Folder,
    pub(super) identity: Box<str>,
    pub(super) secret: [u64; 2],
    pub(super) bounds: Bounds,
    pub(super) queue: u64,
    pub(super) doorkeeper: Doorkeeper,
    pub(super) health: Arc<Health>,
    pub(super) metrics: DiskMetrics,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It has no folder.
    Absent,
    /// Its index is being read.
    Loading,
    /// It is in use.
    Ready,
}

/// The tier at one moment.
#[derive(Clone, Debug, Serialize)]
pub struct DiskReport {
    /// Its folder.
    pub path: String,
    /// How far it is.
    pub stage: Stage,
    /// What does not work now; what that is, is done without.
    pub failing: Vec<Failing>,
    /// Objects in it.
    pub objects: usize,
    /// Bytes of files in its folder.
    pub bytes: u64,
    /// Most bytes of files.
    pub capacity: u64,
    /// Bytes of memory that its index takes, about.
    pub index_bytes: u64,
    /// Bytes that wait to be written.
    pub queue_bytes: u64,
    /// URLs of which is remembered that they were invalidated.
    pub invalidated: usize,
    /// What was counted.
    #[serde(flatten)]
    pub counts: Counts,
}

/// The end of the thread that writes.
#[derive(Debug, Default)]
pub(super) struct Ending {
    has_ended: Mutex<bool>,
    changed: Condvar,
}

// === impl Tier ===

impl Tier {
    pub(super) fn new(parts: Parts) -> io::Result<Self> {
        let Parts { folder, identity, secret, bounds, queue, doorkeeper, health, metrics } = parts;
        Ok(Self {
            folder,
            identity,
            secret,
            bounds,
            shared: Arc::default(),
            journal: Arc::default(),
            health,
            metrics,
            queue: Queue::new(queue),
            readers: Readers::start()?,
            doorkeeper,
            stage: AtomicU8::new(0),
            is_in_doubt: AtomicBool::new(false),
            others: Arc::default(),
            ending: Ending::default(),
        })
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Absent,
            1 => Stage::Loading,
            _ => Stage::Ready,
        }
    }

    pub(super) fn is_at(&self, stage: Stage) {
        let number = match stage {
            Stage::Absent => 0,
            Stage::Loading => 1,
            Stage::Ready => 2,
        };
        self.stage.store(number, Ordering::Release);
    }

    /// Under which hash the index knows a key.
    pub(super) fn hash(&self, framed: &[u8]) -> u64 {
        let [k0, k1] = self.secret;
        let mut hasher = SipHasher13::new_with_keys(k0, k1);
        hasher.write(framed);
        hasher.finish()
    }

    pub(super) fn secret(&self) -> [u64; 2] {
        self.secret
    }

    /// Whether something lies there under a key; no request wants it.
    pub fn has(&self, framed: &[u8], url: TagHash) -> bool {
        let known = self.shared.index.shard(url.0).get(url.0, self.hash(framed));
        known.is_some_and(|known| known.state.can_be_read())
    }

    /// An object was stored in memory. What lies here under its key is old, and is not found any more.
    pub fn stored(&self, object: &Object) {
        let (url, hash) = (object.url().tag().0, self.hash(object.framed_key()));
        {
            let mut shard = self.shared.index.shard(url);
            if let Some(known) = shard.get(url, hash) {
                shard.set(url, hash, known.place, State::Dead);
            }
        }
        if self.doorkeeper.admits_all() {
            self.offer(object, false);
        }
    }

    /// An object in memory makes room; `was_used` where it was asked for since it was stored. Never waits.
    pub fn leaving(&self, object: &Object, was_used: bool) {
        let (url, hash) = (object.url().tag().0, self.hash(object.framed_key()));
        let known = self.shared.index.shard(url).get(url, hash);
        if self.doorkeeper.admits_leaving(hash, worth_of(object, was_used), known, unix_millis()) {
            self.push(object);
        }
    }

    /// An object that is in memory, to be written where that is worth it; whether there is room for more of them.
    pub fn offer(&self, object: &Object, was_used: bool) -> bool {
        let (url, hash) = (object.url().tag().0, self.hash(object.framed_key()));
        let known = self.shared.index.shard(url).get(url, hash);
        !self.doorkeeper.admits(worth_of(object, was_used), known, unix_millis()) || self.push(object)
    }

    fn push(&self, object: &Object) -> bool {
        let can_be_written = self.stage() != Stage::Absent && self.health.may_try(Part::Writes, Instant::now());
        if !can_be_written {
            self.metrics.dropped(Drop::Paused);
            return false;
        }
        let is_pushed = self.queue.push(object.weight(), object.clone()).is_ok();
        if !is_pushed {
            self.metrics.dropped(Drop::Queue);
        }
        is_pushed
    }

    /// Writes down a purge of this edge's own, after it was made; it is safe when [`Tier::settled`].
    pub fn note_purge(&self, at: u64, tags: &[TagHash], everything: bool, mode: Mode) {
        self.journal.note(|| Entry::Purged { at, mode, everything, tags: tags.into() });
    }

    /// Writes down a batch of the feed, after it was applied. Were it to be lost, it would come again.
    pub fn note_batch(&self, batch: &Batch) {
        self.journal.note(|| Entry::Fed { prev: batch.prev, purges: numbered(batch) });
    }

    /// Writes down that a position was taken.
    pub fn note_position(&self, position: Epoch) {
        self.journal.note(|| Entry::Position(position));
    }

    /// Writes down that the feed's history began again.
    pub fn note_start_over(&self) {
        self.journal.note(|| Entry::StartedOver);
    }

    /// Waits until what was purged so far is safe from being forgotten.
    pub async fn settled(&self) -> Result<(), Unsettled> {
        let settled = self.journal.settled().await;
        if settled.is_err() {
            self.metrics.unsettled.inc();
        }
        settled
    }

    /// Invalidates what is stored or on its way for a URL, in memory and here; the local number under which that was done, or `None`
    /// where there is nothing. Safe when [`Tier::settled`].
    pub fn invalidate(&self, url: TagHash, presence: &Presence, live: &Live) -> Option<u64> {
        // First memory: what moves from there to here is known here before it leaves there.
        if !presence.holds(url) && !self.may_hold(url) {
            return None;
        }
        let at = live.tick();
        let mut shard = self.shared.index.shard(url.0);
        let removed = shard.remove_url(url.0);
        self.remember(url, at, removed);
        // Under the shard's lock: what was found here before it was removed is held by a fill, and what is written from now on is
        // asked whether it is marked.
        presence.mark(url, at, live);
        Some(at)
    }

    /// Forgets what lies here for a URL, and will not find it after a restart either.
    pub fn forget(&self, url: TagHash, live: &Live) {
        if !self.may_hold(url) {
            return;
        }
        let at = live.tick();
        let mut shard = self.shared.index.shard(url.0);
        let removed = shard.remove_url(url.0);
        self.remember(url, at, removed);
    }

    /// While the index is read, anything may turn out to be here.
    fn may_hold(&self, url: TagHash) -> bool {
        self.stage() == Stage::Loading || self.shared.index.shard(url.0).has_url(url.0)
    }

    /// Under the lock of the URL's shard.
    fn remember(&self, url: TagHash, at: u64, removed: usize) {
        let is_loading = self.stage() == Stage::Loading;
        if is_loading && self.journal.invalidated() >= self.bounds.records {
            self.is_in_doubt.store(true, Ordering::Release);
        } else if is_loading || removed > 0 {
            self.journal.remember(Invalidated { url: url.0, at, segment: self.shared.newest() });
        }
    }

    /// Ends it: what is used in memory is written, and the folder is left in order, as far as that can be done in time. Then the next
    /// process can have it.
    pub fn stop(&self, store: &Store, patience: Duration) {
        let until = Instant::now() + patience;
        let left = || until.saturating_duration_since(Instant::now());
        if self.stage() == Stage::Ready {
            sweep::offer_all(self, store, Some(Instant::now() + patience / 2));
        }
        self.queue.close();
        let is_written = self.ending.wait(left());
        let is_kept = self.journal.end(left());
        if !(is_written && is_kept) {
            tracing::warn!("the cache's disk did not take everything in time; it is read through at the next start");
        }
    }

    /// How many objects there are.
    pub fn objects(&self) -> usize {
        self.shared.index.len()
    }

    /// How it does. The gauges of the metrics are set to it.
    pub fn report(&self) -> DiskReport {
        let objects = self.shared.index.len();
        let report = DiskReport {
            path: self.folder.path().display().to_string(),
            stage: self.stage(),
            failing: self.health.failing(Instant::now()),
            objects,
            bytes: self.shared.bytes() + self.others.load(Ordering::Relaxed),
            capacity: self.bounds.size,
            index_bytes: objects as u64 * BYTES,
            queue_bytes: self.queue.weight(),
            invalidated: self.journal.invalidated(),
            counts: self.metrics.counts(),
        };
        self.metrics.set(&report);
        report
    }
}

// === impl Ending ===

impl Ending {
    pub(super) fn reached(&self) {
        *self.has_ended.lock() = true;
        self.changed.notify_all();
    }

    fn wait(&self, patience: Duration) -> bool {
        let mut has_ended = self.has_ended.lock();
        !self.changed.wait_while_for(&mut has_ended, |ended| !*ended, patience).timed_out()
    }
}
