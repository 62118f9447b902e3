//! Clients: the listeners and workers of [`crate::downstream`], with the fast path and this edge behind them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::apps::HttpServerApp as _;
use pingora::protocols::http::ServerSession;
use pingora::proxy::{HttpProxy, http_proxy};
use pingora::server::ShutdownWatch;
use pingora::server::configuration::ServerConf;
use pingora::services::background::BackgroundService;
use tokio::sync::watch;

use super::Edge;
use super::server::{GRACE_SECONDS, StartError};
use crate::downstream::{Certificates, Downstream, OwnAnswer, OwnSession, SlowPath};
use crate::fast::FastPath;
use crate::metrics::Metrics;
use crate::reload::Current;

/// Takes the addresses for clients, and what answers them.
pub(super) fn bind(
    current: &Current,
    edge: Edge,
    conf: &Arc<ServerConf>,
    metrics: &Metrics,
) -> Result<Downstream, StartError> {
    let listen = &current.load().config.listen;
    let certificates = listen
        .https
        .map(|_| Certificates::load(&listen.certificates, metrics.certificates.clone()).map(Arc::new))
        .transpose()?;
    let fast = Arc::new(FastPath::new(edge.engine.clone(), current.clone(), metrics.requests.clone()));
    let slow = Proxied { own: edge.clone(), proxy: Arc::new(http_proxy(conf, edge)) };
    Downstream::bind(current.clone(), conf.threads, fast, Arc::new(slow), metrics.downstream.clone(), certificates)
        .map_err(|(address, error)| StartError::Listen { address, error })
}

/// Clients, who are served on threads of their own.
pub(super) struct ClientService(pub(super) Arc<Downstream>);

#[async_trait]
impl BackgroundService for ClientService {
    async fn start(&self, shutdown: ShutdownWatch) {
        let downstream = self.0.clone();
        let grace = Duration::from_secs(GRACE_SECONDS);
        let served = tokio::task::spawn_blocking(move || downstream.run(&shutdown, grace)).await;
        if let Ok(Err(error)) = served {
            tracing::error!(%error, "clients cannot be served");
        }
    }
}

/// The slow path: Pingora's, with the edge in it.
struct Proxied {
    own: Edge,
    proxy: Arc<HttpProxy<Edge>>,
}

#[async_trait]
impl SlowPath for Proxied {
    async fn answer(&self, session: ServerSession, stop: &watch::Receiver<bool>) -> bool {
        self.proxy.process_new_http(session, stop).await.is_some()
    }

    async fn answer_own(&self, session: &mut OwnSession) -> OwnAnswer {
        self.own.own(session).await
    }
}
