//! The feed as this process takes part in it: what members report, when a write is acknowledged, and this process's own
//! place among the members, since its read cache obeys purges too.

pub mod ack;
mod books;
mod forward;
pub mod hints;
mod members;
mod own;
pub mod pages;
pub mod record;

pub use books::{Books, ReportError};
pub use forward::{FORWARDED, Forward, ForwardError, Write, WrittenAnswer};
pub use members::{Came, MemberError, leave, members, note_metrics, report, trail};
pub use own::OwnLease;

use crate::state::AppState;

/// Runs hints and this process's membership until the process stops, then takes its leave of the members.
pub async fn run(state: AppState) {
    tokio::select! {
        () = hints::run(&state) => {}
        () = hints::tell(&state) => {}
        () = own::run(&state) => {}
        () = state.books.run() => {}
        () = state.shutdown.cancelled() => {}
    }
    // First the lease, then the record: requests that still run must not serve what nobody waits for any more.
    state.lease.give_up();
    if let Err(error) = leave(&state, Came::Directly, &state.member_id).await {
        tracing::warn!(%error, "could not take leave of the members; they wait for the lease to run out");
    }
}
