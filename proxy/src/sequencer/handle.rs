//! What the internal port asks: orders, reports, pages, acknowledgements.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};
use vitrine_shared::ack::AckAnswer;
use vitrine_shared::clock::millis;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{MemberKind, Order, Page, Renewal, Report};
use vitrine_shared::ledger::{MemberView, Refusal, Terms, Trail};

use super::books::{self, Books};
use super::journal::{Claim, Journal, Unusable};
use super::line::{Member, Record};
use super::metrics::SequencerMetrics;
use super::writer::{Command, Down, Told, Writer, fresh_term};
use crate::disk::io::Io;

/// Commands that may wait for the writer; past it callers wait to be heard.
const INBOX: usize = 1_024;
/// How often members are forgotten that were not heard for long, and the end of a quiet time is noted.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// Numbers purges by one journal. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sequencer {
    told: Arc<Told>,
    commands: mpsc::Sender<Command>,
    lease_ms: u64,
}

/// An order got no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefused {
    /// Its key came with another order before.
    #[error("this key came with another purge before: use a new key for another purge")]
    KeyReused,
    /// It could not be written down.
    #[error("{0}: send it again under its key")]
    Down(#[from] Down),
}

/// A report was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportRefused {
    /// The ledger does not take it.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The member could not be recorded.
    #[error("{0}")]
    Down(#[from] Down),
}

// === impl Sequencer ===

impl Sequencer {
    /// Takes the folder and leads by what is in it; leases last as `terms` say.
    pub fn open(folder: &Path, terms: Terms, metrics: SequencerMetrics) -> Result<Self, Unusable> {
        Self::with(Arc::new(crate::disk::io::Disk), folder, terms, metrics)
    }

