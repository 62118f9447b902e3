//! What members report, by whichever process they report to: the one that leads answers, the others hand it on.

use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{MemberKind, Renewal, Report};
use vitrine_shared::ledger::{MemberView, Refusal, Trail};

use super::books::ReportError;
use super::forward::ForwardError;
use crate::outbox;
use crate::state::AppState;

/// Whether a request came from a member or was handed on by another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// From the member itself.
    Directly,
    /// Another process took this one for the leader; it is not handed on again.
    Forwarded,
}

/// Nobody who leads could be asked.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// The ledger here refuses.
    #[error("{0}")]
    Here(#[from] ReportError),
    /// The process that leads was not reached, or refuses.
    #[error("{0}")]
    There(#[from] ForwardError),
}

/// Takes a member's report, or hands it on to the process that leads.
pub async fn report(state: &AppState, came: Came, id: &str, report: &Report) -> Result<Renewal, MemberError> {
    match state.books.report(&state.pool, id, report).await {
        // What the leader knows is hearsay here: which term this process reads in, only its own database can tell it.
        Err(ReportError::Refused(Refusal::NotLeading)) if came == Came::Directly => {
            Ok(state.forward.report(&state.member_id, id, report).await?)
        }
        answered => Ok(answered?),
    }
}

/// A member takes leave; it must serve nothing from its cache any more.
pub async fn leave(state: &AppState, came: Came, id: &str) -> Result<(), MemberError> {
    if !state.books.leads() && came == Came::Directly {
        match state.forward.leave(&state.member_id, id).await {
            // By the record it is this process that leads; it stops, and nobody else can take the member off.
            Err(ForwardError::NoLeader) => {}
            told => return Ok(told?),
        }
    }
    Ok(state.books.leave(&state.pool, id).await.map_err(ReportError::Record)?)
}

/// The members, as the process that leads knows them.
pub async fn members(state: &AppState, came: Came) -> Result<Vec<MemberView>, MemberError> {
    if !state.books.leads() && came == Came::Directly {
        return Ok(state.forward.members(&state.member_id).await?);
    }
    Ok(state.books.members())
}

/// What became of an epoch, as the process that leads knows it.
pub async fn trail(state: &AppState, came: Came, epoch: Epoch) -> Result<Trail, MemberError> {
    if !state.books.leads() && came == Came::Directly {
        return Ok(state.forward.trail(&state.member_id, epoch).await?);
    }
    Ok(state.books.trail(epoch))
}

/// For metrics: rows that wait for a number, and, where this process leads, the members with a lease and how far they are behind.
pub async fn note_metrics(state: &AppState) -> Result<(), sqlx::Error> {
    let metrics = &state.metrics.relay;
    let members = if state.books.leads() { state.books.members() } else { Vec::new() };
    let holders = || members.iter().filter(|member| member.may_serve);
    for (kind, label) in [(MemberKind::Edge, "edge"), (MemberKind::Origin, "origin")] {
        let count = holders().filter(|member| member.kind == kind).count();
        metrics.members.with_label_values(&[label]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    let newest = state.position.borrow().seq;
    let lag = holders().map(|member| newest.saturating_sub(member.applied.seq)).max().unwrap_or(0);
    metrics.member_lag.set(i64::try_from(lag).unwrap_or(i64::MAX));
    metrics.unnumbered.set(outbox::unnumbered(&state.pool).await?.tickets().len().try_into().unwrap_or(i64::MAX));
    Ok(())
}
