//! The one thread that numbers: it takes what is asked for, writes it down, and only then tells anybody.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};
use vitrine_shared::clock;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::Order;

use super::OrderRefused;
use super::books::Books;
use super::journal::{Journal, Loss};
use super::line::Record;
use super::metrics::{Outcome, SequencerMetrics};
use super::standing::{Standing, Taken};

/// Most of what is asked for that is written down at once.
const AT_ONCE: usize = 256;
/// About how many tags are written down at once: a segment must stay of a size that is read again.
const TAGS_AT_ONCE: usize = 20_000;
/// Unix time of the begin of 2020: terms count seconds from then (the same as in Vitrine's origin).
const YEAR_2020: u64 = 1_577_836_800;

/// How far ahead a term may be that a member knows, in seconds: a clock that is wrong by more than a year is no reason to use up the numbers.
const MOST_AHEAD: u32 = 366 * 86_400;

/// The journal is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sequencer's journal cannot be written now")]
pub struct Down;

/// Who waits for a number.
type Orderer = oneshot::Sender<Result<Epoch, OrderRefused>>;

/// What is asked of the writer.
#[derive(Debug)]
pub(super) enum Command {
    /// A purge is to be numbered.
    Order(Order, Orderer),
    /// A member or its going is to be written down.
    Note(Record, oneshot::Sender<Result<(), Down>>),
    /// Somebody knows this epoch, which was not given here: a new term.
    Lost(Epoch, oneshot::Sender<Result<(), Down>>),
}

/// What the writer changes, for others to read.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) books: Books,
    pub(super) standing: Mutex<Standing>,
    /// The newest epoch that members are told.
    pub(super) position: watch::Sender<Epoch>,
}

/// Numbers, until nobody can ask any more.
pub(super) struct Writer {
    pub(super) journal: Journal,
    pub(super) told: Arc<Told>,
    pub(super) inbox: mpsc::Receiver<Command>,
    pub(super) metrics: SequencerMetrics,
}

/// What was taken of the inbox, to be written down and answered together.
#[derive(Default)]
struct Round {
    records: Vec<Record>,
    /// How many tags they have.
    tags: usize,
    orders: Vec<(Orderer, Epoch, Outcome)>,
    notes: Vec<oneshot::Sender<Result<(), Down>>>,
    lost: Vec<(Epoch, oneshot::Sender<Result<(), Down>>)>,
}

/// The number of a term that begins now and was begun by nobody whose clock was not ahead: all of them began in a second that is over.
pub(super) fn fresh_term() -> u32 {
    let into_second = u64::from(clock::unix().subsec_millis());
    std::thread::sleep(Duration::from_millis(1_000 - into_second));
    term_above(0)
}

/// The number of a term that begins now, above another.
fn term_above(known: u32) -> u32 {
    let seconds = clock::unix().as_secs().saturating_sub(YEAR_2020);
    u32::try_from(seconds).unwrap_or(u32::MAX).max(known.saturating_add(1))
}

// === impl Writer ===

impl Writer {
    /// Blocks its thread.
    pub(super) fn run(mut self) {
        let mut taken = Vec::with_capacity(AT_ONCE);
        while self.inbox.blocking_recv_many(&mut taken, AT_ONCE) > 0 {
            let mut commands = taken.drain(..).peekable();
            while commands.peek().is_some() {
                let (mut round, mut refused) = (Round::default(), Vec::new());
                while round.tags < TAGS_AT_ONCE
                    && let Some(command) = commands.next()
                {
                    self.take(command, &mut round, &mut refused);
                }
                self.end(round, refused);
            }
        }
    }

    /// Writes a round down and answers all of it.
    fn end(&mut self, mut round: Round, refused: Vec<(Orderer, OrderRefused)>) {
        let written = self.write(&round.records);
        let lost = std::mem::take(&mut round.lost);
        self.answer(round, written);
        for (to, error) in refused {
            self.metrics.order(Outcome::Failed);
            // Who asked may have gone.
            let _ = to.send(Err(error));
        }
        for (epoch, to) in lost {
            let _ = to.send(self.begin_term(epoch));
        }
    }

