//! Waiting until a write is acknowledged (rule 9): by the ledger here where this process leads, else by asking the one that does.

use std::time::{Duration, Instant};

use vitrine_shared::ack::AckAnswer;
pub use vitrine_shared::ack::Acknowledgement;
use vitrine_shared::epoch::Epoch;

use super::forward::WrittenAnswer;
use crate::outbox::{self, Receipt};
use crate::state::AppState;

/// Waits until a write's purges are acknowledged, but not longer than `limit`.
///
/// A write that changed nothing waits for what was committed before it.
/// Postgres failing on the way ends as pending: the write is committed all the same.
pub async fn wait(state: &AppState, receipt: &Receipt, limit: Duration) -> Acknowledgement {
    let started = Instant::now();
    let mut found = WrittenAnswer::default();
    if !receipt.is_empty() && !state.books.leads() {
        // Who leads numbers it and hears of its being applied: one question there saves two of Postgres here.
        match state.forward.written(&state.member_id, receipt, limit).await {
            Ok(answer) => found = answer,
            Err(error) => tracing::debug!(%error, "asking the process that leads"),
        }
    }
    let left = limit.saturating_sub(started.elapsed());
    if found.answer.acknowledged.is_none() && !left.is_zero() {
        found = written(state, receipt, left).await;
    }
    let Some(epoch) = found.epoch else {
        return Acknowledgement::Pending { epoch: None, waiting_for: found.answer.waiting_for };
    };
    if let Some(how) = &found.answer.acknowledged {
        let since = receipt.committed().unwrap_or(started);
        state.metrics.relay.acknowledged_seconds.observe(since.elapsed().as_secs_f64());
        state.metrics.relay.lapsed.inc_by(u64::from(!how.lapsed.is_empty()));
    }
    Acknowledgement::of(epoch, found.answer)
}

/// Waits until a write is numbered and acknowledged, or `limit` is over; asks other processes only for epochs.
pub async fn written(state: &AppState, receipt: &Receipt, limit: Duration) -> WrittenAnswer {
    let started = Instant::now();
    let Ok(epoch) = tokio::time::timeout(limit, numbered(state, receipt)).await else {
        return WrittenAnswer::default();
    };
    let answer = answer(state, epoch, limit.saturating_sub(started.elapsed())).await;
    WrittenAnswer { epoch: Some(epoch), answer }
}

/// Waits until an epoch is acknowledged or `limit` is over, whichever process leads.
pub async fn answer(state: &AppState, epoch: Epoch, limit: Duration) -> AckAnswer {
    let ends = Instant::now() + limit;
    loop {
        let left = ends.saturating_duration_since(Instant::now());
        let found = if state.books.leads() {
            answer_here(state, epoch, left.min(look_again(state))).await
        } else {
            elsewhere(state, epoch, left).await
        };
        if found.acknowledged.is_some() || ends <= Instant::now() {
            return found;
        }
    }
}

/// Waits by the ledger of this process.
pub async fn answer_here(state: &AppState, epoch: Epoch, limit: Duration) -> AckAnswer {
    let mut acknowledged = state.books.acknowledged();
    let waited = tokio::time::timeout(limit, acknowledged.wait_for(|newest| *newest >= epoch)).await;
    // What it found is let go before the books are asked: they tell of it under their lock.
    let is_reached = waited.is_ok_and(|found| found.is_ok());
    if is_reached {
        AckAnswer { acknowledged: Some(state.books.how(epoch)), waiting_for: Vec::new() }
    } else {
        AckAnswer { acknowledged: None, waiting_for: state.books.waiting_for(epoch) }
    }
}

/// Asks the process that leads; without an answer it pauses, so that the caller may try again.
async fn elsewhere(state: &AppState, epoch: Epoch, limit: Duration) -> AckAnswer {
    match state.forward.acknowledged(&state.member_id, epoch, limit).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::debug!(%error, "waiting for an acknowledgement");
            let looked = state.forward.look(&state.pool);
            let pause = look_again(state).min(limit);
            let _ = tokio::join!(tokio::time::timeout(pause, looked), tokio::time::sleep(pause));
            AckAnswer { acknowledged: None, waiting_for: Vec::new() }
        }
    }
}

/// Waits until all events of the write have a number. A write that changed nothing found what others had committed, so it
/// waits for those that had no number then.
pub async fn numbered(state: &AppState, receipt: &Receipt) -> Epoch {
    let started = Instant::now();
    let mut position = state.position.subscribe();
    let mut awaited = (!receipt.is_empty()).then(|| receipt.clone());
    loop {
        position.mark_unchanged();
        // Who does not lead any more may remember numbers of a history that is lost.
        if state.books.leads()
            && let Some(epoch) = state.recent.resolve(receipt)
        {
            return epoch;
        }
        // Where this process numbers it knows the number first; Postgres is asked where that is not so, or takes long.
        let asks = awaited.is_none() || !state.books.leads() || started.elapsed() >= look_again(state);
        let resolved = if asks { resolve(state, &mut awaited).await } else { Ok(None) };
        match resolved {
            Ok(Some(epoch)) => return epoch,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "waiting for a number"),
        }
        // A hint, or the fallback for hints that were lost.
        let _ = tokio::time::timeout(look_again(state), position.changed()).await;
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

fn look_again(state: &AppState) -> Duration {
    Duration::from_millis(state.config.feed.poll_ms)
}
