//! Waiting until every member has applied a write's purges (rule 9).

use std::time::{Duration, Instant};

use vitrine_shared::epoch::Epoch;

use super::{Member, Standing, standings};
use crate::outbox::{self, Receipt};
use crate::state::AppState;

/// How far a write has come when its caller is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledgement {
    /// No member serves what the write replaced.
    Acked {
        /// The write's epoch.
        epoch: Epoch,
        /// Members that have applied it.
        members: usize,
    },
    /// The time ran out before; the write itself is committed.
    Pending {
        /// The write's epoch, where it has one already.
        epoch: Option<Epoch>,
    },
}

/// What the members' standings say of an epoch. Pure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tally {
    /// All that are known have applied it.
    All(usize),
    /// All that may hold a lease have; some are gone, which is certain only under lock.
    AllConnected(usize),
    /// One with a lease has not, or it is not known yet who holds one.
    Waiting,
}

/// Waits until a write's purges are acknowledged, but not longer than `limit`.
///
/// A write that changed nothing waits for what was committed before it.
/// Postgres failing on the way ends as pending: the write is committed all the same.
pub async fn wait(state: &AppState, receipt: &Receipt, limit: Duration) -> Acknowledgement {
    let started = Instant::now();
    let mut known = None;
    let waited = tokio::time::timeout(limit, async {
        let epoch = numbered(state, receipt).await;
        known = Some(epoch);
        (epoch, applied_by_all(state, epoch).await)
    })
    .await;
    match waited {
        Ok((epoch, members)) => {
            state.metrics.relay.acknowledged_seconds.observe(started.elapsed().as_secs_f64());
            Acknowledgement::Acked { epoch, members }
        }
        Err(_) => Acknowledgement::Pending { epoch: known },
    }
}

/// Waits until all events of the write have a number. A write that changed nothing found what others had committed, so it
/// waits for those that had no number then.
async fn numbered(state: &AppState, receipt: &Receipt) -> Epoch {
    let mut position = state.position.subscribe();
    let mut awaited = (!receipt.is_empty()).then(|| receipt.clone());
    loop {
        position.mark_unchanged();
        match resolve(state, &mut awaited).await {
            Ok(Some(epoch)) => return epoch,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "waiting for a number"),
        }
        woken(state, position.changed()).await;
    }
}

async fn resolve(state: &AppState, awaited: &mut Option<Receipt>) -> Result<Option<Epoch>, sqlx::Error> {
    if awaited.is_none() {
        *awaited = Some(outbox::unnumbered(&state.pool).await?);
    }
    match awaited {
        Some(receipt) => outbox::resolve(&state.pool, receipt).await,
        None => Ok(None),
    }
}

/// Waits until every member that may hold a lease has applied `epoch`; returns how many have.
async fn applied_by_all(state: &AppState, epoch: Epoch) -> usize {
    let mut reports = state.member_reports.subscribe();
    loop {
        reports.mark_unchanged();
        match look(state, epoch).await {
            Ok(Some(members)) => return members,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "waiting for members"),
        }
        woken(state, reports.changed()).await;
    }
}

/// A hint, or the fallback for hints that were lost. It is also what notices that a lease has run out.
async fn woken<T>(state: &AppState, hint: impl Future<Output = T>) {
    let _ = tokio::time::timeout(Duration::from_millis(state.config.feed.poll_ms), hint).await;
}

async fn look(state: &AppState, epoch: Epoch) -> Result<Option<usize>, sqlx::Error> {
    let gone_after = state.config.feed.gone_after();
    let mut tx = state.pool.begin().await?;
    let mut found = tally(standings(&mut tx, gone_after, false).await?.as_deref(), epoch);
    if let Tally::AllConnected(_) = found {
        // A report under way might be giving a lease to one that seems gone.
        found = tally(standings(&mut tx, gone_after, true).await?.as_deref(), epoch);
    }
    tx.commit().await?;
    Ok(match found {
        Tally::All(members) | Tally::AllConnected(members) => Some(members),
        Tally::Waiting => None,
    })
}

fn tally(members: Option<&[Member]>, epoch: Epoch) -> Tally {
    let Some(members) = members else {
        return Tally::Waiting;
    };
    let mut applied = 0;
    let mut gone = false;
    for member in members {
        match member.standing {
            Standing::Connected if member.applied < epoch => return Tally::Waiting,
            Standing::Connected => applied += 1,
            // With its lease it would serve what the write replaced, so that must be certain.
            Standing::Gone => gone |= member.applied < epoch,
        }
    }
    if gone { Tally::AllConnected(applied) } else { Tally::All(applied) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(seq: u64, standing: Standing) -> Member {
        Member { id: String::new(), kind: "edge".into(), applied: Epoch::new(1, seq), standing }
    }

    #[test]
    fn a_write_waits_for_those_with_a_lease_and_for_no_others() {
        use Standing::{Connected, Gone};
        let epoch = Epoch::new(1, 5);
        assert_eq!(tally(None, epoch), Tally::Waiting);
        assert_eq!(tally(Some(&[]), epoch), Tally::All(0));
        assert_eq!(tally(Some(&[member(5, Connected), member(9, Connected)]), epoch), Tally::All(2));
        assert_eq!(tally(Some(&[member(5, Connected), member(4, Connected)]), epoch), Tally::Waiting);
        assert_eq!(tally(Some(&[member(5, Connected), member(4, Gone)]), epoch), Tally::AllConnected(1));
        assert_eq!(tally(Some(&[member(5, Connected), member(6, Gone)]), epoch), Tally::All(1));
        assert_eq!(tally(Some(&[member(4, Gone), member(4, Connected)]), epoch), Tally::Waiting);
    }
}
