//! What follows an epoch in the feed: from memory where this process numbers, else from Postgres.

use std::time::Duration;

use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::Page;

use crate::outbox;
use crate::state::AppState;

/// What was numbered after an epoch, as far as one page goes.
///
/// A process that could prove lately that it leads knows itself what it numbered. Another may have been replaced without knowing,
/// and its page would say that there is nothing new.
pub async fn page(state: &AppState, after: Epoch) -> Result<Page, sqlx::Error> {
    let page = match state.recent.page(after) {
        Some(page) if state.books.leads() => page,
        _ => outbox::page(&state.pool, after).await?,
    };
    state.note_position(page.position);
    Ok(page)
}

/// Whether something was numbered after an epoch before the time was over or the process was told to stop.
pub async fn something_new(state: &AppState, after: Epoch, wait: Duration) -> bool {
    let mut position = state.position.subscribe();
    tokio::select! {
        newer = position.wait_for(|newest| *newest > after) => newer.is_ok(),
        () = tokio::time::sleep(wait) => false,
        () = state.shutdown.cancelled() => false,
    }
}
