//! Listeners and workers, put together.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::SlowPath;
use super::acceptor::{Acceptor, Listener};
use super::metrics::DownstreamMetrics;
use super::worker::Worker;
use crate::fast::FastPath;
use crate::key::Scheme;
use crate::reload::Current;

/// The client's side of the proxy. Its addresses are taken from the beginning; it listens once it [runs](Downstream::run).
pub struct Downstream {
    listeners: Mutex<Vec<Listener>>,
    http: SocketAddr,
    threads: usize,
    fast: Arc<FastPath>,
    slow: Arc<dyn SlowPath>,
    current: Current,
    metrics: DownstreamMetrics,
}

// === impl Downstream ===

impl Downstream {
    /// Takes the addresses of the configuration in force.
    ///
    /// # Errors
    ///
    /// The address that cannot be listened on, and why.
    pub fn bind(
        current: Current,
        threads: usize,
        fast: Arc<FastPath>,
        slow: Arc<dyn SlowPath>,
        metrics: DownstreamMetrics,
    ) -> Result<Self, (SocketAddr, io::Error)> {
        let address = current.load().config.listen.http;
        let listener = Listener::bind(address, Scheme::Http).map_err(|error| (address, error))?;
        let http = listener.address().unwrap_or(address);
        if address.port() == 0 {
            tracing::info!(%http, "a free port for clients");
        }
        Ok(Self { listeners: Mutex::new(vec![listener]), http, threads, fast, slow, current, metrics })
    }

    /// Where it listens in clear text.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Serves clients until `stop` turns true and, after that, for at most `grace` those whose requests are under way. Blocks the
    /// thread.
    pub fn run(&self, stop: &watch::Receiver<bool>, grace: Duration) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let start =
            |id| Worker::new(id, self.fast.clone(), self.slow.clone(), self.metrics.clone(), stop.clone()).start(grace);
        let workers = (0..self.threads).map(start).collect::<io::Result<_>>()?;
        let (current, metrics) = (self.current.clone(), self.metrics.clone());
        let acceptor = Acceptor { workers, admission: Arc::default(), current, metrics };
        let listeners = std::mem::take(&mut *self.listeners.lock());
        runtime.block_on(async {
            let accepting = listeners.into_iter().map(|listener| acceptor.run(listener, stop.clone()));
            futures_util::future::join_all(accepting).await;
        });
        acceptor.workers.into_iter().for_each(super::worker::Running::join);
        Ok(())
    }
}

impl std::fmt::Debug for Downstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Downstream").field("threads", &self.threads).finish_non_exhaustive()
    }
}
