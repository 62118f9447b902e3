//! Pingora's peer for one address of an upstream, with every timeout set.

use std::net::SocketAddr;
use std::time::Duration;

use pingora::upstreams::peer::HttpPeer;

use super::Upstream;

/// How long an idle connection to an upstream is kept.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// The peer; `host` is the Host that will be sent, which is the server name too where TLS is spoken.
pub fn peer(address: SocketAddr, upstream: &Upstream, host: &str) -> HttpPeer {
    let mut peer = HttpPeer::new(address, upstream.tls, server_name(host).to_owned());
    let options = &mut peer.options;
    options.connection_timeout = Some(upstream.connect_timeout);
    options.total_connection_timeout = Some(upstream.connect_timeout);
    options.read_timeout = Some(upstream.read_timeout);
    options.write_timeout = Some(upstream.write_timeout);
    options.idle_timeout = Some(IDLE_TIMEOUT);
    peer
}

/// A Host without its port.
pub(super) fn server_name(host: &str) -> &str {
    host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name)
}
