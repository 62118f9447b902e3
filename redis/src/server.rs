//! Makes connections to what an address says.

use std::time::Duration;

use redis::cluster::ClusterClient;
use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, TlsMode};
use tokio_rustls::rustls::crypto::ring;

use crate::address::{Address, Place};
use crate::connection::Connection;

/// A connection to a master that Sentinel named is looked up anew when it is so old: a demoted master that is cut off from the Sentinels
/// answers all the same, and does not know.
pub const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// Longest that all Sentinels together may take to name a master that says it is one.
const LOOK_UP: Duration = Duration::from_secs(3);
/// How often a command is sent again within a cluster: a redirection, a node that has gone.
const CLUSTER_RETRIES: u32 = 4;
/// Pause between these, in milliseconds.
const CLUSTER_PAUSE: (u64, u64) = (20, 200);

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// To connect to one server.
    pub connect: Duration,
    /// For an answer, the time that a blocking command may block included.
    pub answer: Duration,
}

/// Makes connections to what an address says.
#[derive(Clone, Debug)]
pub struct Server {
    address: Address,
    timeouts: Timeouts,
}

// === impl Server ===

impl Server {
    /// Nothing is connected yet.
    pub fn new(address: Address, timeouts: Timeouts) -> Self {
        // TLS needs a provider; where the program has named one already, that is it.
        let _ = ring::default_provider().install_default();
        Self { address, timeouts }
    }

    /// Whether it is a cluster, whose scripts and pipelines must keep to one slot.
    pub fn is_cluster(&self) -> bool {
        matches!(self.address.place, Place::Cluster(_))
    }

    /// Whether another server may take over without this one noticing.
    pub fn may_move(&self) -> bool {
        matches!(self.address.place, Place::Sentinel { .. })
    }

    /// A new connection: by Sentinel to the server that is master now, and says so itself.
    pub async fn connect(&self) -> RedisResult<Connection> {
        match &self.address.place {
            Place::Single(info) => self.node(&Client::open(info.as_ref().clone())?).await,
            Place::Sentinel { sentinels, service, node, tls } => {
                let mut settings = SentinelNodeConnectionInfo::default().set_redis_connection_info(node.clone());
                if *tls {
                    settings = settings.set_tls_mode(TlsMode::Secure);
                }
                // Anew each time: a Sentinel that hangs must not be kept.
                let mut sentinel = Sentinel::build(sentinels.clone())?;
                let master = within(LOOK_UP, sentinel.async_master_for(service, Some(&settings))).await?;
                self.node(&master).await
            }
            Place::Cluster(nodes) => {
                let (least, most) = CLUSTER_PAUSE;
                let client = ClusterClient::builder(nodes.clone())
                    .connection_timeout(self.timeouts.connect)
                    .response_timeout(self.timeouts.answer)
                    .retries(CLUSTER_RETRIES)
                    .min_retry_wait(least)
                    .max_retry_wait(most)
                    .build()?;
                let connected = client.get_async_connection();
                Ok(within(self.timeouts.connect + self.timeouts.answer, connected).await?.into())
            }
        }
    }

    async fn node(&self, client: &Client) -> RedisResult<Connection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeouts.connect))
            .set_response_timeout(Some(self.timeouts.answer));
        Ok(client.get_multiplexed_async_connection_with_config(&config).await?.into())
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    tokio::time::timeout(limit, work).await.map_err(late)?
}
