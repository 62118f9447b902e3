//! Listeners and workers, put together.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::acceptor::{Acceptor, Listener};
use super::metrics::DownstreamMetrics;
use super::tls::{acceptor, watch};
use super::worker::Worker;
use super::{Certificates, SlowPath};
use crate::fast::FastPath;
use crate::reload::Current;

/// The client's side of the proxy. Its addresses are taken from the beginning; it listens once it [runs](Downstream::run).
pub struct Downstream {
    listeners: Mutex<Vec<Listener>>,
    http: SocketAddr,
    https: Option<SocketAddr>,
    certificates: Option<Arc<Certificates>>,
    threads: usize,
    fast: Arc<FastPath>,
    slow: Arc<dyn SlowPath>,
    current: Current,
    metrics: DownstreamMetrics,
}

// === impl Downstream ===

impl Downstream {
    /// Takes the addresses of the configuration in force, with certificates where it is to speak TLS.
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
        certificates: Option<Arc<Certificates>>,
    ) -> Result<Self, (SocketAddr, io::Error)> {
        let snapshot = current.load_full();
        let listen = &snapshot.config.listen;
        let bind = |address, tls| Listener::bind(address, tls).map_err(|error| (address, error));
        let mut listeners = vec![bind(listen.http, None)?];
        let http = listeners[0].address().unwrap_or(listen.http);
        let mut https = None;
        if let (Some(address), Some(certificates)) = (listen.https, &certificates) {
            let tls = acceptor(certificates.clone()).map_err(|error| (address, io::Error::other(error)))?;
            let listener = bind(address, Some(tls))?;
            https = Some(listener.address().unwrap_or(address));
            listeners.push(listener);
        }
        if listen.http.port() == 0 {
            tracing::info!(%http, "a free port for clients");
        }
        let listeners = Mutex::new(listeners);
        Ok(Self { listeners, http, https, certificates, threads, fast, slow, current, metrics })
    }

    /// Where it listens in clear text.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where it listens for TLS.
    pub fn https(&self) -> Option<SocketAddr> {
        self.https
    }

    /// The certificates that it shows.
    pub fn certificates(&self) -> Option<&Arc<Certificates>> {
        self.certificates.as_ref()
    }

    /// Serves clients until `stop` turns true and, after that, for at most `grace` those whose requests are under way. Blocks the
    /// thread.
    pub fn run(&self, stop: &tokio::sync::watch::Receiver<bool>, grace: Duration) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let start =
            |id| Worker::new(id, self.fast.clone(), self.slow.clone(), self.metrics.clone(), stop.clone()).start(grace);
        let workers = (0..self.threads).map(start).collect::<io::Result<_>>()?;
        let (current, metrics) = (self.current.clone(), self.metrics.clone());
        let acceptor = Acceptor { workers, admission: Arc::default(), current, metrics };
        let listeners = std::mem::take(&mut *self.listeners.lock());
        runtime.block_on(async {
            if let Some(certificates) = &self.certificates {
                tokio::spawn(watch(certificates.clone(), self.current.clone()));
            }
            let accepting = listeners.into_iter().map(|listener| acceptor.run(listener, stop.clone()));
            futures_util::future::join_all(accepting).await;
        });
        // A file of a certificate may hang.
        runtime.shutdown_background();
        acceptor.workers.into_iter().for_each(super::worker::Running::join);
        Ok(())
    }
}

impl std::fmt::Debug for Downstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Downstream").field("threads", &self.threads).finish_non_exhaustive()
    }
}
