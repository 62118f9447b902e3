//! The process: listeners, the operations server and the feed, put together from a configuration.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server as PingoraServer, ShutdownSignal, ShutdownSignalWatch, ShutdownWatch};
use pingora::services::background::{BackgroundService, background_service};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use ulid::Ulid;
use vitrine_shared::clock::BootTime;
use vitrine_shared::coherence::Live;

use super::clients::ClientService;
use super::disk::{Disk, Running};
use super::memory::{InUse, MemoryService};
use super::pass::MAX_TRIES;
use super::sequencing::Sequencing;
use super::trail::TrailService;
use super::{Edge, clients};
use crate::config::{Config, Feed as FeedConfig};
use crate::downstream::CertificateError;
use crate::engine::Engine;
use crate::feed::client::FeedClient;
use crate::feed::connection::Connection;
use crate::feed::machine::LeaseTerms;
use crate::feed::run::Feed;
use crate::feed::status::Status;
use crate::feed::stream;
use crate::fill::Context;
use crate::metrics::Metrics;
use crate::ops::{Gauges, OpsServer, OpsToken};
use crate::purge::Purger;
use crate::purge::idempotency::Idempotency;
use crate::purge::log::PurgeLog;
use crate::reload::{self, Current, Loaded, Loader, Reloader, Snapshot};
use crate::represent::Deriver;
use crate::store::Store;
use crate::upstream::{self, Pools};

/// Seconds that requests under way get to end after SIGTERM; Pingora waits for all of them, even when idle.
pub(super) const GRACE_SECONDS: u64 = 2;
/// Seconds that the runtimes then get.
const RUNTIME_SECONDS: u64 = 2;
/// Idle connections to upstreams that Pingora keeps for passed requests, for each thread.
const IDLE_CONNECTIONS: usize = 64;
/// Tags that are remembered where no feed is configured, and only local purges can come.
const LOCAL_TAGS: usize = 200_000;

/// A proxy that is ready to run.
pub struct Server {
    pingora: PingoraServer,
    engine: Arc<Engine>,
    feed: Option<Arc<Status>>,
    current: Current,
    http: SocketAddr,
    https: Option<SocketAddr>,
    ops: SocketAddr,
    disk: Option<Running>,
}

/// When a running proxy stops.
pub enum Stop {
    /// On SIGTERM or SIGINT.
    Signals,
    /// When the value turns true.
    When(watch::Receiver<bool>),
}

