//! Where an upstream is reached: names resolved and remembered for a short time, and Pingora's peer with every timeout set.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use pingora::upstreams::peer::HttpPeer;
use tokio::time::Instant;

use crate::upstream::{Address, Upstream};

/// For how long a resolved name is used before it is asked for again.
const RESOLVED_FOR: Duration = Duration::from_secs(5);
/// Longest wait for the resolver.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an idle connection to an upstream is kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Resolves upstreams' addresses and spreads connections over them.
#[derive(Debug, Default)]
pub struct Peers {
    /// Bounded by the addresses that the configuration names.
    resolved: RwLock<HashMap<Address, (Instant, Vec<SocketAddr>)>>,
    turn: AtomicUsize,
}

/// No address of the upstream could be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no address of upstream `{0}` can be resolved")]
pub struct Unresolved(pub String);

// === impl Peers ===

impl Peers {
    /// The upstream's peers in the order in which they should be tried, the first one another at each call.
    ///
    /// `host` is the Host that will be sent, which is the server name too where TLS is spoken.
    pub async fn of(&self, upstream: &Upstream, host: &str) -> Result<Vec<HttpPeer>, Unresolved> {
        let mut addresses = Vec::with_capacity(upstream.addresses.len());
        for address in &upstream.addresses {
            addresses.extend(self.resolve(address).await);
        }
        if addresses.is_empty() {
            return Err(Unresolved(upstream.name.to_string()));
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % addresses.len();
        addresses.rotate_left(turn);
        Ok(addresses.into_iter().map(|address| peer(address, upstream, host)).collect())
    }

    async fn resolve(&self, address: &Address) -> Vec<SocketAddr> {
        if let Some((at, found)) = self.resolved.read().get(address)
            && at.elapsed() < RESOLVED_FOR
        {
            return found.clone();
        }
        let lookup = tokio::net::lookup_host((&*address.host, address.port));
        match tokio::time::timeout(RESOLVE_TIMEOUT, lookup).await {
            Ok(Ok(found)) => {
                let found: Vec<_> = found.collect();
                self.resolved.write().insert(address.clone(), (Instant::now(), found.clone()));
                found
            }
            // A resolver that fails does not take away what it said before.
            Ok(Err(_)) | Err(_) => {
                self.resolved.read().get(address).map(|(_, found)| found.clone()).unwrap_or_default()
            }
        }
    }
}

fn peer(address: SocketAddr, upstream: &Upstream, host: &str) -> HttpPeer {
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name);
    let mut peer = HttpPeer::new(address, upstream.tls, name.to_owned());
    let options = &mut peer.options;
    options.connection_timeout = Some(upstream.connect_timeout);
    options.total_connection_timeout = Some(upstream.connect_timeout);
    options.read_timeout = Some(upstream.read_timeout);
    options.write_timeout = Some(upstream.write_timeout);
    options.idle_timeout = Some(IDLE_TIMEOUT);
    peer
}
