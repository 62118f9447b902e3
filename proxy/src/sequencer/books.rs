//! One ledger, shared by the tasks of a process that leads, and who waits for what it decides.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use vitrine_shared::ack::AckAnswer;
use vitrine_shared::clock::BootTime;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{MemberKind, Renewal, Report};
use vitrine_shared::ledger::{Acknowledged, Earlier, Ledger, MemberView, Refusal, Reply, Terms, Trail, Waiting};

/// Members that were not heard for so long, and may not serve, are forgotten.
pub(super) const FORGET_AFTER: Duration = Duration::from_mins(10);

/// A [`Ledger`] behind a lock. It decides by [`BootTime`], and tells at once who waits.
#[derive(Debug)]
pub(super) struct Books {
    ledger: Mutex<Ledger>,
    /// The newest acknowledged epoch, while this process leads.
    acknowledged: watch::Sender<Epoch>,
    /// Something happened that may move the moment at which a lease's end decides.
    changed: Notify,
    /// Held while the record of members is changed: recording one and forgetting it must not cross.
    recording: tokio::sync::Mutex<()>,
}

/// Where members are recorded durably, for whoever leads next.
pub(super) trait Record {
    /// What can go wrong, refusals included.
    type Error: From<Refusal>;

    /// Records a member that is about to get its first lease.
    fn record(&self, id: &str, name: &str, kind: MemberKind) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Takes members off the record that hold no lease and will get none without being recorded again.
    fn erase(&self, ids: &[String]) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

// === impl Books ===

impl Books {
    /// Empty ones.
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            ledger: Mutex::new(Ledger::new(terms)),
            acknowledged: watch::Sender::new(Epoch::ZERO),
            changed: Notify::new(),
            recording: tokio::sync::Mutex::new(()),
        }
    }

    /// Tells the ledger something; what it decides by then is told to those who wait.
    pub(super) fn tell<T>(&self, told: impl FnOnce(&mut Ledger, BootTime) -> T) -> T {
        let mut ledger = self.lock();
        let result = told(&mut ledger, BootTime::now());
        let acknowledged = ledger.settle(BootTime::now());
        // Under the ledger's lock, so that what was decided later is also told later.
        self.acknowledged.send_if_modified(|known| {
            let changed = *known != acknowledged;
            *known = acknowledged;
            changed
        });
        drop(ledger);
        self.changed.notify_one();
        result
    }

    /// Asks the ledger something.
    pub(super) fn ask<T>(&self, asked: impl FnOnce(&Ledger, BootTime) -> T) -> T {
        asked(&self.lock(), BootTime::now())
    }

    /// Takes the lead with a lock that nobody else can have while this process lives.
    pub(super) fn lead(&self, position: Epoch, earlier: Earlier) {
        self.tell(|ledger, now| ledger.lead(now, now, position, earlier));
    }

    /// That lock is still held.
    pub(super) fn still_leads(&self) {
        self.tell(|ledger, now| {
            let position = ledger.position();
            ledger.proven(now, now, position);
        });
    }

    /// Takes a member's report, and records the member durably before its first lease.
    pub(super) async fn report<R: Record>(&self, record: &R, id: &str, report: &Report) -> Result<Renewal, R::Error> {
        loop {
            // The clock is read after the report came, and a pause from here on only shortens what is granted.
            let reply = self.tell(|ledger, now| ledger.report(now, id, report))?;
            match reply {
                Reply::Renewal(renewal) => return Ok(renewal),
                Reply::Record => {
                    let _crossing = self.recording.lock().await;
                    record.record(id, &report.name, report.kind).await?;
                    self.tell(|ledger, now| ledger.recorded(now, id, &report.name, report.kind));
                }
            }
        }
    }

    /// A member takes leave.
    pub(super) async fn leave<R: Record>(&self, record: &R, id: &str) -> Result<(), R::Error> {
        let _crossing = self.recording.lock().await;
        self.tell(|ledger, now| ledger.leave(now, id));
        record.erase(&[id.to_owned()]).await
    }

    /// Forgets members of which nothing was heard for long.
    pub(super) async fn forget<R: Record>(&self, record: &R) -> Result<(), R::Error> {
        let _crossing = self.recording.lock().await;
        let gone = self.tell(|ledger, now| ledger.forget(now, FORGET_AFTER));
        if gone.is_empty() {
            return Ok(());
        }
        record.erase(&gone).await
    }

    /// Decides when a lease runs out though nothing else happens. Never ends.
    pub(super) async fn run(&self) {
        loop {
            let changed = self.changed.notified();
            let (now, next) = self.ask(|ledger, now| (now, ledger.next_change(now)));
            match next {
                None => changed.await,
                Some(at) => {
                    tokio::select! {
                        () = changed => continue,
                        // A millisecond more, since the timer is coarser than the clock.
                        () = tokio::time::sleep(at.since(now) + Duration::from_millis(1)) => {}
                    }
                    self.tell(|_, _| ());
                }
            }
        }
    }

    /// Waits until an epoch is acknowledged, or `limit` is over.
    pub(super) async fn acknowledged(&self, epoch: Epoch, limit: Duration) -> AckAnswer {
        let mut acknowledged = self.acknowledged.subscribe();
        let waited = tokio::time::timeout(limit, acknowledged.wait_for(|newest| *newest >= epoch)).await;
        // What it found is let go before the books are asked: they tell of it under their lock.
        let is_reached = waited.is_ok_and(|found| found.is_ok());
        if is_reached {
            AckAnswer { acknowledged: Some(self.how(epoch)), waiting_for: Vec::new() }
        } else {
            AckAnswer { acknowledged: None, waiting_for: self.waiting_for(epoch) }
        }
    }

    /// How an acknowledged epoch came to be so.
    pub(super) fn how(&self, epoch: Epoch) -> Acknowledged {
        self.ask(|ledger, now| ledger.how(now, epoch))
    }

    /// Whom an epoch waits for.
    pub(super) fn waiting_for(&self, epoch: Epoch) -> Vec<Waiting> {
        self.ask(|ledger, now| ledger.waiting_for(now, epoch))
    }

    /// What became of an epoch.
    pub(super) fn trail(&self, epoch: Epoch) -> Trail {
        self.ask(|ledger, now| ledger.trail(now, epoch))
    }

    /// The members.
    pub(super) fn members(&self) -> Vec<MemberView> {
        self.ask(Ledger::members)
    }

    // A poisoned lock means a panic between two plain assignments; decisions are made anew from what is there.
    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever holds what was told while it asks the books would wait for them, and they for it.
    #[test]
    fn who_numbers_and_who_waits_do_not_wait_for_each_other() {
        const NUMBERS: u64 = 20_000;
        let books = std::sync::Arc::new(Books::new(Terms::of(Duration::from_secs(3), Duration::from_secs(2))));
        books.lead(Epoch::new(1, 0), Earlier::Members(Vec::new()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let waiters: Vec<_> = (0..4)
            .map(|_| {
                let books = books.clone();
                runtime.spawn(async move {
                    for seq in 1..=NUMBERS {
                        let answer = books.acknowledged(Epoch::new(1, seq), Duration::from_mins(1)).await;
                        assert!(answer.acknowledged.is_some(), "{seq}");
                    }
                })
            })
            .collect();
        for seq in 1..=NUMBERS {
            books.tell(|ledger, now| ledger.numbered(now, Epoch::new(1, seq)));
        }
        runtime.block_on(async {
            for waiter in waiters {
                waiter.await.unwrap();
            }
        });
    }
}
