//! This process as a member: it applies purges to its own tag table, reports how far it is, and holds a lease.
//!
//! It follows the process that leads, or the outbox, and not the Redis stream: the truth is at hand.

use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::{Duration, Instant};

use vitrine_shared::clock::BootTime;
use vitrine_shared::coherence::ApplyError;
use vitrine_shared::feed::{MemberKind, Page, Report};
use vitrine_shared::lease::Lease;

use super::members::{Came, MemberError, report};
use super::pages;
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
    let mut wait = Duration::ZERO;
    loop {
        match catch_up_and_report(state, wait).await {
            Ok(()) => wait = every,
            Err(error) => {
                // The first time only: it is as it was until it works again.
                if !wait.is_zero() {
                    tracing::warn!(%error, "feed: this process cannot follow; its read cache rests when the lease ends");
                }
                wait = Duration::ZERO;
                tokio::time::sleep(Duration::from_millis(state.config.feed.poll_ms)).await;
            }
        }
    }
}

/// Waits for something to be numbered, but not longer than `wait`; applies it, then reports and renews the lease.
async fn catch_up_and_report(state: &AppState, wait: Duration) -> Result<(), FollowError> {
    loop {
        let page = wait_for_page(state, wait).await?;
        if !apply(state, &page) || state.live.applied() >= page.position {
            break;
        }
    }
    let report_of_mine = Report::new(MemberKind::Origin, state.config.feed.member_name.clone(), state.live.applied());
    let sent_at = BootTime::now();
    let renewal = report(state, Came::Directly, &state.member_id, &report_of_mine).await?;
    if let Some(millis) = renewal.lease_ms {
        state.lease.renew(Lease::granted(sent_at, Duration::from_millis(millis)));
    }
    Ok(())
}

/// What follows, from the process that leads, since it knows first; else from Postgres.
///
/// A page of the leader's counts within the term that this process's own database showed it: with a database of another term it
/// must not take up the leader's numbers, which say nothing of what is read there.
async fn wait_for_page(state: &AppState, wait: Duration) -> Result<Page, sqlx::Error> {
    let applied = state.live.applied();
    let asked = Instant::now();
    if !wait.is_zero() && !state.books.leads() {
        match state.forward.page(&state.member_id, applied, wait).await {
            Ok(page) if page.position.term == applied.term => {
                state.note_position(page.position);
                if page.position <= applied || page.batches.is_empty() && page.take_position.is_none() {
                    // It was answered early where the leader holds no more questions: then not again at once.
                    let early =
                        wait.saturating_sub(asked.elapsed()).min(Duration::from_millis(state.config.feed.poll_ms));
                    tokio::time::sleep(early).await;
                }
                return Ok(page);
            }
            Ok(page) => tracing::debug!(position = %page.position, "the leader is of another term"),
            Err(error) => tracing::debug!(%error, "no page from the process that leads"),
        }
    }
    let page = pages::page(state, applied).await?;
    if page.position > applied || wait.is_zero() {
        return Ok(page);
    }
    // Where this process numbers, or somebody tells it of a number, it hears of it here.
    let pause = if state.books.leads() { wait } else { Duration::from_millis(state.config.feed.poll_ms) };
    if pages::something_new(state, applied, pause).await { pages::page(state, applied).await } else { Ok(page) }
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
