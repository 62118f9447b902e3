//! The [`Book`], shared by the feed, the fills, the purges that are made here, and those who ask.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use vitrine_shared::clock::BootTime;
use vitrine_shared::coherence::Position;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, Mode};
use vitrine_shared::outcome::{Fate, MAX_URL, Outcome, Way};
use vitrine_shared::tag::{Tag, TagHash};

use super::book::{Book, Came};
use crate::key::KeyParts;
use crate::store::Object;

/// What became of the newest purges; nobody holds on to it for longer than some microseconds.
#[derive(Debug, Default)]
pub struct Outcomes {
    book: Mutex<Book>,
    /// Whether anything is noted: before the first purge a fill has nothing to tell.
    any: AtomicBool,
}

// === impl Outcomes ===

impl Outcomes {
    /// Notes the purges of a batch that follow `after`, which came at `received`.
    pub fn note_batch(&self, received: BootTime, via: Way, batch: &Batch, after: Epoch) {
        let mut book = self.book.lock();
        for purge in &batch.purges {
            let epoch = Epoch::new(batch.term, purge.seq);
            if epoch > after {
                let (tags, everything) = (purge.tags.iter().map(Tag::hash).collect(), purge.everything);
                let at = Position::Feed(epoch);
                book.note(Came { at, mode: purge.mode, tags, everything, via: Some(via), received });
            }
        }
        drop(book);
        self.any.store(true, Ordering::Release);
    }

    /// Notes that a position was taken.
    pub fn note_position(&self, received: BootTime, position: Epoch) {
        let (at, via) = (Position::Feed(position), Some(Way::Position));
        self.note(Came { at, mode: Mode::Hard, tags: Vec::new(), everything: true, via, received });
    }

    /// Notes a purge that was made here, and applied.
    pub fn note_own(&self, now: BootTime, number: u64, tags: &[TagHash], everything: bool, mode: Mode) {
        let at = Position::Local(number);
        self.note(Came { at, mode, tags: tags.to_vec(), everything, via: None, received: now });
    }

    fn note(&self, came: Came) {
        self.book.lock().note(came);
        self.any.store(true, Ordering::Release);
    }

    /// All that was noted is applied.
    pub fn applied(&self, now: BootTime) {
        self.book.lock().applied(now);
    }

    /// The feed's history has begun again: all is forgotten.
    pub fn start_over(&self) {
        self.book.lock().start_over();
    }

    /// Whether fills are to be told. One load.
    pub fn watches(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// An object was stored that the upstream sent or confirmed, in the place of another where there was one.
    pub fn filled(&self, now: BootTime, stored: &Object, replaced: Option<&Object>) {
        let mut book = self.book.lock();
        if let Some(replaced) = replaced {
            book.replaced(replaced.part(), replaced.stamp(), replaced.tags());
        }
        book.filled(now, stored.stamp(), stored.tags(), || url(stored));
    }

    /// An object was taken out of the store, since nothing may be stored in its place.
    pub fn withdrawn(&self, object: &Object) {
        if self.watches() {
            self.book.lock().replaced(object.part(), object.stamp(), object.tags());
        }
    }

    /// What became of a purge; `None` where it was forgotten, or did not come.
    pub fn of(&self, at: Position) -> Option<Fate> {
        self.book.lock().of(BootTime::now(), at)
    }

    /// What is to go with a report: nothing where outcomes went with one less than `every` ago.
    pub fn report(&self, now: BootTime, every: Duration) -> Vec<Outcome> {
        self.book.lock().report(now, every)
    }

    /// A report with these did not arrive.
    pub fn again(&self, told: &[Outcome]) {
        if !told.is_empty() {
            self.book.lock().again(told);
        }
    }

    pub(super) fn begin(&self) -> bool {
        self.book.lock().begin()
    }

    pub(super) fn visit(&self, part: usize) {
        self.book.lock().visit(part);
    }

    pub(super) fn count(&self, objects: &[Object]) {
        let mut book = self.book.lock();
        for object in objects {
            book.count(object.stamp(), object.tags());
        }
    }

    pub(super) fn finish(&self) {
        self.book.lock().finish();
    }
}

fn url(object: &Object) -> Box<str> {
    let key = object.key();
    let url = KeyParts::of(&key).map(|parts| parts.url()).unwrap_or_default();
    url[..url.floor_char_boundary(MAX_URL)].into()
}
