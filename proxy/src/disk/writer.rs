//! The thread that writes: it reads the index at the start, appends what waits, and looks after a folder that fails.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use vitrine_shared::coherence::{Live, Verdict};

use super::convert::{record_of, variants_of};
use super::folder::{Facts, Unusable};
use super::health::Part;
use super::index::State;
use super::io::Lock;
use super::journal::{Keeper, Kept, With};
use super::log::{Log, Written};
use super::metrics::{Drop, Operation};
use super::queue::Taken;
use super::segment::Prepared;
use super::tier::{Stage, Tier};
use crate::store::Object;

/// How often it looks after the folder where nothing is to be written.
const TICK: Duration = Duration::from_millis(250);

/// The thread's own.
pub(super) struct Writer {
    pub(super) tier: Arc<Tier>,
    pub(super) live: Arc<Live>,
    /// Counts the processes that have used the folder.
    pub(super) run: u64,
    pub(super) held: Option<Held>,
}

/// The folder, while this process has it.
pub(super) struct Held {
    pub(super) lock: Arc<Lock>,
    pub(super) log: Log,
}

impl Writer {
    /// Runs until nothing more is to be written.
    pub(super) fn run(mut self) {
        self.load();
        loop {
            match self.tier.queue.take(TICK) {
                Taken::Item(object) => self.write(&object),
                Taken::Nothing => {}
                Taken::Closed => break,
            }
            self.look_after();
        }
        if let Some(mut held) = self.held.take() {
            held.log.seal();
            // With it goes its hold on the folder: whoever waits for the end may hand that to the next process.
        }
        self.tier.ending.reached();
    }

    /// Reads the index of a folder that was claimed.
    fn load(&mut self) {
        let Some(held) = &mut self.held else {
            return;
        };
        let begun = Instant::now();
        let journal = self.tier.journal.clone();
        match held.log.load(&|url, local| journal.is_invalidated(url, local)) {
            Ok(()) => {
                let objects = self.tier.shared.index.len();
                let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::info!(objects, millis, bytes = self.tier.shared.bytes(), "the cache's disk is in use");
                journal.forget_below(held.log.oldest());
                self.tier.is_at(Stage::Ready);
            }
            Err(error) => self.lost(&error),
        }
        if self.tier.is_in_doubt.swap(false, Ordering::AcqRel) {
            self.lost(&"more was invalidated while its index was read than is remembered");
        }
    }

    /// The folder cannot be used any more; it is begun anew when it can. Until then nothing is known of what lies in it, so nothing
    /// of that may ever be believed.
    fn lost(&mut self, error: &dyn std::fmt::Display) {
        self.held = None;
        self.tier.journal.abandon();
        self.tier.is_at(Stage::Absent);
        self.tier.shared.clear();
        self.tier.metrics.failed(Operation::Open);
        self.tier.health.failed(Part::Folder, error, Instant::now());
    }

    /// Tries again what failed, where its time has come.
    fn look_after(&mut self) {
        let health = self.tier.health.clone();
        match &mut self.held {
            None if health.may_try(Part::Folder, Instant::now()) => {
                if let Err(error) = self.begin_anew() {
                    self.tier.metrics.failed(Operation::Open);
                    health.failed(Part::Folder, &error, Instant::now());
                }
            }
            Some(held) if !health.works(Part::Writes) && health.may_try(Part::Writes, Instant::now()) => {
                if !self.tier.folder.is_held(&held.lock) {
                    self.lost(&"it was removed, or another was put in its place");
                } else if let Err(error) = held.log.ready() {
                    self.failed(&error);
                } else {
                    health.worked(Part::Writes, Instant::now());
                }
            }
            _ => {}
        }
    }

