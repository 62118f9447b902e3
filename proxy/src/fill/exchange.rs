//! One exchange with an upstream: send a request without content, read the response's head, then its body in pieces.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use pingora::ErrorType;
use pingora::RetryType;
use pingora::connectors::{ConnectorOptions, TransportConnector};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::http::v1::client::HttpSession;
use pingora::upstreams::peer::{HttpPeer, Peer as _};

use crate::upstream::{Affinity, Attempt, Attempts, MAX_INTERIM, Pools, Upstream, is_failure, peer, settle};

/// Asks upstreams over pooled HTTP/1.1 connections.
pub struct UpstreamClient {
    connector: TransportConnector,
    pools: Arc<Pools>,
}

/// The attempts at one *safe* request: which address is asked, and on which connection.
#[derive(Debug)]
pub struct Asking {
    attempts: Attempts,
    /// The attempt that is under way, or whose pooled connection had been closed.
    attempt: Option<Attempt>,
    connections: Connections,
}

/// Why a request is sent once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// A pooled connection had been closed; now to the same address on a new one.
    NewConnection,
    /// The address hung up before a head, or its head says that it is at fault; now to another one, within the budget.
    OtherAddress,
}

/// Takes interim responses as they arrive: all 1xx but 100 and 101, such as 103 Early Hints (RFC 8297). They have their fields as
/// the upstream sent them, the hop-by-hop ones too; there are at most 16 in one attempt.
pub type Interim<'i> = dyn FnMut(ResponseHeader) + Send + 'i;

/// Why an upstream gave no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// No connection: refused, unreachable, or its name is not known.
    #[error("cannot connect to the upstream: {0}")]
    Connect(String),
    /// It was not asked: too many wait to ask upstreams already.
    #[error("too many requests wait for upstreams already")]
    Busy,
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
enum Connections {
    /// An idle one where there is one.
    Pooled,
    /// A new one.
    New,
}

/// A response whose head has arrived and whose body is still to come.
pub struct Incoming {
    /// Its head.
    pub head: ResponseHeader,
    session: HttpSession,
    peer: HttpPeer,
    /// Under way as long as this response is.
    _attempt: Attempt,
}

// === impl UpstreamClient ===

impl UpstreamClient {
    /// Keeps up to `idle` idle connections.
    pub fn new(idle: usize) -> Self {
        Self { connector: TransportConnector::new(Some(ConnectorOptions::new(idle))), pools: Arc::default() }
    }

    /// The state of the upstreams, which Pingora's own proxying uses too.
    pub fn pools(&self) -> &Arc<Pools> {
        &self.pools
    }

    /// Begins with a request. `affinity` is of its host and path.
    pub fn asking(&self, upstream: &Arc<Upstream>, affinity: Affinity) -> Asking {
        let attempts = self.pools.of(upstream).attempts(upstream.clone(), affinity);
        Asking { attempts, attempt: None, connections: Connections::Pooled }
    }

