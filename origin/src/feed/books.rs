//! The ledger of this process: only the one that leads the relay writes in it, and everybody asks it here.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Notify, watch};
use vitrine_shared::clock::BootTime;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{MemberKind, Renewal, Report};
use vitrine_shared::ledger::{Acknowledged, Earlier, Ledger, MemberView, Refusal, Reply, Terms, Trail, Waiting};

use super::record;

/// Members that were not heard for so long, and may not serve, are forgotten.
const FORGET_AFTER: Duration = Duration::from_mins(10);

/// The ledger of this process, and who waits for what it decides.
#[derive(Debug)]
pub struct Books {
    ledger: Mutex<Ledger>,
    /// Which time of leading this is, by the record; 0 before the first.
    incarnation: AtomicI64,
    /// The newest acknowledged epoch, while this process leads.
    acknowledged: watch::Sender<Epoch>,
    /// Something happened that may move the moment at which a lease's end decides.
    changed: Notify,
    /// Held while the record of members is changed: recording one and forgetting it must not cross.
    recording: tokio::sync::Mutex<()>,
}

/// Why a report was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The ledger does not take it.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The record could not be written.
    #[error("the member could not be recorded: {0}")]
    Record(#[from] sqlx::Error),
}

// === impl Books ===

impl Books {
    /// Empty ones.
    pub fn new(terms: Terms) -> Self {
        Self {
            ledger: Mutex::new(Ledger::new(terms)),
            incarnation: AtomicI64::new(0),
            acknowledged: watch::Sender::new(Epoch::ZERO),
            changed: Notify::new(),
            recording: tokio::sync::Mutex::new(()),
        }
    }

    /// Takes the lead on the session that holds the lock; returns where numbering stands.
    ///
    /// Where Postgres does not hold what this process or members know of (`known` is the newest epoch that it followed), history was lost,
    /// and a new term begins before any of its numbers is given again.
    pub async fn take_lead(
        &self,
        connection: &mut PgConnection,
        member_id: &str,
        url: &str,
        known: Epoch,
    ) -> Result<Epoch, sqlx::Error> {
        self.ledger.lock().knows(BootTime::now(), known);
        let sent = BootTime::now();
        let taken = record::take_over(connection, member_id, url).await?;
        let now = BootTime::now();
        if taken.raised {
            tracing::warn!(position = %taken.position, "Postgres's history is another one (promoted or restored): a new term begins");
        }
        let lost = {
            let mut ledger = self.ledger.lock();
            let before = self.incarnation.swap(taken.incarnation, Ordering::AcqRel);
            // A record of before, or a database of an earlier term: whom it does not name may hold a lease all the same.
            let is_old = taken.incarnation <= before || known.term > taken.position.term;
            let earlier = if is_old { Earlier::Unknown } else { taken.earlier };
            // Nobody led in between, and the term is the same: what this process has granted is all that there is.
            if before > 0 && taken.incarnation == before + 1 && ledger.position().term == taken.position.term {
                ledger.resume(sent, now, taken.position);
            } else {
                ledger.lead(sent, now, taken.position, earlier);
            }
            ledger.lost_history()
        };
        self.settle();
        let Some(lost) = lost else {
            return Ok(taken.position);
        };
        tracing::error!(%lost, position = %taken.position, "Postgres does not hold what was numbered: history was lost, and a new term begins");
        let position = record::raise_term(connection).await?;
        self.numbered(position);
        Ok(position)
    }

    /// Which time of leading this is, and the term, once nobody can hold a lease whom the record does not name.
    pub fn settled(&self) -> Option<(i64, Epoch)> {
        let ledger = self.ledger.lock();
        let is_over = !ledger.is_quiet(BootTime::now()) && ledger.lost_history().is_none();
        is_over.then(|| (self.incarnation.load(Ordering::Acquire), ledger.position()))
    }

    /// The session that holds the lock answered what was asked at `sent`; an epoch that was lost where history was.
    pub fn proven(&self, sent: BootTime, position: Epoch) -> Option<Epoch> {
        let lost = {
            let mut ledger = self.ledger.lock();
            ledger.proven(sent, BootTime::now(), position);
            ledger.lost_history()
        };
        self.settle();
        lost
    }

