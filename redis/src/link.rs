//! A connection that comes and goes by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, ServerErrorKind, Value};

use crate::connection::Connection;
use crate::server::{LOOK_AGAIN, Server};

/// First and longest pause after a failure; it doubles with each.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A connection that comes and goes by itself; a cheap handle that many may hold.
///
/// Nothing is sent twice: a command that fails is the caller's to repeat. What speaks against the connection ends it (an error of the
/// network, no answer in time, a server that is no master any more or not yet one), and the next command makes another, after a pause
/// where that has just failed. Meanwhile commands fail at once.
#[derive(Clone, Debug)]
pub struct Link(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    server: Server,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Current>,
    attempt: Option<Attempt>,
    made: u64,
    failures: u32,
    not_before: Option<Instant>,
    /// Why there is no connection.
    error: Option<RedisError>,
}

#[derive(Clone, Debug)]
struct Current {
    connection: Connection,
    /// Counts connections, so that an old one's failure does not end a new one.
    number: u64,
    since: Instant,
}

/// Making a connection, which many may wait for.
type Attempt = Shared<BoxFuture<'static, RedisResult<Current>>>;

// === impl Link ===

impl Link {
    /// One that connects when the first command comes.
    pub fn new(server: Server) -> Self {
        Self(Arc::new(Inner { server, state: Mutex::default() }))
    }

    /// Whether scripts and pipelines must keep to one slot.
    pub fn is_cluster(&self) -> bool {
        self.0.server.is_cluster()
    }

    /// Has the next command make a new connection: for callers that do not wait until this one's answer is late.
    pub fn doubt(&self) {
        let mut state = self.0.state.lock();
        if state.current.take().is_some() {
            state.failed(Instant::now(), RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)));
        }
    }

    /// The connection in use, or a new one.
    async fn current(&self) -> RedisResult<Current> {
        let attempt = {
            let now = Instant::now();
            let mut state = self.0.state.lock();
            let allowed = state.attempt.is_none() && state.not_before.is_none_or(|at| now >= at);
            if let Some(current) = state.current.clone() {
                // The old one is used until there is a new one.
                if allowed && self.0.server.may_move() && now.duration_since(current.since) >= LOOK_AGAIN {
                    let _in_the_background = self.begin(&mut state);
                }
                return Ok(current);
            }
            if allowed {
                self.begin(&mut state)
            } else if let Some(attempt) = &state.attempt {
                attempt.clone()
            } else {
                let error = state.error.clone();
                return Err(error.unwrap_or_else(|| (ErrorKind::Io, "not connected").into()));
            }
        };
        attempt.await
    }

    /// In a task of its own: who waits may give up before there is a connection.
    fn begin(&self, state: &mut State) -> Attempt {
        let link = self.clone();
        let task = tokio::spawn(async move {
            let connected = link.0.server.connect().await;
            link.0.state.lock().settle(Instant::now(), connected)
        });
        let ended = async move { task.await.unwrap_or_else(|error| Err(std::io::Error::other(error).into())) };
        let attempt = ended.boxed().shared();
        state.attempt = Some(attempt.clone());
        attempt
    }

    fn note<T>(&self, number: u64, answer: &RedisResult<T>) {
        let mut state = self.0.state.lock();
        if state.current.as_ref().is_none_or(|current| current.number != number) {
            return;
        }
        match answer {
            Err(error) if ends_connection(error) => {
                tracing::debug!(%error, "Redis: this connection is given up");
                state.current = None;
                state.failed(Instant::now(), error.clone());
            }
            _ => state.failures = 0,
        }
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let work = async move {
            let mut current = self.current().await?;
            let answer = current.connection.req_packed_command(cmd).await;
            self.note(current.number, &answer);
            answer
        };
        work.boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let work = async move {
            let mut current = self.current().await?;
            let answer = current.connection.req_packed_commands(cmd, offset, count).await;
            self.note(current.number, &answer);
            answer
        };
        work.boxed()
    }

    fn get_db(&self) -> i64 {
        self.0.state.lock().current.as_ref().map_or(0, |current| current.connection.get_db())
    }
}

// === impl State ===

impl State {
    /// An attempt has ended. Failures are forgotten when a command is answered, not before: a server that takes connections and refuses
    /// all that it is asked must not be hurried.
    fn settle(&mut self, now: Instant, connected: RedisResult<Connection>) -> RedisResult<Current> {
        self.attempt = None;
        match connected {
            Ok(connection) => {
                self.made += 1;
                self.error = None;
                Ok(self.current.insert(Current { connection, number: self.made, since: now }).clone())
            }
            Err(error) => {
                if let Some(current) = &mut self.current {
                    // Looked for in vain: the one in use stays until it fails itself.
                    current.since = now;
                } else {
                    self.failed(now, error.clone());
                }
                Err(error)
            }
        }
    }

    fn failed(&mut self, now: Instant, error: RedisError) {
        let (first, longest) = PAUSES;
        self.not_before = Some(now + first.saturating_mul(1 << self.failures.min(10)).min(longest));
        self.failures = self.failures.saturating_add(1);
        self.error = Some(error);
    }
}

/// Whether an error speaks against the connection, and not against the command.
fn ends_connection(error: &RedisError) -> bool {
    match error.kind() {
        // No answer in time is among them: a server that hangs keeps its connections open.
        ErrorKind::Io | ErrorKind::Parse | ErrorKind::AuthenticationFailed | ErrorKind::ClusterConnectionNotFound => {
            true
        }
        // A master that was demoted, is not yet one, or has lost its own.
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::Moved
        ),
        // A server that was started anew with a password, and one whose role changed while it blocked.
        _ => matches!(error.code(), Some("NOAUTH" | "UNBLOCKED")),
    }
}
