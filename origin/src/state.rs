//! What all parts of a running process share.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use vitrine_redis::{Link, Server, Timeouts};
use vitrine_shared::coherence::{Live, TagTable};
use vitrine_shared::epoch::Epoch;

use crate::cache::Caches;
use crate::config::Config;
use crate::database;
use crate::feed::{Books, Forward, OwnLease};
use crate::limits::Attempts;
use crate::metrics::Metrics;
use crate::outbox;
use crate::providers::file::{FileProvider, S3Files};
use crate::providers::notification::{self, NotificationProvider};
use crate::replicas::Replicas;
use crate::sessions::Sessions;

/// A cheap handle on [`Shared`].
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// What all parts of a running process share.
pub struct Shared {
    /// What the origin was told.
    pub config: Config,
    /// Postgres, the truth.
    pub pool: PgPool,
    /// Where workflows write; wakes the relay, see [`crate::feed::hints`].
    pub outbox: outbox::Outbox,
    /// Its replicas, for reads that say what they must not miss.
    pub replicas: Replicas,
    /// Redis, where one is configured; it connects by itself and every command may fail.
    pub redis: Option<Link>,
    /// Which purges this process has applied: the verdict on everything that the read cache holds.
    pub live: Arc<Live>,
    /// The newest numbered epoch that this process knows of; whoever waits for one waits here.
    pub position: watch::Sender<Epoch>,
    /// What this process numbered lately.
    pub recent: outbox::Recent,
    /// Leases and acknowledgements, while this process leads.
    pub books: Books,
    /// Asks the process that leads.
    pub forward: Forward,
    /// This process's right to serve from its read cache.
    pub lease: OwnLease,
    /// What it keeps of its reads.
    pub caches: Caches,
    /// Metrics.
    pub metrics: Metrics,
    /// The media bucket.
    pub files: Arc<dyn FileProvider>,
    /// Who is signed in by cookie.
    pub sessions: Sessions,
    /// How often somebody may try to sign in.
    pub attempts: Attempts,
    /// Where messages for people go.
    pub notifications: Arc<dyn NotificationProvider>,
    /// Bounds the messages under way.
    pub notifying: Arc<Semaphore>,
    /// Bounds the password hashes computed at once.
    pub hashing: Semaphore,
    /// Bounds the requests that the feed endpoint holds open.
    pub feed_waiters: Semaphore,
    /// This process among the members.
    pub member_id: String,
    /// Cancelled when the process is to stop.
    pub shutdown: CancellationToken,
}

/// The process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Postgres's URL.
    #[error("`database.url` cannot be used ({0}); write postgres://user:password@host:port/name")]
    Database(sqlx::Error),
    /// A replica's URL.
    #[error("one of `database.replicas` cannot be used ({0}); write postgres://user:password@host:port/name")]
    Replica(sqlx::Error),
    /// The client that asks other origin processes, or the notifications' webhook.
    #[error("the HTTP client: {0}")]
    Forward(#[from] reqwest::Error),
    /// Two metrics of one name.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// A port that is taken, say.
    #[error("cannot listen on {address}: {source}; is another process on that port?")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A CORS setting.
    #[error("`{key}`: `{value}` is not an origin; write scheme://host:port, separated by commas, or *")]
    Cors {
        /// Which setting.
        key: &'static str,
        /// What it says.
        value: String,
    },
    /// The runtime's own.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Longest that Redis may take to answer before a command counts as failed, and the connection with it.
const REDIS_TIMEOUT: Duration = Duration::from_millis(500);

/// Messages for people that may be under way at once; who asks for more is told to come back.
const MAX_NOTIFYING: usize = 256;

// === impl AppState ===

impl AppState {
    /// Builds it without connecting to anything: what cannot be reached yet is reached when it is needed.
    pub fn new(config: Config) -> Result<Self, StartError> {
        let pool = database::pool(&config.database).map_err(StartError::Database)?;
        let timeouts = Timeouts { connect: REDIS_TIMEOUT, answer: REDIS_TIMEOUT };
        let redis = config.redis.url.clone().map(|address| Link::new(Server::new(address, timeouts)));
        let files: Arc<dyn FileProvider> = Arc::new(S3Files::new(&config.files));
        let table = TagTable::at(Epoch::ZERO, config.feed.tag_capacity);
        Ok(Self(Arc::new(Shared {
            outbox: outbox::Outbox::new(pool.clone()),
            pool,
            replicas: Replicas::new(&config.database).map_err(StartError::Replica)?,
            live: Arc::new(Live::new(table)),
            position: watch::Sender::new(Epoch::ZERO),
            recent: outbox::Recent::default(),
            books: Books::new(config.feed.terms()),
            forward: Forward::new(config.feed.internal_token.expose().to_owned())?,
            lease: OwnLease::default(),
            caches: Caches::new(&config.cache),
            metrics: Metrics::new()?,
            files,
            sessions: Sessions::new(redis.clone(), &config.auth),
            attempts: Attempts::new(redis.clone(), &config.auth),
            notifications: notification::provider(&config.notifications)?,
            notifying: Arc::new(Semaphore::new(MAX_NOTIFYING)),
            redis,
            hashing: Semaphore::new(config.auth.max_concurrent_hashes),
            feed_waiters: Semaphore::new(config.feed.max_waiters),
            member_id: vitrine_shared::id::new("origin"),
            shutdown: CancellationToken::new(),
            config,
        })))
    }

    /// Notes that `epoch` has been numbered.
    pub fn note_position(&self, epoch: Epoch) {
        self.position.send_if_modified(|known| {
            let newer = epoch > *known;
            if newer {
                *known = epoch;
            }
            newer
        });
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