    fn take(&self, command: Command, round: &mut Round, refused: &mut Vec<(Orderer, OrderRefused)>) {
        match command {
            Command::Order(order, to) => match self.told.standing.lock().take(&order, &round.records) {
                Taken::New(numbered) => {
                    round.tags += numbered.purge.tags.len();
                    round.orders.push((to, numbered.key.epoch, Outcome::Numbered));
                    round.records.push(Record::Purge(*numbered));
                }
                Taken::Before(epoch) => round.orders.push((to, epoch, Outcome::Repeated)),
                Taken::Reused => refused.push((to, OrderRefused::KeyReused)),
            },
            Command::Note(record, to) => {
                round.records.push(record);
                round.notes.push(to);
            }
            Command::Lost(epoch, to) => round.lost.push((epoch, to)),
        }
    }

    /// Writes records down, and then tells what they changed: first the books, so that no member can know a number that they do not.
    fn write(&mut self, records: &[Record]) -> Result<(), Down> {
        if records.is_empty() {
            return Ok(());
        }
        self.make_room()?;
        if let Err(error) = self.journal.append(records) {
            return Err(self.down(&error));
        }
        let mut after = self.told.standing.lock().position();
        after.seq += records.iter().filter(|record| matches!(record, Record::Purge(_))).count() as u64;
        self.publish(after, |standing| {
            for record in records {
                // They were made to follow it.
                let _ = standing.apply(record);
            }
        });
        Ok(())
    }

    fn publish(&self, position: Epoch, change: impl FnOnce(&mut Standing)) {
        self.told.books.tell(|ledger, now| ledger.numbered(now, position));
        change(&mut self.told.standing.lock());
        self.told.position.send_if_modified(|known| {
            let changed = *known != position;
            *known = position;
            changed
        });
    }

    /// Begins a segment where the last one is full, or could not be written.
    fn make_room(&mut self) -> Result<(), Down> {
        if self.journal.is_full() {
            let mut standing = self.told.standing.lock().clone();
            if let Err(error) = self.journal.begin(&mut standing) {
                return Err(self.down(&error));
            }
            *self.told.standing.lock() = standing;
            self.metrics.journal_up.set(1);
        }
        Ok(())
    }

    fn down(&self, error: &std::io::Error) -> Down {
        tracing::error!(%error, "the sequencer's journal cannot be written: purges are refused until it can");
        self.metrics.journal_up.set(0);
        Down
    }

    fn answer(&self, round: Round, written: Result<(), Down>) {
        for (to, epoch, outcome) in round.orders {
            let answer = if outcome == Outcome::Repeated && *self.told.position.borrow() >= epoch {
                Ok(epoch)
            } else {
                written.map(|()| epoch).map_err(OrderRefused::Down)
            };
            self.metrics.order(if answer.is_ok() { outcome } else { Outcome::Failed });
            let _ = to.send(answer);
        }
        for to in round.notes {
            let _ = to.send(written);
        }
    }

    /// A new term, where an epoch is known that was not given here.
    fn begin_term(&mut self, known: Epoch) -> Result<(), Down> {
        let position = self.told.standing.lock().position();
        // Nobody had been given it when it was told: that numbering has gone beyond it since gives its number to another purge. What
        // several tell is one loss.
        if known.term < position.term {
            return Ok(());
        }
        if known.term > term_above(position.term).saturating_add(MOST_AHEAD) {
            tracing::error!(%known, %position, "a member knows a term of a time that is far off: it is refused");
            return Err(Down);
        }
        let mut standing = self.told.standing.lock().in_term(term_above(position.term.max(known.term)));
        let begun = standing.position();
        if let Err(error) = self.journal.begin(&mut standing) {
            return Err(self.down(&error));
        }
        self.metrics.journal_up.set(1);
        self.metrics.terms.inc();
        tracing::warn!(%known, %position, %begun, "{}: a new term begins, and every cache asks anew", Loss::Forgotten);
        self.publish(begun, |told| *told = standing);
        Ok(())
    }
}
