//! The relay: numbers committed outbox rows and publishes them to the Redis stream (invalidation protocol, rules 2 and 3).
//!
//! Every origin process runs one; a session advisory lock lets one of them lead. Numbering and publishing are tasks of
//! their own, so that a Redis that is down holds up nothing but the stream.

mod metrics;
mod number;
mod plan;
mod prune;
mod publish;

use std::time::{Duration, Instant};

use chrono::Utc;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use vitrine_shared::clock::BootTime;
use vitrine_shared::epoch::Epoch;

pub use metrics::RelayMetrics;
pub use number::{Round, number};
pub use plan::{Step, next};
pub use prune::prune;
pub use publish::{PublishError, publish};

use crate::database;
use crate::feed::record;
use crate::state::AppState;

/// The advisory lock that the leading relay holds: "vitrine" in ASCII.
pub const LOCK: i64 = 0x0076_6974_7269_6e65;
/// How often history is pruned.
const PRUNE_EVERY: Duration = Duration::from_mins(1);
/// How much longer than Postgres's own limit a statement may take before the connection counts as dead.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);
/// Shortest pause before a row that is due is looked at again.
const LEAST_PAUSE: Duration = Duration::from_millis(20);
/// Pause after publishing failed.
const PUBLISH_PAUSE: Duration = Duration::from_millis(200);

/// Runs until the process stops: leads, or stands by and takes over when the leader is gone.
pub async fn run(state: AppState) {
    let shutdown = state.shutdown.clone();
    let work = async {
        loop {
            if let Err(error) = lead(&state).await {
                tracing::warn!(%error, "relay: the connection to Postgres failed");
            }
            state.books.stop_leading();
            state.recent.clear();
            state.metrics.relay.leads.set(0);
            tokio::time::sleep(poll_pause(&state)).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = shutdown.cancelled() => {}
    }
    state.books.stop_leading();
    state.recent.clear();
}

/// One connection's life: waits for the lock, then numbers while the connection lives.
async fn lead(state: &AppState) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect_with(&session(state)?).await?;
    loop {
        let locked = sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock($1) AS "locked!""#, LOCK)
            .fetch_one(&mut connection)
            .await?;
        if locked {
            break;
        }
        tokio::time::sleep(poll_pause(state)).await;
    }
    let url = advertised(state);
    // What this process numbered before, others may have followed with more.
    state.recent.clear();
    let known = state.live.applied().max(*state.position.borrow());
    let position = state.books.take_lead(&mut connection, &state.member_id, &url, known).await?;
    state.note_position(position);
    tracing::info!(%position, url, "relay: this process leads");
    state.metrics.relay.leads.set(1);
    let ended = tokio::select! {
        ended = number_all(state, &mut connection) => ended,
        () = publish_all(state) => Ok(()),
    };
    ended
}

/// The session that holds the lock. Postgres ends it when this process says nothing for one lease (it hangs, or the network does),
/// so that another may lead.
fn session(state: &AppState) -> Result<PgConnectOptions, sqlx::Error> {
    let silence = state.config.feed.lease_ms.to_string();
    let options = database::connect_options(&state.config.database)?.application_name("vitrine-relay");
    Ok(options.options([
        ("idle_session_timeout", silence.as_str()),
        ("idle_in_transaction_session_timeout", silence.as_str()),
        ("tcp_user_timeout", silence.as_str()),
    ]))
}

/// This process's internal port, as others reach it.
fn advertised(state: &AppState) -> String {
    let feed = &state.config.feed;
    if feed.advertise.is_empty() {
        format!("http://{}", state.config.http.internal_listen)
    } else {
        feed.advertise.clone()
    }
}

async fn number_all(state: &AppState, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut pruned: Option<Instant> = None;
    let mut rows = state.outbox.rows();
    loop {
        // Marked before looking, so that a commit that comes while we look is not lost.
        rows.mark_unchanged();
        let sent = BootTime::now();
        let round = bounded(state, number::number(connection)).await?;
        // In each round: under steady writing there is always more to number, and the lead must be proven all the same.
        if let Some(known) = note(state, sent, &round) {
            tracing::error!(%known, "a member has applied what Postgres never numbered: history was lost, and a new term begins");
            state.recent.clear();
            state.books.numbered(record::raise_term(connection).await?);
        }
        if pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
            let rows = bounded(state, prune::prune(connection, &state.config.feed)).await?;
            // While there is more, one chunk a round, so that numbering is not held up.
            pruned = (rows < prune::CHUNK).then(Instant::now);
            state.books.forget(&state.pool).await?;
            if let Some((incarnation, position)) = state.books.settled() {
                bounded(state, record::settled(connection, incarnation, position)).await?;
            }
        }
        if round.more {
            continue;
        }
        // Never at once: a row that is due may be held by who takes it back, or not be due by Postgres's clock.
        let due = round.next_due.map(|due| (due - Utc::now()).to_std().unwrap_or_default().max(LEAST_PAUSE));
        let pause = due.map_or(poll_pause(state), |due| due.min(poll_pause(state)));
        // A hint, or the fallback for hints that were lost.
        let _ = tokio::time::timeout(pause, rows.changed()).await;
    }
}

/// Proves the lead by an answer on the session that holds the lock, and tells whoever waits what was numbered on it; an epoch that
/// was lost where history was (rule 10).
fn note(state: &AppState, sent: BootTime, round: &Round) -> Option<Epoch> {
    let lost = state.books.proven(sent, round.newest);
    state.recent.note(&round.rows, round.newest);
    state.note_position(round.newest);
    state.metrics.relay.numbered(round.rows.iter().map(|row| row.since.elapsed().as_secs_f64()));
    lost
}

/// Publishes whenever there is something new, for ever; without Redis it does nothing for ever.
async fn publish_all(state: &AppState) {
    let Some(mut redis) = state.redis.clone() else {
        return std::future::pending().await;
    };
    let mut position = state.position.subscribe();
    let (mut healthy, mut last) = (true, None);
    loop {
        position.mark_unchanged();
        let feed = &state.config.feed;
        let published =
            publish::publish(&state.pool, &state.recent, &mut redis, last, feed.stream_entries, &state.metrics.relay);
        match published.await {
            Ok(published) => {
                healthy = true;
                last = published;
                if position.changed().await.is_err() {
                    return;
                }
            }
            Err(error) => {
                state.metrics.relay.publish_failures.inc();
                if healthy {
                    tracing::warn!(%error, "relay: publishing failed; numbering goes on, members catch up by the endpoint");
                }
                (healthy, last) = (false, None);
                tokio::time::sleep(PUBLISH_PAUSE).await;
            }
        }
    }
}

/// A peer that vanished without a word must not hold the relay for ever: then it connects anew.
async fn bounded<T>(state: &AppState, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let limit = Duration::from_millis(state.config.database.statement_timeout_ms) + ANSWER_MARGIN;
    let waited = tokio::time::timeout(limit, work).await;
    waited.unwrap_or_else(|elapsed| Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed))))
}

fn poll_pause(state: &AppState) -> Duration {
    Duration::from_millis(state.config.feed.poll_ms)
}
