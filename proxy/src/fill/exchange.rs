//! One exchange with an upstream: send a request without content, read the response's head, then its body in pieces.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use pingora::ErrorType;
use pingora::RetryType;
use pingora::connectors::{ConnectorOptions, TransportConnector};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::http::v1::client::HttpSession;
use pingora::upstreams::peer::{HttpPeer, Peer as _};

use super::peer::Peers;
use crate::upstream::Upstream;

/// Most interim (1xx) responses before the final one.
const MAX_INTERIM: usize = 16;

/// Asks upstreams over pooled HTTP/1.1 connections.
pub struct UpstreamClient {
    connector: TransportConnector,
    peers: Peers,
}

/// Why an upstream gave no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// No connection: refused, unreachable, or its name is not known.
    #[error("cannot connect to the upstream: {0}")]
    Connect(String),
    /// It took longer than its timeouts allow.
    #[error("the upstream took too long")]
    Timeout,
    /// A pooled connection had been closed in the meantime; nothing was answered on it, and asking again is safe.
    #[error("a pooled connection to the upstream had been closed")]
    StaleConnection,
    /// It hung up, or what it sent is not HTTP.
    #[error("the upstream's response cannot be used: {0}")]
    Response(String),
}

/// Which connections may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// An idle one where there is one.
    Reuse,
    /// A new one.
    Fresh,
}

/// A response whose head has arrived and whose body is still to come.
pub struct Incoming {
    /// Its head.
    pub head: ResponseHeader,
    session: HttpSession,
    peer: HttpPeer,
}

// === impl UpstreamClient ===

impl UpstreamClient {
    /// Keeps up to `idle` idle connections.
    pub fn new(idle: usize) -> Self {
        Self { connector: TransportConnector::new(Some(ConnectorOptions::new(idle))), peers: Peers::default() }
    }

    /// The resolver, which Pingora's own proxying uses too.
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// Sends a request and waits for the head of its final response.
    pub async fn ask(
        &self,
        upstream: &Upstream,
        request: RequestHeader,
        pool: Pool,
    ) -> Result<Incoming, ExchangeError> {
        let host = request.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let peers = self.peers.of(upstream, host).await.map_err(|error| ExchangeError::Connect(error.to_string()))?;
        let mut last = ExchangeError::Connect(String::new());
        for peer in peers {
            match self.connect(&peer, pool).await {
                Ok((session, reused)) => return exchange(session, peer, request, upstream.read_timeout, reused).await,
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Gives the connection of a response that was read to its end back to the pool.
    pub async fn release(&self, incoming: Incoming) {
        let Incoming { mut session, peer, .. } = incoming;
        session.respect_keepalive();
        let idle = peer.idle_timeout();
        if let Some(stream) = session.reuse().await {
            self.connector.release_stream(stream, peer.reuse_hash(), idle);
        }
    }

    async fn connect(&self, peer: &HttpPeer, pool: Pool) -> Result<(HttpSession, bool), ExchangeError> {
        let stream = match pool {
            Pool::Reuse => self.connector.get_stream(peer).await,
            Pool::Fresh => self.connector.new_stream(peer).await.map(|stream| (stream, false)),
        };
        let (stream, reused) = stream.map_err(|error| match error.etype() {
            ErrorType::ConnectTimedout | ErrorType::TLSHandshakeTimedout => ExchangeError::Timeout,
            other => ExchangeError::Connect(other.as_str().to_owned()),
        })?;
        let mut session = HttpSession::new_with_options(stream, peer);
        session.read_timeout = peer.options.read_timeout;
        session.write_timeout = peer.options.write_timeout;
        Ok((session, reused))
    }
}

async fn exchange(
    mut session: HttpSession,
    peer: HttpPeer,
    request: RequestHeader,
    head_timeout: Duration,
    reused: bool,
) -> Result<Incoming, ExchangeError> {
    let failed = |error: &pingora::Error| match error.etype() {
        ErrorType::ReadTimedout | ErrorType::WriteTimedout => ExchangeError::Timeout,
        _ if reused && (error.retry == RetryType::ReusedOnly || error.etype() == &ErrorType::WriteError) => {
            ExchangeError::StaleConnection
        }
        other => ExchangeError::Response(other.as_str().to_owned()),
    };
    session.write_request_header(Box::new(request)).await.map_err(|error| failed(&error))?;
    // The session's own timeout is per read; a head that drips in must end too.
    let head = tokio::time::timeout(head_timeout, final_head(&mut session)).await;
    match head {
        Ok(Ok(Some(head))) => Ok(Incoming { head, session, peer }),
        Ok(Ok(None)) => Err(ExchangeError::Response("too many interim responses".to_owned())),
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(ExchangeError::Timeout),
    }
}

async fn final_head(session: &mut HttpSession) -> pingora::Result<Option<ResponseHeader>> {
    for _ in 0..MAX_INTERIM {
        session.read_response().await?;
        match session.resp_header() {
            Some(head) if head.status == StatusCode::SWITCHING_PROTOCOLS => return Ok(None),
            Some(head) if !head.status.is_informational() => return Ok(Some(head.clone())),
            Some(_) | None => {}
        }
    }
    Ok(None)
}

// === impl Incoming ===

impl Incoming {
    /// The next piece of the body; `None` at its end, an error where it ends short of what was announced.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ExchangeError> {
        self.session.read_body_bytes().await.map_err(|error| match error.etype() {
            ErrorType::ReadTimedout => ExchangeError::Timeout,
            other => ExchangeError::Response(other.as_str().to_owned()),
        })
    }
}
