//! Postgres's notifications, which save waiting for the next poll. They get lost, so nothing depends on them.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::database;
use crate::outbox;
use crate::state::AppState;

/// Rows were added to the outbox (sent by a trigger, or by a process that does not lead).
const OUTBOX: &str = "vitrine_outbox";
/// Another process leads now.
pub(super) const LEADER: &str = "vitrine_leader";

/// Listens, and asks Postgres for the position when it hears nothing. Never ends.
pub(super) async fn run(state: &AppState) {
    let pause = Duration::from_millis(state.config.feed.poll_ms);
    loop {
        if let Err(error) = listen(state, pause).await {
            tracing::warn!(%error, "hints: the connection to Postgres failed; polling goes on");
        }
        tokio::time::sleep(pause).await;
    }
}

async fn listen(state: &AppState, pause: Duration) -> Result<(), sqlx::Error> {
    let options = database::connect_options(&state.config.database)?.application_name("vitrine-hints");
    // A pool of one, so that the listener's connection is not taken from the requests'.
    let pool =
        PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None).connect_with(options).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen_all([OUTBOX, LEADER]).await?;
    loop {
        look(state).await?;
        // Whatever was heard, the state of things is read anew only after a quiet while.
        while let Ok(heard) = tokio::time::timeout(pause, listener.try_recv()).await {
            let Some(notification) = heard? else {
                return Err(sqlx::Error::WorkerCrashed);
            };
            if notification.channel() == LEADER {
                break;
            }
            state.outbox.hinted();
        }
    }
}

/// Tells the process that leads of what was committed here: all that came while it was told is one telling. Never ends.
pub(super) async fn tell(state: &AppState) {
    let mut commits = state.outbox.commits();
    while commits.changed().await.is_ok() {
        // Its relay hears of it by itself.
        if state.books.leads() || state.forward.committed(&state.member_id).await.is_ok() {
            continue;
        }
        if let Err(error) = outbox::hint(&state.pool).await {
            tracing::debug!(%error, "the relay was not woken; it looks by itself");
        }
    }
}

/// The fallback for hints that were lost.
async fn look(state: &AppState) -> Result<(), sqlx::Error> {
    state.note_position(outbox::position(&state.pool).await?.newest);
    state.forward.look(&state.pool).await
}