    pub(super) fn with(
        io: Arc<dyn Io>,
        folder: &Path,
        terms: Terms,
        metrics: SequencerMetrics,
    ) -> Result<Self, Unusable> {
        let claim = Claim::take(io, folder)?;
        let mut found = claim.read(fresh_term)?;
        let unknown = found.standing.grant(millis(terms.lease));
        let journal = Journal::go_on(claim, &mut found)?;
        let position = found.standing.position();
        if let Some(loss) = found.new_term {
            metrics.terms.inc();
            tracing::warn!(%position, "{loss}: a new term begins, and every cache asks anew");
        } else {
            tracing::info!(%position, "the sequencer goes on by its journal");
        }
        metrics.journal_up.set(1);
        let books = Books::new(terms);
        books.lead(position, found.earlier);
        if let Some(longest) = unknown {
            let handover = Terms { lease: Duration::from_millis(longest), ..terms }.handover();
            books.tell(|ledger, now| ledger.be_quiet(now, handover));
        }
        let told =
            Arc::new(Told { books, standing: Mutex::new(found.standing), position: watch::Sender::new(position) });
        let (commands, inbox) = mpsc::channel(INBOX);
        let writer = Writer { journal, told: told.clone(), inbox, metrics };
        // It ends, and lets the folder go, when nobody is left who could ask.
        std::thread::Builder::new()
            .name("sequencer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| Unusable::Io { path: folder.to_owned(), error })?;
        Ok(Self { told, commands, lease_ms: millis(terms.lease) })
    }

    /// Decides what time alone decides. Never ends.
    pub async fn run(&self) {
        let forget = async {
            loop {
                tokio::time::sleep(FORGET_EVERY).await;
                self.settle().await;
                if let Err(error) = self.told.books.forget(self).await {
                    tracing::warn!(%error, "members that are gone could not be taken off the record");
                }
            }
        };
        tokio::join!(self.told.books.run(), forget);
    }

    /// Numbers an order durably.
    pub async fn order(&self, order: Order) -> Result<Epoch, OrderRefused> {
        let (who, tags, everything, mode) = (order.who.clone(), order.tags.len(), order.everything, order.mode);
        let epoch = self.ask(|to| Command::Order(order, to)).await.unwrap_or(Err(OrderRefused::Down(Down)))?;
        tracing::info!(target: "purge", who, %epoch, ?mode, tags, everything, "a purge was ordered");
        Ok(epoch)
    }

    /// Takes a member's report.
    pub async fn report(&self, id: &str, report: &Report) -> Result<Renewal, ReportRefused> {
        // The folder's lock cannot be lost while this process lives.
        self.told.books.still_leads();
        let renewal = self.told.books.report(self, id, report).await;
        if self.is_beyond(report.applied) {
            self.lost(report.applied).await;
        }
        renewal
    }

    /// A member takes leave.
    pub async fn leave(&self, id: &str) -> Result<(), ReportRefused> {
        self.told.books.leave(self, id).await
    }

    /// What follows an epoch; waits for that up to `wait`. `None` where this epoch was not given here: then a new term begins.
    pub async fn page(&self, after: Epoch, wait: Duration) -> Option<Page> {
        if self.is_beyond(after) {
            self.lost(after).await;
            return None;
        }
        let mut position = self.told.position.subscribe();
        if !wait.is_zero() {
            // Over, or something new: told what is there either way.
            let _ = tokio::time::timeout(wait, position.wait_for(|newest| *newest > after)).await;
        }
        Some(self.told.standing.lock().page(after))
    }

    /// Waits until an epoch is acknowledged, or `limit` is over.
    pub async fn acknowledged(&self, epoch: Epoch, limit: Duration) -> AckAnswer {
        self.told.books.acknowledged(epoch, limit).await
    }

    /// What became of an epoch.
    pub fn trail(&self, epoch: Epoch) -> Trail {
        self.told.books.trail(epoch)
    }

    /// The members.
    pub fn members(&self) -> Vec<MemberView> {
        self.told.books.members()
    }

    /// The newest epoch that members are told.
    pub fn position(&self) -> Epoch {
        *self.told.position.borrow()
    }

    /// Whether an epoch was not given here: the books hear of each before anybody else can.
    fn is_beyond(&self, epoch: Epoch) -> bool {
        epoch > self.told.books.ask(|ledger, _| ledger.position())
    }

    /// Writes down that no leases run any more of which nobody knows whose they are, once that is so.
    async fn settle(&self) {
        let (is_quiet, term) = {
            let standing = self.told.standing.lock();
            (standing.is_quiet(), standing.position().term)
        };
        let is_over = self.told.books.ask(|ledger, now| ledger.position().term == term && !ledger.is_quiet(now));
        if is_quiet && is_over {
            self.note_settled(term).await;
        }
    }

    pub(super) async fn note_settled(&self, term: u32) {
        let settled = Record::Settled { term, lease_ms: self.lease_ms };
        // Where it cannot be written down, the next round does it.
        let _ = self.ask(|to| Command::Note(settled, to)).await;
    }

    /// Somebody knows an epoch that was not given here.
    async fn lost(&self, known: Epoch) {
        // Where it cannot be written down, the next report or page brings it up again; until then nothing is acknowledged.
        let _ = self.ask(|to| Command::Lost(known, to)).await;
    }

    /// `None` where the writer is gone.
    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (to, answer) = oneshot::channel();
        self.commands.send(command(to)).await.ok()?;
        answer.await.ok()
    }
}

impl books::Record for Sequencer {
    type Error = ReportRefused;

    async fn record(&self, id: &str, name: &str, kind: MemberKind) -> Result<(), ReportRefused> {
        let record = Record::Member(Member { id: id.to_owned(), name: name.to_owned(), kind });
        Ok(self.ask(|to| Command::Note(record, to)).await.unwrap_or(Err(Down))?)
    }

    async fn erase(&self, ids: &[String]) -> Result<(), ReportRefused> {
        let record = Record::Gone { ids: ids.to_vec() };
        Ok(self.ask(|to| Command::Note(record, to)).await.unwrap_or(Err(Down))?)
    }
}
