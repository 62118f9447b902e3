//! The operations server's routes.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Gauges, OpsToken, StatusReport, explain, objects, purge, reload, trail};
use crate::engine::Engine;
use crate::feed::client::FeedClient;
use crate::feed::status::Status;
use crate::metrics::Metrics;
use crate::purge::Purger;
use crate::purge::idempotency::Idempotency;
use crate::reload::{ConfigReport, Current, Reloader};

/// Prometheus's text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the operations server shows.
#[derive(Debug)]
pub struct OpsServer {
    /// This edge's name.
    pub name: String,
    /// Opens `/status`; without a token it stays shut.
    pub token: Option<OpsToken>,
    /// The engine.
    pub engine: Arc<Engine>,
    /// The feed's state, where one is configured.
    pub feed: Option<Arc<Status>>,
    /// The configuration in force.
    pub current: Current,
    /// What changes it; absent where it came from no file.
    pub reloader: Option<Arc<Reloader>>,
    /// Applies purges.
    pub purger: Arc<Purger>,
    /// What purges with a key were answered.
    pub idempotency: Idempotency,
    /// Where purges of all edges are numbered, where a feed is configured.
    pub sequencer: Option<FeedClient>,
    /// The counters.
    pub metrics: Metrics,
    /// The gauges.
    pub gauges: Gauges,
    /// Where visitors are served; readiness asks whether each accepts connections.
    pub listeners: Vec<SocketAddr>,
}

impl OpsServer {
    /// Serves on `listener` until `stop` turns true.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
        let stopped = async move {
            // A closed channel is an end too.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let router = router(self).into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, router).with_graceful_shutdown(stopped).await
    }

    fn report(&self) -> StatusReport {
        let config =
            self.reloader.as_ref().map_or_else(|| ConfigReport::of(&self.current.load()), |reloader| reloader.report());
        StatusReport::of(&self.name, &self.engine, self.feed.as_deref(), config)
    }

    /// Rules are loaded before anything starts; what may lack is a listener, or the first lease.
    async fn not_ready(&self) -> Option<&'static str> {
        for listener in &self.listeners {
            let mut address = *listener;
            if address.ip().is_unspecified() {
                address.set_ip(match address {
                    SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                    SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
                });
            }
            if tokio::net::TcpStream::connect(address).await.is_err() {
                return Some("a listener is not up");
            }
        }
        // An edge that was connected once and is cut off now still answers, by its rules.
        self.feed.as_ref().filter(|feed| !feed.snapshot().had_lease).map(|_| "no lease was granted yet")
    }
}

/// The routes.
fn router(server: Arc<OpsServer>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(|| async { "ok\n" }))
        .route("/health/ready", get(ready))
        .route("/status", get(status))
        .route("/reload", post(reload::reload))
        .route("/purge", post(purge::purge))
        .route("/purges", get(purge::purges))
        .route("/trail", get(trail::trail))
        .route("/explain", get(explain::by_query).post(explain::by_body))
        .route("/objects", get(objects::objects))
        .with_state(server)
}

async fn metrics(State(server): State<Arc<OpsServer>>) -> Response {
    let has_stream = server.current.load().config.feed.as_ref().is_some_and(|feed| feed.redis.is_some());
    server.gauges.set(&server.report(), has_stream);
    match server.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be printed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn ready(State(server): State<Arc<OpsServer>>) -> Response {
    match server.not_ready().await {
        None => "ready\n".into_response(),
        Some(lacking) => (StatusCode::SERVICE_UNAVAILABLE, format!("{lacking}\n")).into_response(),
    }
}

async fn status(State(server): State<Arc<OpsServer>>, headers: HeaderMap) -> Response {
    let admitted = server.token.as_ref().is_some_and(|token| token.admits(&headers));
    if admitted { Json(server.report()).into_response() } else { unauthorized() }
}

/// As people read it, for those who ask for `text/plain`, else as JSON.
pub(super) fn told(headers: &HeaderMap, answer: &(impl serde::Serialize + std::fmt::Display)) -> Response {
    let accepts_text = |line: &http::HeaderValue| line.as_bytes().starts_with(b"text/plain");
    if headers.get(header::ACCEPT).is_some_and(accepts_text) {
        answer.to_string().into_response()
    } else {
        Json(answer).into_response()
    }
}

/// What those without the token are told.
pub(crate) fn unauthorized() -> Response {
    let error = serde_json::json!({ "type": "unauthorized", "message": "the operations token is needed" });
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], Json(error)).into_response()
}