    /// Takes the folder while the edge is running: what lies in it is not believed, since purges were made without it.
    fn begin_anew(&mut self) -> Result<(), Unusable> {
        let tier = &self.tier;
        let facts = Facts {
            lineage: rand::random(),
            secret: tier.secret(),
            identity: tier.identity.clone(),
            run: self.run.max(1),
        };
        let (lock, begun) = tier.folder.claim_anew(&facts, self.live.snapshot())?;
        tier.shared.clear();
        let lock = Arc::new(lock);
        let mut log = self.empty_log(facts.lineage, &lock);
        let unusable = |error| Unusable::Io { path: tier.folder.path().to_owned(), error };
        log.load(&|_, _| true).map_err(unusable)?;
        let kept = Kept { lock: lock.clone(), folder: tier.folder.clone(), facts, begun, invalidated: Vec::new() };
        Keeper::start(&tier.journal, kept, self.with(), false).map_err(unusable)?;
        tier.is_at(Stage::Ready);
        for part in [Part::Folder, Part::Reads, Part::Writes] {
            tier.health.worked(part, Instant::now());
        }
        self.held = Some(Held { lock, log });
        Ok(())
    }

    pub(super) fn empty_log(&self, lineage: u64, lock: &Arc<Lock>) -> Log {
        let tier = &self.tier;
        let (folder, lock) = (tier.folder.clone(), lock.clone());
        Log::empty(
            tier.folder.io().clone(),
            tier.folder.segments(),
            Box::new(move || folder.is_held(&lock)),
            lineage,
            tier.bounds,
            tier.shared.clone(),
            tier.metrics.clone(),
            tier.others.clone(),
        )
    }

    /// What the keeper of the journal needs.
    pub(super) fn with(&self) -> With {
        let tier = &self.tier;
        With {
            live: self.live.clone(),
            health: tier.health.clone(),
            metrics: tier.metrics.clone(),
            bytes: tier.others.clone(),
        }
    }

    fn write(&mut self, object: &Object) {
        match self.try_write(object) {
            Ok(None) => {}
            Ok(Some(reason)) => self.tier.metrics.dropped(reason),
            Err(error) => {
                self.tier.metrics.dropped(Drop::Failed);
                self.failed(&error);
            }
        }
    }

    fn failed(&self, error: &io::Error) {
        self.tier.metrics.failed(Operation::Write);
        self.tier.health.failed(Part::Writes, error, Instant::now());
    }

    /// Writes an object, and by what its variants differ; why it was not written, where it was not.
    fn try_write(&mut self, object: &Object) -> io::Result<Option<Drop>> {
        let tier = self.tier.clone();
        let Some(held) = self.held.as_mut().filter(|_| tier.health.may_try(Part::Writes, Instant::now())) else {
            return Ok(Some(Drop::Paused));
        };
        if object.verdict(&self.live) != Verdict::Servable {
            return Ok(Some(Drop::Overtaken));
        }
        let (head, body) = record_of(object);
        let Some(record) = Prepared::new(&head, tier.hash(&head.key), body) else {
            return Ok(Some(Drop::TooLarge));
        };
        if tier.is_there(&record) {
            return Ok(None);
        }
        let oldest = held.log.oldest();
        // Whoever replaces or withdraws it looks into the index after that.
        let is_overtaken = || object.is_superseded() || object.url().invalidated_since(object.stamp()).is_some();
        let written = held.log.put(&record, &is_overtaken)?;
        tier.health.worked(Part::Writes, Instant::now());
        if let Some(variants) = variants_of(&head.key, head.url)
            && let Some(variants) = Prepared::new(&variants, tier.hash(&variants.key), Vec::new())
            && !tier.is_there(&variants)
        {
            held.log.put(&variants, &is_overtaken)?;
        }
        if held.log.oldest() != oldest {
            tier.journal.forget_below(held.log.oldest());
        }
        Ok(match written {
            Written::Whole => None,
            Written::Gone | Written::Overtaken => Some(Drop::Overtaken),
            Written::TooLarge => Some(Drop::TooLarge),
        })
    }
}

impl Tier {
    /// Whether this very version can be read already.
    fn is_there(&self, record: &Prepared) -> bool {
        let listed = record.listed;
        let known = self.shared.index.shard(listed.url).get(listed.url, listed.hash);
        known.is_some_and(|known| known.state == State::of(listed.kind) && known.fresh == listed.fresh)
    }
}
