//! The way of a passed request to its upstream.

use std::sync::Arc;

use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType};

use crate::fill::peer::Peers;
use crate::key::Target;
use crate::upstream::Upstream;

/// The addresses of the upstream, in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Route {
    upstream: Arc<Upstream>,
    peers: Vec<HttpPeer>,
    next: usize,
}

impl Route {
    /// A route that is not resolved yet.
    pub(super) fn to(upstream: Arc<Upstream>) -> Self {
        Self { upstream, peers: Vec::new(), next: 0 }
    }

    /// Who is asked.
    pub(super) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// The address to try now.
    pub(super) async fn peer(&mut self, peers: &Peers, target: &Target) -> pingora::Result<Box<HttpPeer>> {
        if self.peers.is_empty() {
            let host = self.upstream.host.as_deref().unwrap_or(target.host());
            self.peers = peers
                .of(&self.upstream, host)
                .await
                .map_err(|error| Error::because(ErrorType::ConnectNoRoute, "resolving", error).into_up())?;
        }
        let peer = self.peers.get(self.next.min(self.peers.len() - 1));
        peer.map(|peer| Box::new(peer.clone()))
            .ok_or_else(|| Error::explain(ErrorType::ConnectNoRoute, "no address").into_up())
    }

    /// Goes on to the next address; false where there is none.
    pub(super) fn try_next(&mut self) -> bool {
        self.next += 1;
        self.next < self.peers.len()
    }
}
