//! This process as a member: it applies purges to its own tag table, reports how far it is, and holds a lease.
//!
//! It reads the outbox itself and not the Redis stream: the truth is at hand, and one path is easier to trust than two.

use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;

use vitrine_shared::clock::BootTime;
use vitrine_shared::coherence::ApplyError;
use vitrine_shared::feed::{MemberKind, Page, Report, VERSION};
use vitrine_shared::lease::Lease;

use super::members::{Came, MemberError, report};
use crate::outbox;
use crate::state::AppState;

/// This process's right to serve from its read cache. Without it every read goes to Postgres.
#[derive(Debug, Default)]
pub struct OwnLease(RwLock<Option<Lease>>);

/// Why this process cannot follow.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    /// The outbox cannot be read.
    #[error("the outbox: {0}")]
    Outbox(#[from] sqlx::Error),
    /// No lease: nobody who leads took the report.
    #[error(transparent)]
    Report(#[from] MemberError),
}

/// Renewals sent during one lease, so that two may be lost.
const RENEWALS_PER_LEASE: u32 = 3;

// === impl OwnLease ===

impl OwnLease {
    /// Whether the read cache may be served from now; reads the clock.
    pub fn holds(&self) -> bool {
        let lease = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        lease.is_some_and(|lease| lease.holds(BootTime::now()))
    }

    /// Gives it up: the process stops, and the members will not wait for it.
    pub(super) fn give_up(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn renew(&self, lease: Lease) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(lease);
    }
}

/// Applies and reports, for ever.
pub(super) async fn run(state: &AppState) {
    let every = state.config.feed.lease() / RENEWALS_PER_LEASE;
    let mut position = state.position.subscribe();
    let mut healthy = true;
    loop {
        position.mark_unchanged();
        let worked = catch_up_and_report(state).await;
        if let Err(error) = &worked
            && healthy
        {
            tracing::warn!(%error, "feed: this process cannot follow; its read cache rests when the lease ends");
        }
        healthy = worked.is_ok();
        let pause = if healthy { every } else { Duration::from_millis(state.config.feed.poll_ms) };
        tokio::select! {
            _ = position.changed(), if healthy => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Applies all that was numbered, then reports and renews the lease.
async fn catch_up_and_report(state: &AppState) -> Result<(), FollowError> {
    loop {
        let page = outbox::page(&state.pool, state.live.applied()).await?;
        state.note_position(page.position);
        if !apply(state, &page) {
            break;
        }
    }
    let report_of_mine = Report {
        v: VERSION,
        kind: MemberKind::Origin,
        name: state.config.feed.member_name.clone(),
        applied: state.live.applied(),
    };
    let sent_at = BootTime::now();
    let renewal = report(state, Came::Directly, &state.member_id, &report_of_mine).await?;
    if let Some(millis) = renewal.lease_ms {
        state.lease.renew(Lease::granted(sent_at, Duration::from_millis(millis)));
    }
    Ok(())
}

/// Applies a page; returns whether more may follow it.
fn apply(state: &AppState, page: &Page) -> bool {
    if let Some(position) = page.take_position {
        state.live.take_position(position);
        return false;
    }
    for batch in &page.batches {
        match state.live.apply(batch) {
            Ok(_) => {}
            Err(ApplyError::Gap { .. } | ApplyError::NewTerm { .. }) => {
                state.live.take_position(page.position);
                return false;
            }
        }
    }
    !page.batches.is_empty()
}
