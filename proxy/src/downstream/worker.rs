//! A worker: one thread with a runtime of its own, which serves its connections from the first byte to the last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{Notify, mpsc, watch};
use tokio_rustls::TlsAcceptor;

use super::admission::Admitted;
use super::deadline::Deadlines;
use super::metrics::DownstreamMetrics;
use super::{Limits, SlowPath, opening};
use crate::fast::FastPath;
use crate::key::Scheme;

/// Threads that a worker may start for work that blocks; they end when there is none.
const BLOCKING_THREADS: usize = 16;
/// How long what still runs is waited for when a worker ends.
const RUNTIME_ENDS: Duration = Duration::from_millis(100);

/// What a worker's connections share.
pub(super) struct Worker {
    /// Counted from zero.
    pub(super) id: usize,
    pub(super) deadlines: Deadlines,
    pub(super) fast: Arc<FastPath>,
    pub(super) slow: Arc<dyn SlowPath>,
    pub(super) metrics: DownstreamMetrics,
    /// Turns true when the process is to end.
    pub(super) stop: watch::Receiver<bool>,
    /// The same, without a lock.
    stopping: AtomicBool,
    open: AtomicUsize,
    /// Told when the last connection is closed.
    empty: Notify,
}

/// A connection as it was accepted.
pub(super) struct Accepted {
    pub(super) socket: std::net::TcpStream,
    pub(super) peer: std::net::SocketAddr,
    /// Makes the handshake, where there is one.
    pub(super) tls: Option<TlsAcceptor>,
    /// Whether HTTP/2 is spoken in clear text too.
    pub(super) h2c: bool,
    pub(super) limits: Arc<Limits>,
    pub(super) place: Place,
}

/// A connection's place, in the process and at its worker.
pub(super) struct Place {
    worker: Arc<Worker>,
    scheme: Scheme,
    _admitted: Admitted,
}

/// A worker's thread.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) worker: Arc<Worker>,
    accepted: mpsc::UnboundedSender<Accepted>,
    thread: JoinHandle<()>,
}

// === impl Worker ===

impl Worker {
    pub(super) fn new(
        id: usize,
        fast: Arc<FastPath>,
        slow: Arc<dyn SlowPath>,
        metrics: DownstreamMetrics,
        stop: watch::Receiver<bool>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            deadlines: Deadlines::new(),
            fast,
            slow,
            metrics,
            stop,
            stopping: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            empty: Notify::new(),
        })
    }

    /// How many connections it has.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Whether idle connections are to be closed, and others after their request.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Has idle connections closed.
    pub(super) fn stop_now(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.deadlines.wake_all();
    }

    /// A place at this worker.
    pub(super) fn place(self: &Arc<Self>, scheme: Scheme, admitted: Admitted) -> Place {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.metrics.opened(scheme);
        Place { worker: self.clone(), scheme, _admitted: admitted }
    }

    /// Starts its thread. When it is to stop, requests under way get `grace` to end.
    pub(super) fn start(self: Arc<Self>, grace: Duration) -> std::io::Result<Running> {
        let (accepted, connections) = mpsc::unbounded_channel();
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build()?;
        let worker = self.clone();
        let thread = std::thread::Builder::new().name(format!("worker-{}", self.id)).spawn(move || {
            runtime.block_on(worker.run(connections, grace));
            runtime.shutdown_timeout(RUNTIME_ENDS);
        })?;
        Ok(Running { worker: self, accepted, thread })
    }

    async fn run(self: Arc<Self>, mut connections: mpsc::UnboundedReceiver<Accepted>, grace: Duration) {
        let worker = self.clone();
        tokio::spawn(async move { worker.deadlines.run().await });
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                accepted = connections.recv() => match accepted {
                    Some(accepted) => Self::serve(accepted),
                    None => break,
                },
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        self.stop_now();
        // What was accepted already is served.
        connections.close();
        while let Some(accepted) = connections.recv().await {
            Self::serve(accepted);
        }
        let ended = async {
            while self.open() > 0 {
                self.empty.notified().await;
            }
        };
        if tokio::time::timeout(grace, ended).await.is_err() {
            tracing::debug!(worker = self.id, open = self.open(), "connections are cut off");
        }
    }

    fn serve(accepted: Accepted) {
        tokio::spawn(opening::open(accepted));
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("id", &self.id).field("open", &self.open).finish_non_exhaustive()
    }
}

// === impl Place ===

impl Place {
    pub(super) fn worker(&self) -> &Arc<Worker> {
        &self.worker
    }

    pub(super) fn scheme(&self) -> Scheme {
        self.scheme
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.worker.metrics.closed(self.scheme);
        if self.worker.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.worker.empty.notify_one();
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("worker", &self.worker.id).finish_non_exhaustive()
    }
}

// === impl Running ===

impl Running {
    /// Hands a connection over.
    pub(super) fn serve(&self, accepted: Accepted) {
        // Where the worker has ended, it is closed.
        let _ = self.accepted.send(accepted);
    }

    /// Waits for its end; it has to be told to stop before.
    pub(super) fn join(self) {
        drop(self.accepted);
        if self.thread.join().is_err() {
            tracing::error!(worker = self.worker.id, "a worker has panicked");
        }
    }
}