/// Why a proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// The threads of the disk tier cannot be started.
    #[error("the threads for the cache's disk cannot be started: {0}")]
    Disk(std::io::Error),
    /// A certificate cannot be used.
    #[error("{0}")]
    Certificate(#[from] CertificateError),
    /// The metrics cannot be registered.
    #[error("the metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The sequencer's journal cannot be used.
    #[error("{0}")]
    Sequencer(#[from] crate::sequencer::Unusable),
    /// The feed's address is none.
    #[error("the feed's address: {0}")]
    FeedAddress(String),
    /// The feed's client cannot be made.
    #[error("{0}")]
    FeedClient(#[from] crate::feed::client::ClientError),
}

// === impl Server ===

impl Server {
    /// Puts everything together, with a configuration that stays. Listens on nothing yet, but makes sure that it can.
    pub fn build(config: &Config) -> Result<Self, StartError> {
        let metrics = Metrics::new()?;
        Self::assemble(Snapshot::first(config.clone(), &metrics), None, metrics)
    }

    /// As [`Server::build`], with what `loader` has loaded; it is loaded again on SIGHUP and when the file changes.
    pub fn of_file(loaded: Loaded, loader: Loader) -> Result<Self, StartError> {
        let metrics = Metrics::new()?;
        Self::assemble(Snapshot::first_of(loaded, &metrics), Some(loader), metrics)
    }

    fn assemble(first: Snapshot, loader: Option<Loader>, metrics: Metrics) -> Result<Self, StartError> {
        let current = first.into_current();
        let snapshot = current.load_full();
        let config = &snapshot.config;
        let (ops_listener, ops_address) = listen_for_operators(config.listen.ops)?;
        let sequencing = config.sequencer.as_ref().map(|settings| Sequencing::open(settings, &metrics)).transpose()?;
        let capacity = config.feed.as_ref().map_or(LOCAL_TAGS, |feed| feed.tag_capacity);
        let (table, disk) = Disk::open(config, capacity, &metrics)?;
        let (tier, restored) = (disk.tier(), disk.is_restored());
        let live = Arc::new(Live::new(table));
        let connection = Arc::new(connection(config));
        let context = Arc::new(context(disk.memory(config, &metrics), live.clone(), &metrics).with_disk(tier.clone()));
        let disk = disk.start(&live, &context.store)?;
        let engine = Arc::new(Engine::new(context, connection.clone(), config.feed.is_some()));
        let status = config.feed.as_ref().map(|_| Arc::new(Status::new(metrics.feed.clone())));
        let pools = engine.context().client.pools().clone();
        pools.reconcile(&config.upstreams);
        upstream::register(metrics.registry(), &pools)?;

        let mut pingora = PingoraServer::new_with_opt_and_conf(None, pingora_conf(config));
        let log = Arc::new(PurgeLog::new(metrics.purges.clone()));
        let purger = Purger::new(live.clone(), engine.context().presence.clone(), log.clone());
        let outcomes = engine.context().outcomes.clone();
        let purger = Arc::new(purger.with_disk(tier.clone()).with_trail(outcomes.clone()));
        let token = config.listen.ops_token.as_ref().map(|token| OpsToken::new(token.expose()));
        let edge = Edge {
            engine: engine.clone(),
            current: current.clone(),
            purger: purger.clone(),
            token: token.clone(),
            metrics: metrics.requests.clone(),
        };
        let downstream = clients::bind(&current, edge, &pingora.configuration, &metrics)?;
        let (http, https) = (downstream.http(), downstream.https());
        let certificates = downstream.certificates().cloned();
        pingora.add_service(one_thread("clients", ClientService(Arc::new(downstream))));
        let reload = |loader| Reloader::new(loader, current.clone(), pools.clone(), metrics.clone(), certificates);
        let reloader = loader.map(reload).map(Arc::new);
        // One id for each process start: a restarted edge holds none of what its predecessor was granted (rule 9).
        let member = Ulid::new().to_string();
        let ops = OpsServer {
            name: config.edge.to_string(),
            token,
            sequencer: config.feed.as_ref().map(|feed| feed_client(feed, &member)).transpose()?,
            engine: engine.clone(),
            feed: status.clone(),
            current: current.clone(),
            reloader: reloader.clone(),
            purger: purger.clone(),
            idempotency: Idempotency::default(),
            gauges: Gauges::register(metrics.registry())?,
            metrics,
            listeners: https.into_iter().chain([http]).collect(),
        };
        let ops = OpsService { ops: Arc::new(ops), listener: Mutex::new(Some(ops_listener)) };
        pingora.add_service(one_thread("ops", ops));
        if let (Some(feed), Some(status)) = (&config.feed, &status) {
            let client = feed_client(feed, &member)?;
            let feed = build_feed(feed, client, &config.edge, live, connection, status.clone(), log);
            let feed = Feed { disk: tier, restored, outcomes: outcomes.clone(), ..feed };
            pingora.add_service(one_thread("feed", FeedService(Mutex::new(Some(feed)))));
        }
        let sequencing = sequencing.map(|sequencing| one_thread("sequencer", sequencing.of(member)));
        sequencing.map(|service| pingora.add_service(service));
        pingora.add_service(one_thread("health", HealthService(pools)));
        pingora.add_service(one_thread("trail", TrailService { store: engine.context().store.clone(), outcomes }));
        let reloading = reloader.map(|reloader| one_thread("reload", ReloadService(reloader)));
        reloading.map(|service| pingora.add_service(service));
        Ok(Self { pingora, engine, feed: status, current, http, https, ops: ops_address, disk })
    }

    /// Counts all that the process has in use in the cache's budget, and makes room for it. `in_use` tells how many bytes that are.
    #[must_use]
    pub fn measured_by(mut self, in_use: InUse) -> Self {
        let store = self.engine.context().store.clone();
        self.pingora.add_service(one_thread("memory", MemoryService { store, in_use }));
        self
    }

    /// What is in force, to look at from outside.
    pub fn current(&self) -> &Current {
        &self.current
    }

    /// Where clients and operators are served, in that order; known even where a free port was asked for.
    pub fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.http, self.ops)
    }

    /// Where clients are served by TLS.
    pub fn https(&self) -> Option<SocketAddr> {
        self.https
    }

    /// The engine, to look at from outside.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Where the feed stands, where one is configured.
    pub fn feed(&self) -> Option<&Arc<Status>> {
        self.feed.as_ref()
    }

    /// Runs until it is told to stop; blocks the thread.
    pub fn run(mut self, stop: Stop) {
        self.pingora.bootstrap();
        self.pingora.run(RunArgs { shutdown_signal: Box::new(stop) });
        if let Some(disk) = &self.disk {
            disk.stop();
        }
    }
}

pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|error| StartError::Listen { address, error })
}

fn listen_for_operators(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = listen(address)?;
    let own = listener.local_addr().unwrap_or(address);
    if address.port() == 0 {
        tracing::info!(ops = %own, "a free port for operators");
    }
    Ok((listener, own))
}

fn connection(config: &Config) -> Connection {
    match &config.feed {
        Some(_) => Connection::with_feed(BootTime::now()),
        None => Connection::without_feed(),
    }
}

fn context(store: Store, live: Arc<Live>, metrics: &Metrics) -> Context {
    let store = Arc::new(store);
    let deriver = Deriver::new(store.clone(), metrics.represent.clone());
    Context::new(store, deriver, live, metrics.fills.clone())
}

fn pingora_conf(config: &Config) -> ServerConf {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    ServerConf {
        threads: config.listen.threads.unwrap_or_else(cores),
        work_stealing: true,
        grace_period_seconds: Some(GRACE_SECONDS),
        graceful_shutdown_timeout_seconds: Some(RUNTIME_SECONDS),
        upstream_keepalive_pool_size: IDLE_CONNECTIONS,
        max_retries: MAX_TRIES,
        ..ServerConf::default()
    }
}

/// Each user has one of its own, since connections belong to the threads that made them.
fn feed_client(config: &FeedConfig, member: &str) -> Result<FeedClient, StartError> {
    let urls: Result<_, _> = config.urls().map(str::parse).collect();
    let urls = urls.map_err(|error| StartError::FeedAddress(format!("{error}")))?;
    Ok(FeedClient::new(urls, config.token.expose().to_owned(), member.to_owned())?)
}

fn build_feed(
    config: &FeedConfig,
    client: FeedClient,
    name: &str,
    live: Arc<Live>,
    connection: Arc<Connection>,
    status: Arc<Status>,
    log: Arc<PurgeLog>,
) -> Feed {
    let redis = config.redis.clone().map(|address| vitrine_redis::Server::new(address, stream::TIMEOUTS));
    Feed {
        client,
        redis,
        terms: LeaseTerms { renew_every: config.renew_every, longest: config.max_lease },
        name: name.to_owned(),
        live,
        connection,
        status,
        log,
        outcomes: Arc::default(),
        disk: None,
        restored: false,
    }
}

fn one_thread<S: BackgroundService + Send + Sync + 'static>(
    name: &str,
    service: S,
) -> pingora::services::background::GenBackgroundService<S> {
    let mut service = background_service(name, service);
    service.threads = Some(1);
    service
}

// === services beside the proxy ===

struct OpsService {
    ops: Arc<OpsServer>,
    listener: Mutex<Option<TcpListener>>,
}

#[async_trait]
impl BackgroundService for OpsService {
    async fn start(&self, shutdown: ShutdownWatch) {
        let listener = self.listener.lock().take();
        let Some(listener) = listener.and_then(|listener| tokio::net::TcpListener::from_std(listener).ok()) else {
            tracing::error!("the operations server cannot listen");
            return;
        };
        if let Err(error) = self.ops.clone().serve(listener, shutdown).await {
            tracing::error!(%error, "the operations server has ended");
        }
    }
}

/// Checks of the upstreams' addresses.
struct HealthService(Arc<Pools>);

#[async_trait]
impl BackgroundService for HealthService {
    async fn start(&self, shutdown: ShutdownWatch) {
        self.0.check(shutdown).await;
    }
}

struct FeedService(Mutex<Option<Feed>>);

#[async_trait]
impl BackgroundService for FeedService {
    async fn start(&self, shutdown: ShutdownWatch) {
        let feed = self.0.lock().take();
        if let Some(feed) = feed {
            feed.run(shutdown).await;
        }
    }
}

struct ReloadService(Arc<Reloader>);

#[async_trait]
impl BackgroundService for ReloadService {
    async fn start(&self, shutdown: ShutdownWatch) {
        reload::watch::run(self.0.clone(), shutdown).await;
    }
}

// === impl Stop ===

#[async_trait]
impl ShutdownSignalWatch for Stop {
    async fn recv(&self) -> ShutdownSignal {
        match self {
            Self::Signals => terminated().await,
            Self::When(stop) => {
                // A sender that is gone tells to stop too.
                let _ = stop.clone().wait_for(|stop| *stop).await;
            }
        }
        ShutdownSignal::GracefulTerminate
    }
}

/// SIGQUIT is left alone: with Pingora's own watch it would hand the listeners over by a socket in a folder that all may write.
async fn terminated() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be watched; only SIGKILL stops this process");
        tokio::time::sleep(Duration::MAX).await;
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
