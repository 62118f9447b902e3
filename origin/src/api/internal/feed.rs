//! `GET /v1/feed?after=TERM.SEQ&wait_ms=N`: what was numbered after an epoch.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::Page;

use crate::error::ApiError;
use crate::feed::pages;
use crate::state::AppState;

/// The parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    /// The epoch that the member stands at; without it, before all.
    #[serde(default)]
    after: Epoch,
    /// How long to wait, in milliseconds, while there is nothing new.
    #[serde(default)]
    wait_ms: u64,
}

/// Answers at once where there is something after the epoch, else when there is, or when the time is over.
///
/// No more than `feed.max_waiters` requests are held open; the others are answered at once.
pub(super) async fn feed(
    State(state): State<AppState>,
    parameters: Result<Query<Parameters>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page>, ApiError> {
    let Query(Parameters { after, wait_ms }) =
        parameters.map_err(|error| ApiError::invalid_data(format!("Invalid request: {}", error.body_text())))?;
    let page = pages::page(&state, after).await?;
    refuse_a_later_term(after, page.position)?;
    if page.position > after || wait_ms == 0 {
        return Ok(Json(page));
    }
    let Ok(_permit) = state.feed_waiters.try_acquire() else {
        return Ok(Json(page));
    };
    let wait = Duration::from_millis(wait_ms.min(state.config.feed.max_feed_wait_ms));
    let held = Held::new(&state);
    let newer = pages::something_new(&state, after, wait).await;
    drop(held);
    if newer {
        return Ok(Json(pages::page(&state, after).await?));
    }
    Ok(Json(page))
}

/// Counts a request that is held open, also when its caller goes away.
struct Held<'s>(&'s AppState);

// === impl Held ===

impl<'s> Held<'s> {
    fn new(state: &'s AppState) -> Self {
        state.metrics.relay.feed_waiters.inc();
        Self(state)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.metrics.relay.feed_waiters.dec();
    }
}

/// A member that knows a later term than Postgres: this is an old primary, whose answers must not be believed (rule 10).
fn refuse_a_later_term(after: Epoch, newest: Epoch) -> Result<(), ApiError> {
    if after.term <= newest.term {
        return Ok(());
    }
    tracing::error!(%after, %newest, "a member knows a later term than this database: is it an old primary?");
    Err(ApiError::unavailable(format!("This origin's database is at term {}, before {}.", newest.term, after.term)))
}
