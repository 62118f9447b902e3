//! Connections to upstreams: idle ones, and new ones.

use std::net::SocketAddr;
use std::sync::Arc;

use pingora::ErrorType;
use pingora::connectors::{ConnectorOptions, TransportConnector};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connection::{Connection, Response};
use super::idle::Idle;
use super::stream::Stream;
use crate::upstream::{Pool, Upstream, peer, server_name};

/// Where a connection leads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint<'e> {
    pub(crate) address: SocketAddr,
    pub(crate) upstream: &'e Upstream,
    /// The Host that will be sent, which is the server name too where TLS is spoken.
    pub(crate) host: &'e str,
    /// As long as this is there, connections that wait for a request are of use.
    pub(crate) pool: &'e Arc<Pool>,
}

/// Which connections may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// An idle one where there is one.
    Pooled,
    /// A new one.
    New,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConnectError {
    /// It took too long.
    TimedOut,
    /// Refused, unreachable, or no TLS.
    Failed(String),
}

/// Makes and keeps connections.
pub(crate) struct Connector {
    /// Makes those with TLS; it keeps none.
    tls: TransportConnector,
    idle: Idle,
}

// === impl Endpoint ===

impl<'e> Endpoint<'e> {
    /// What the certificate must be for.
    pub(super) fn server_name(self) -> Option<&'e str> {
        self.upstream.tls.then(|| server_name(self.host))
    }
}

// === impl Connector ===

impl Connector {
    pub(crate) fn new() -> Self {
        Self { tls: TransportConnector::new(Some(ConnectorOptions::new(0))), idle: Idle::default() }
    }

    /// A connection, and whether it was used before.
    pub(crate) async fn connect(
        &self,
        endpoint: Endpoint<'_>,
        connections: Connections,
    ) -> Result<(Box<Connection>, bool), ConnectError> {
        if connections == Connections::Pooled
            && let Some(connection) = self.idle.take(endpoint)
        {
            return Ok((connection, true));
        }
        // Boxed: connecting needs much more room than most fills, which find an idle connection, and tasks are moved whole.
        let stream = Box::pin(self.open(endpoint)).await?;
        Ok((Box::new(Connection::new(stream)), false))
    }

    /// Takes the connection of a response back, where it can take another request.
    pub(crate) fn release(&self, endpoint: Endpoint<'_>, response: Response) {
        if let Some(connection) = response.into_connection() {
            self.idle.put(endpoint, connection);
        }
    }

    async fn open(&self, endpoint: Endpoint<'_>) -> Result<Stream, ConnectError> {
        let Endpoint { address, upstream, host, .. } = endpoint;
        if upstream.tls {
            let opened = self.tls.new_stream(&peer(address, upstream, host)).await;
            return opened.map(Stream::Tls).map_err(|error| match error.etype() {
                ErrorType::ConnectTimedout | ErrorType::TLSHandshakeTimedout => ConnectError::TimedOut,
                other => ConnectError::Failed(other.as_str().to_owned()),
            });
        }
        let opened = timeout(upstream.connect_timeout, TcpStream::connect(address)).await;
        let stream = opened.map_err(|_| ConnectError::TimedOut)?.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Stream::Clear(stream))
    }
}

#[allow(clippy::needless_pass_by_value, reason = "an argument of map_err")]
fn failed(error: std::io::Error) -> ConnectError {
    ConnectError::Failed(error.kind().to_string())
}
