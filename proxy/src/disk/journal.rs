//! What was purged is written down before it is answered, on a thread of its own.
//!
//! The keeper appends to the journal what it is [told](Journal::note). When that has grown, or could not be written, it writes a
//! state of all that is known by then, and begins a new journal. Where the disk takes neither, it takes the state away: then nothing
//! that lies in the folder will be believed, and so nothing can come back that was purged.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;
use vitrine_shared::coherence::Live;

use super::entry::Entry;
use super::folder::{Begun, Facts, Folder, Manner};
use super::health::{Health, Part};
use super::io::{Lock, write_all};
use super::metrics::{DiskMetrics, Operation};
use super::state::Invalidated;

/// How long a purge waits to be written down.
const PATIENCE: Duration = Duration::from_secs(2);
/// Entries that may wait; past it a new state is written in their place.
const MOST_WAITING: usize = 10_000;
/// A journal may grow to the length of its state, or to this where that is less, in bytes.
const LEAST_REWRITTEN: u64 = 1 << 20;
/// How often the keeper looks around where nothing happens.
const TICK: Duration = Duration::from_millis(250);

/// Where purges are told.
#[derive(Debug)]
pub(super) struct Journal {
    inbox: Mutex<Inbox>,
    changed: Condvar,
    /// How many of what was told are safe.
    settled: watch::Sender<u64>,
    /// URLs that were invalidated while something of them lay on the disk, or may have.
    invalidated: Mutex<HashMap<u64, Invalidated>>,
}

#[derive(Debug, Default)]
struct Inbox {
    /// Whether there is anything on the disk to which a purge could matter.
    is_kept: bool,
    entries: Vec<Entry>,
    /// How many were told in all.
    told: u64,
    /// Since when not all of them are safe.
    behind_since: Option<Instant>,
    /// Whether a new state is to be written, since entries alone do not tell all.
    rewrite: bool,
    /// Begin anew with these.
    anew: Option<(Arc<Lock>, Facts, Begun)>,
    /// Nothing of the folder may be believed.
    is_abandoned: bool,
    is_ending: bool,
    has_ended: bool,
}

/// A purge could not be written down in time: were the process to be killed now, it could be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the purge is in force, but could not be written to the cache's disk")]
pub struct Unsettled;

impl Unsettled {
    /// As a sentence for whoever purged.
    pub fn way_out(&self) -> String {
        format!(
            "{self}: were this process killed now, what was purged could come back; see `disk` in /status, and repeat the purge when \
             that is well"
        )
    }
}

/// The thread that writes.
pub(super) struct Keeper {
    journal: Arc<Journal>,
    folder: Folder,
    /// `None` where the folder was given up.
    lock: Option<Arc<Lock>>,
    /// Nothing that lies in the folder may be believed.
    is_giving_up: bool,
    facts: Facts,
    with: With,
    file: File,
}

/// A folder that was claimed.
pub(super) struct Kept {
    /// As long as somebody holds it, it is this process's.
    pub(super) lock: Arc<Lock>,
    /// Which.
    pub(super) folder: Folder,
    /// What stays.
    pub(super) facts: Facts,
    /// Its state and journal.
    pub(super) begun: Begun,
    /// The URLs that were invalidated before.
    pub(super) invalidated: Vec<Invalidated>,
}

/// What the keeper needs besides.
#[derive(Clone)]
pub(super) struct With {
    /// What is purged.
    pub(super) live: Arc<Live>,
    /// Where failures are noted.
    pub(super) health: Arc<Health>,
    /// Where they are counted.
    pub(super) metrics: DiskMetrics,
    /// Bytes of state and journal.
    pub(super) bytes: Arc<AtomicU64>,
}

/// The journal as it stands.
struct File {
    begun: Begun,
    at: u64,
    index: u64,
    /// How long it may become before a new state is written.
    most: u64,
    /// It does not hold all that was told, and what then became of the state before it.
    broken: Option<State>,
}

/// What stands on the disk while not all is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing that would be believed.
    Gone,
    /// A state that does not know of all purges.
    Wrong,
}

// === impl Journal ===

impl Default for Journal {
    fn default() -> Self {
        Self {
            inbox: Mutex::default(),
            changed: Condvar::new(),
            settled: watch::Sender::new(0),
            invalidated: Mutex::default(),
        }
    }
}