    /// Makes one attempt: sends the request and waits for the head of its final response. Addresses to which no connection can
    /// be made are passed over, since nothing was sent to them. Ask [`Asking::again`] what to do with the result.
    pub async fn ask(
        &self,
        asking: &mut Asking,
        request: RequestHeader,
        interim: &mut Interim<'_>,
    ) -> Result<Incoming, ExchangeError> {
        let upstream = asking.attempts.upstream().clone();
        let host = request.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let mut last = ExchangeError::Connect(format!("no address of upstream `{}` can be resolved", upstream.name));
        let (attempt, peer, session, reused) = loop {
            let attempt = match asking.attempt.take() {
                Some(attempt) => attempt,
                None => asking.attempts.next().await.ok_or(last)?,
            };
            let peer = peer(attempt.address(), &upstream, host);
            match self.connect(&peer, asking.connections).await {
                Ok((session, reused)) => break (attempt, peer, session, reused),
                Err(error) => {
                    attempt.failed(&error.to_string());
                    last = error;
                }
            }
        };
        match exchange(session, request, upstream.read_timeout, reused, interim).await {
            Ok((head, session)) => {
                attempt.answered(head.status);
                Ok(Incoming { head, session, peer, _attempt: attempt })
            }
            Err(ExchangeError::StaleConnection) => {
                asking.attempt = Some(attempt);
                Err(ExchangeError::StaleConnection)
            }
            Err(error) => {
                attempt.failed(&error.to_string());
                Err(error)
            }
        }
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

    async fn connect(&self, peer: &HttpPeer, connections: Connections) -> Result<(HttpSession, bool), ExchangeError> {
        let pooled = match connections {
            Connections::Pooled => self.connector.reused_stream(peer).await,
            Connections::New => None,
        };
        let stream = match pooled {
            Some(stream) => Ok((stream, true)),
            // Boxed: connecting needs much more room than most fills, which find a connection in the pool, and tasks are moved whole.
            None => Box::pin(self.connector.new_stream(peer)).await.map(|stream| (stream, false)),
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
    request: RequestHeader,
    head_timeout: Duration,
    reused: bool,
    interim: &mut Interim<'_>,
) -> Result<(ResponseHeader, HttpSession), ExchangeError> {
    session.write_request_header(Box::new(request)).await.map_err(|error| failed(&error, reused))?;
    // The session's own timeout is per read; a head that drips in must end too.
    let head = tokio::time::timeout(head_timeout, final_head(&mut session, reused, interim)).await;
    let head = head.map_err(|_| ExchangeError::Timeout)??;
    Ok((head, session))
}

async fn final_head(
    session: &mut HttpSession,
    reused: bool,
    interim: &mut Interim<'_>,
) -> Result<ResponseHeader, ExchangeError> {
    for _ in 0..MAX_INTERIM {
        session.read_response().await.map_err(|error| failed(&error, reused))?;
        let Some(head) = session.resp_header() else {
            continue;
        };
        let mut head = head.clone();
        settle(&mut head, false).map_err(|error| ExchangeError::Response(error.to_string()))?;
        match head.status {
            // The request has no content, so nobody waits for this one.
            StatusCode::CONTINUE => {}
            status if status.is_informational() => interim(head),
            _ => return Ok(head),
        }
    }
    Err(ExchangeError::Response("too many interim responses".to_owned()))
}

fn failed(error: &pingora::Error, reused: bool) -> ExchangeError {
    match error.etype() {
        ErrorType::ReadTimedout | ErrorType::WriteTimedout => ExchangeError::Timeout,
        _ if reused && (error.retry == RetryType::ReusedOnly || error.etype() == &ErrorType::WriteError) => {
            ExchangeError::StaleConnection
        }
        other => ExchangeError::Response(other.as_str().to_owned()),
    }
}

// === impl Asking ===

impl Asking {
    /// Whether the request should be sent once more, after what the last attempt brought. Each attempt of a fill has a stamp
    /// of its own (invalidation protocol, rule 6).
    pub fn again(&mut self, result: &Result<Incoming, ExchangeError>) -> Option<Again> {
        match result {
            Err(ExchangeError::StaleConnection) if self.connections == Connections::Pooled => {
                self.connections = Connections::New;
                Some(Again::NewConnection)
            }
            Ok(incoming) if !is_failure(incoming.head.status) => None,
            Ok(_) | Err(ExchangeError::Response(_)) => self.attempts.may_retry().then_some(Again::OtherAddress),
            Err(
                ExchangeError::StaleConnection
                | ExchangeError::Connect(_)
                | ExchangeError::Timeout
                | ExchangeError::Busy,
            ) => None,
        }
    }
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request on each connection with `bytes`, and hangs up.
    async fn upstream(bytes: &'static str) -> Arc<Upstream> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string().parse().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    stream.read_buf(&mut head).await.unwrap();
                }
                stream.write_all(bytes.as_bytes()).await.unwrap();
            }
        });
        Arc::new(Upstream::of("origin", vec![address]))
    }

    async fn ask(bytes: &'static str) -> (Result<Incoming, ExchangeError>, Vec<ResponseHeader>) {
        let client = UpstreamClient::new(1);
        let mut asking = client.asking(&upstream(bytes).await, Affinity::of("h", "/"));
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        request.insert_header("host", "h").unwrap();
        let mut heads = Vec::new();
        let result = client.ask(&mut asking, request, &mut |head| heads.push(head)).await;
        assert_eq!(asking.again(&result), None);
        (result, heads)
    }

    #[tokio::test]
    async fn interim_heads_are_handed_on_but_for_100() {
        let (result, heads) =
            ask("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n\
             HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            .await;
        let mut incoming = result.unwrap();
        assert_eq!(
            (incoming.head.status, incoming.next().await.unwrap().unwrap()),
            (StatusCode::OK, Bytes::from("hi"))
        );
        assert_eq!(heads.iter().map(|head| head.status.as_u16()).collect::<Vec<_>>(), [103, 102]);
        assert_eq!(heads[0].headers.get_all("link").iter().collect::<Vec<_>>(), ["</a>", "</b>"]);
    }

    #[tokio::test]
    async fn what_never_becomes_final_is_an_error() {
        const MANY: &str = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n\
            HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n\
            HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n\
            HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n\
            HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n\
            HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
        for (bytes, interim) in [
            ("HTTP/1.1 103 Early Hints\r\n\r\n", 1),
            ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 0),
            (MANY, MAX_INTERIM),
        ] {
            let (result, heads) = ask(bytes).await;
            assert!(matches!(result.err(), Some(ExchangeError::Response(_))), "{bytes}");
            assert_eq!(heads.len(), interim, "{bytes}");
        }
    }
}
