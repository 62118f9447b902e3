//! Postgres's notifications, which save waiting for the next poll. They get lost, so nothing depends on them.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::database;
use crate::outbox;
use crate::state::AppState;

/// Rows were added to the outbox (sent by a trigger).
const OUTBOX: &str = "vitrine_outbox";
/// Rows were numbered (sent by the relay); the payload is the newest epoch.
const NUMBERED: &str = "vitrine_numbered";
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
    listener.listen_all([OUTBOX, NUMBERED, LEADER]).await?;
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
            hear(state, notification.channel(), notification.payload());
        }
    }
}

fn hear(state: &AppState, channel: &str, payload: &str) {
    match channel {
        OUTBOX => state.outbox_hint.notify_waiters(),
        NUMBERED => {
            if let Ok(epoch) = payload.parse() {
                state.note_position(epoch);
            }
        }
        _ => {}
    }
}

/// The fallback for hints that were lost.
async fn look(state: &AppState) -> Result<(), sqlx::Error> {
    state.note_position(outbox::position(&state.pool).await?.newest);
    state.forward.look(&state.pool).await
}