impl Journal {
    /// Tells something that the tag table has done. To be called after that.
    pub(super) fn note(&self, entry: impl FnOnce() -> Entry) {
        let mut inbox = self.inbox.lock();
        if !inbox.is_kept {
            return;
        }
        inbox.told += 1;
        inbox.behind_since.get_or_insert_with(Instant::now);
        if inbox.entries.len() >= MOST_WAITING {
            inbox.rewrite = true;
        } else {
            let entry = entry();
            // What comes after it is known by a new state alone.
            inbox.rewrite |= entry == Entry::StartedOver;
            inbox.entries.push(entry);
        }
        self.changed.notify_all();
    }

    /// Remembers that a URL was invalidated, as long as a segment is there in which something of it may lie.
    pub(super) fn remember(&self, one: Invalidated) {
        self.invalidated.lock().insert(one.url, one);
        self.note(|| Entry::Invalidated(one));
    }

    /// Whether what has this URL and this stamp by the local clock was invalidated.
    pub(super) fn is_invalidated(&self, url: u64, local: u64) -> bool {
        self.invalidated.lock().get(&url).is_some_and(|one| local < one.at)
    }

    /// How many URLs are remembered.
    pub(super) fn invalidated(&self) -> usize {
        self.invalidated.lock().len()
    }

    /// The segments below this one are gone, and with them what is remembered of what lay in them.
    pub(super) fn forget_below(&self, oldest: u32) {
        self.invalidated.lock().retain(|_, one| one.segment >= oldest);
    }

    /// Waits until what was told is safe: written down, or of no account since nothing on the disk will be believed. Where others
    /// have waited in vain, it waits no longer than they do.
    pub(super) async fn settled(&self) -> Result<(), Unsettled> {
        let (told, behind) = {
            let inbox = self.inbox.lock();
            (inbox.told, inbox.behind_since.map_or(Duration::ZERO, |since| since.elapsed()))
        };
        let mut settled = self.settled.subscribe();
        let is_settled = settled.wait_for(|settled| *settled >= told);
        // The sender lives as long as this does, so the wait itself cannot fail.
        let waited = tokio::time::timeout(PATIENCE.saturating_sub(behind), is_settled).await;
        waited.map(|_| ()).map_err(|_| Unsettled)
    }

    /// Gives the folder up: what lies in it will never be believed.
    pub(super) fn abandon(&self) {
        let mut inbox = self.inbox.lock();
        if inbox.is_kept {
            // Whoever purges something meanwhile waits until that is so.
            inbox.told += 1;
            inbox.is_abandoned = true;
            self.changed.notify_all();
        }
    }

    /// Ends the keeper, with a last state; whether that was done in time.
    pub(super) fn end(&self, patience: Duration) -> bool {
        let mut inbox = self.inbox.lock();
        if !inbox.is_kept {
            return true;
        }
        inbox.is_ending = true;
        self.changed.notify_all();
        !self.changed.wait_while_for(&mut inbox, |inbox| !inbox.has_ended, patience).timed_out()
    }

    fn settle(&self, told: u64) {
        {
            let mut inbox = self.inbox.lock();
            let is_behind = inbox.told > told;
            inbox.behind_since = inbox.behind_since.filter(|_| is_behind).map(|_| Instant::now());
        }
        self.settled.send_if_modified(|settled| {
            let news = told > *settled;
            *settled = told.max(*settled);
            news
        });
    }
}

// === impl File ===

impl File {
    fn of(begun: Begun) -> Self {
        let most = begun.state_len.max(LEAST_REWRITTEN);
        Self { begun, at: 0, index: 0, most, broken: None }
    }
}

// === impl Keeper ===

impl Keeper {
    /// Keeps the journal of a folder that was claimed. `is_first` where nothing can have been purged since its state was written.
    pub(super) fn start(journal: &Arc<Journal>, kept: Kept, with: With, is_first: bool) -> io::Result<()> {
        let Kept { lock, folder, facts, begun, invalidated } = kept;
        *journal.invalidated.lock() = invalidated.into_iter().map(|one| (one.url, one)).collect();
        let mut inbox = journal.inbox.lock();
        inbox.rewrite = !is_first;
        if inbox.is_kept {
            inbox.entries.clear();
            inbox.is_abandoned = false;
            inbox.anew = Some((lock, facts, begun));
            journal.changed.notify_all();
            return Ok(());
        }
        with.bytes.store(begun.state_len, Ordering::Relaxed);
        let file = File::of(begun);
        let keeper =
            Self { journal: journal.clone(), folder, lock: Some(lock), is_giving_up: false, facts, with, file };
        std::thread::Builder::new().name("disk-journal".to_owned()).spawn(move || keeper.run())?;
        inbox.is_kept = true;
        Ok(())
    }