    /// All up to `position` was numbered on the session that holds the lock.
    pub fn numbered(&self, position: Epoch) {
        self.ledger.lock().numbered(BootTime::now(), position);
        self.settle();
    }

    /// The session is lost.
    pub fn stop_leading(&self) {
        self.ledger.lock().stop_leading();
    }

    /// Whether this process may grant leases now.
    pub fn leads(&self) -> bool {
        self.ledger.lock().leads(BootTime::now())
    }

    /// Takes a member's report, and records the member durably before its first lease.
    pub async fn report(&self, pool: &PgPool, id: &str, report: &Report) -> Result<Renewal, ReportError> {
        loop {
            // The clock is read after the report came, and a pause from here on only shortens what is granted.
            let reply = self.ledger.lock().report(BootTime::now(), id, report)?;
            match reply {
                Reply::Renewal(renewal) => {
                    self.settle();
                    return Ok(renewal);
                }
                Reply::Record => self.record(pool, id, &report.name, report.kind).await?,
            }
        }
    }

    async fn record(&self, pool: &PgPool, id: &str, name: &str, kind: MemberKind) -> Result<(), ReportError> {
        let _crossing = self.recording.lock().await;
        if !record::record(pool, self.incarnation.load(Ordering::Acquire), id, name, kind).await? {
            self.stop_leading();
            return Err(Refusal::NotLeading.into());
        }
        self.ledger.lock().recorded(BootTime::now(), id, name, kind);
        Ok(())
    }

    /// A member takes leave.
    pub async fn leave(&self, pool: &PgPool, id: &str) -> Result<(), sqlx::Error> {
        let _crossing = self.recording.lock().await;
        self.ledger.lock().leave(BootTime::now(), id);
        self.settle();
        record::erase(pool, self.incarnation.load(Ordering::Acquire), &[id.to_owned()]).await
    }

    /// Forgets members of which nothing was heard for long.
    pub async fn forget(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let _crossing = self.recording.lock().await;
        let gone = self.ledger.lock().forget(BootTime::now(), FORGET_AFTER);
        if gone.is_empty() {
            return Ok(());
        }
        record::erase(pool, self.incarnation.load(Ordering::Acquire), &gone).await
    }

    /// Decides anew what is acknowledged.
    fn settle(&self) {
        // Under the ledger's lock, so that what was decided later is also told later.
        let mut ledger = self.ledger.lock();
        let acknowledged = ledger.settle(BootTime::now());
        self.acknowledged.send_if_modified(|known| {
            let changed = *known != acknowledged;
            *known = acknowledged;
            changed
        });
        self.changed.notify_one();
    }

    /// Decides when a lease runs out though nothing else happens. Never ends.
    pub async fn run(&self) {
        loop {
            let changed = self.changed.notified();
            let now = BootTime::now();
            let next = self.ledger.lock().next_change(now);
            match next {
                None => changed.await,
                Some(at) => {
                    tokio::select! {
                        () = changed => continue,
                        // A millisecond more, since the timer is coarser than the clock.
                        () = tokio::time::sleep(at.since(now) + Duration::from_millis(1)) => {}
                    }
                    self.settle();
                }
            }
        }
    }

    /// The newest acknowledged epoch, as long as this process leads.
    pub fn acknowledged(&self) -> watch::Receiver<Epoch> {
        self.acknowledged.subscribe()
    }

    /// How an acknowledged epoch came to be so.
    pub fn how(&self, epoch: Epoch) -> Acknowledged {
        self.ledger.lock().how(BootTime::now(), epoch)
    }

    /// Whom an epoch waits for.
    pub fn waiting_for(&self, epoch: Epoch) -> Vec<Waiting> {
        self.ledger.lock().waiting_for(BootTime::now(), epoch)
    }

    /// What became of an epoch.
    pub fn trail(&self, epoch: Epoch) -> Trail {
        self.ledger.lock().trail(BootTime::now(), epoch)
    }

    /// Whether origin processes other than this one are members.
    pub fn has_others(&self, own: &str) -> bool {
        let members = self.ledger.lock().members(BootTime::now());
        members.iter().any(|member| member.kind == MemberKind::Origin && member.id != own)
    }

    /// The members.
    pub fn members(&self) -> Vec<MemberView> {
        self.ledger.lock().members(BootTime::now())
    }
}