    fn run(mut self) {
        loop {
            let (anew, is_abandoned, entries, told, rewrite, is_ending) = {
                let mut inbox = self.journal.inbox.lock();
                let idle = |inbox: &mut Inbox| {
                    let is_news = inbox.anew.is_some() || inbox.is_abandoned;
                    inbox.entries.is_empty() && !inbox.rewrite && !inbox.is_ending && !is_news
                };
                self.journal.changed.wait_while_for(&mut inbox, idle, TICK);
                let (anew, is_abandoned) = (inbox.anew.take(), std::mem::take(&mut inbox.is_abandoned));
                let (entries, rewrite) = (std::mem::take(&mut inbox.entries), std::mem::take(&mut inbox.rewrite));
                (anew, is_abandoned, entries, inbox.told, rewrite, inbox.is_ending)
            };
            if let Some((lock, facts, begun)) = anew {
                (self.lock, self.facts, self.file) = (Some(lock), facts, File::of(begun));
                self.is_giving_up = false;
            }
            self.is_giving_up |= is_abandoned;
            if self.is_giving_up {
                self.give_up();
                self.settle_where_gone(told);
            } else {
                self.keep(&entries, told, rewrite, is_ending);
            }
            if is_ending {
                // First the folder, which the next process may take as soon as this has ended.
                self.lock = None;
                self.journal.inbox.lock().has_ended = true;
                self.journal.changed.notify_all();
                return;
            }
        }
    }

    /// Makes what was told safe, by an entry or by a new state.
    fn keep(&mut self, entries: &[Entry], told: u64, rewrite: bool, is_ending: bool) {
        let is_needed = rewrite || self.file.broken.is_some();
        let is_due = is_needed || self.file.at > self.file.most;
        if is_ending || (is_due && self.with.health.may_try(Part::Purges, Instant::now())) {
            let manner = if is_ending { Manner::Last } else { Manner::Meanwhile };
            match self.rewrite(manner) {
                Ok(()) => return self.worked(told),
                Err(error) => self.failed(&error, is_needed),
            }
        }
        if self.file.broken.is_none() && !entries.is_empty() {
            match self.append(entries) {
                Ok(()) => return self.worked(told),
                Err(error) => self.failed(&error, true),
            }
        }
        self.settle_where_gone(told);
    }

    /// What stands on the disk tells nothing any more, so nothing needs to be told to it.
    fn settle_where_gone(&self, told: u64) {
        if self.file.broken == Some(State::Gone) {
            self.journal.settle(told);
        }
    }

    /// Takes the state away, and then lets others have the folder.
    fn give_up(&mut self) {
        self.forget();
        if self.file.broken == Some(State::Gone) {
            self.lock = None;
        }
    }

    /// Takes the state away, unless the folder is another's by now, where this process's state is gone with its folder.
    fn forget(&mut self) {
        if self.file.broken != Some(State::Gone) {
            let is_elsewhere = self.lock.as_ref().is_some_and(|lock| !self.folder.is_held(lock));
            let is_gone = is_elsewhere || self.folder.forget().is_ok();
            self.file.broken = Some(if is_gone { State::Gone } else { State::Wrong });
        }
    }

    fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let File { begun, at, index, .. } = &mut self.file;
        let mut bytes = Vec::new();
        for entry in entries {
            bytes.extend(begun.id.frame(*index, entry));
            *index += 1;
        }
        write_all(&*begun.blob, &bytes, *at)?;
        *at += bytes.len() as u64;
        self.with.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// A new state, of all that is known now. What is told from now on goes into the new journal too, also where the state holds it
    /// already.
    fn rewrite(&mut self, manner: Manner) -> io::Result<()> {
        if self.lock.as_ref().is_some_and(|lock| !self.folder.is_held(lock)) {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the folder was removed, or another is in its place"));
        }
        let number = self.file.begun.id.number + 1;
        // The URLs first: what is invalidated in between has an entry that comes.
        let invalidated: Vec<Invalidated> = self.journal.invalidated.lock().values().copied().collect();
        let begun = self.folder.begin(&self.facts, number, self.with.live.snapshot(), &invalidated, manner)?;
        self.with.bytes.store(begun.state_len, Ordering::Relaxed);
        self.file = File::of(begun);
        Ok(())
    }

    fn worked(&self, told: u64) {
        self.with.health.worked(Part::Purges, Instant::now());
        self.journal.settle(told);
    }

    /// Where what was told `is_lost` to the journal, what stands on the disk must not be believed.
    fn failed(&mut self, error: &io::Error, is_lost: bool) {
        self.with.metrics.failed(Operation::Journal);
        self.with.health.failed(Part::Purges, error, Instant::now());
        self.file.most = self.file.at.saturating_mul(2);
        if is_lost {
            self.forget();
        }
    }
}
