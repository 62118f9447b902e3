//! One exchange with an upstream: send a request without content, read the response's head, then its body in pieces.

use std::sync::Arc;

use bytes::Bytes;
use pingora::http::ResponseHeader;

use crate::upstream::h1::{ConnectError, Connections, Connector, Failure, Response};
use crate::upstream::{Affinity, Attempt, Attempts, Pools, Upstream, is_failure};

/// Asks upstreams over pooled HTTP/1.1 connections.
pub struct UpstreamClient {
    connector: Connector,
    pools: Arc<Pools>,
}

/// The attempts at one *safe* request: which address is asked, and on which connection.
#[derive(Debug)]
pub struct Asking {
    attempts: Attempts,
    /// The attempt that is under way, or whose pooled connection was of no use.
    attempt: Option<Attempt>,
    connections: Connections,
    /// Why no connection could be made, to the address that was tried last.
    not_connected: Option<ExchangeError>,
}

/// Why a request is sent once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// A pooled connection was of no use; now to the same address on a new one.
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
    /// A pooled connection had been closed in the meantime, or what came on it is not HTTP; asking again is safe.
    #[error("a pooled connection to the upstream was of no use")]
    StaleConnection,
    /// It hung up, or what it sent is not HTTP.
    #[error("the upstream's response cannot be used: {0}")]
    Response(String),
}

/// A response whose head has arrived and whose body is still to come.
#[derive(Debug)]
pub struct Incoming {
    /// Its head.
    pub head: ResponseHeader,
    response: Response,
    /// Under way as long as this response is.
    attempt: Attempt,
}

// === impl ExchangeError ===

impl From<Failure> for ExchangeError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::TimedOut => Self::Timeout,
            other => Self::Response(other.to_string()),
        }
    }
}

impl From<ConnectError> for ExchangeError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::TimedOut => Self::Timeout,
            ConnectError::Failed(why) => Self::Connect(why),
        }
    }
}

// === impl UpstreamClient ===

impl Default for UpstreamClient {
    fn default() -> Self {
        Self { connector: Connector::new(), pools: Arc::default() }
    }
}

impl UpstreamClient {
    /// The state of the upstreams, which Pingora's own proxying uses too.
    pub fn pools(&self) -> &Arc<Pools> {
        &self.pools
    }

    /// Begins with a request. `affinity` is of its host and path.
    pub fn asking(&self, upstream: &Arc<Upstream>, affinity: Affinity) -> Asking {
        let attempts = self.pools.of(upstream).attempts(upstream.clone(), affinity);
        Asking { attempts, attempt: None, connections: Connections::Pooled, not_connected: None }
    }

    /// Makes one attempt: sends the request, which is a whole head and says `host` in Host, and waits for the head of its final response.
    /// Addresses to which no connection can be made are passed over, since nothing was sent to them. Ask [`Asking::again`] what to do
    /// with the result.
    pub async fn ask(
        &self,
        asking: &mut Asking,
        request: &[u8],
        host: &str,
        interim: &mut Interim<'_>,
    ) -> Result<Incoming, ExchangeError> {
        let (attempt, connection, reused) = loop {
            let attempt = match asking.attempt.take() {
                Some(attempt) => attempt,
                None => asking.attempts.next().await.ok_or_else(|| asking.last())?,
            };
            match self.connector.connect(attempt.endpoint(host), asking.connections).await {
                Ok((connection, reused)) => break (attempt, connection, reused),
                Err(error) => {
                    let error = ExchangeError::from(error);
                    attempt.failed(&error.to_string());
                    asking.not_connected = Some(error);
                }
            }
        };
        let upstream = attempt.upstream();
        match connection.ask(request, (upstream.write_timeout, upstream.read_timeout), interim).await {
            Ok((head, response)) => {
                attempt.answered(head.status);
                Ok(Incoming { head, response, attempt })
            }
            // Nothing, or what a response before it has left behind: neither is an answer to this request, and asking again is safe.
            Err(Failure::Unanswered | Failure::NotHttp) if reused => {
                asking.attempt = Some(attempt);
                Err(ExchangeError::StaleConnection)
            }
            Err(failure) => {
                let error = ExchangeError::from(failure);
                attempt.failed(&error.to_string());
                Err(error)
            }
        }
    }

    /// Gives the connection of a response that was read to its end back to the pool; `host` is what was sent.
    pub fn release(&self, incoming: Incoming, host: &str) {
        let Incoming { response, attempt, .. } = incoming;
        self.connector.release(attempt.endpoint(host), response);
    }
}

// === impl Asking ===

impl Asking {
    /// Why there is no address left.
    fn last(&self) -> ExchangeError {
        self.not_connected.clone().unwrap_or_else(|| {
            let name = &self.attempts.upstream().name;
            ExchangeError::Connect(format!("no address of upstream `{name}` can be resolved"))
        })
    }

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
        self.response.next().await.map_err(ExchangeError::from)
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::upstream::MAX_INTERIM;

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
        let client = UpstreamClient::default();
        let mut asking = client.asking(&upstream(bytes).await, Affinity::of("h", "/"));
        let mut heads = Vec::new();
        let result =
            client.ask(&mut asking, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "h", &mut |head| heads.push(head)).await;
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

    /// A body behind a 304, as some servers send it, may arrive when the next request is on its way.
    #[tokio::test]
    async fn what_was_left_of_an_answer_is_no_answer_to_the_next_request() {
        const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string().parse().unwrap();
        tokio::spawn(async move {
            for answers in [&["HTTP/1.1 304 Not Modified\r\n\r\n", "left of it"][..], &[OK]] {
                let (mut stream, _) = listener.accept().await.unwrap();
                for answer in answers {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        stream.read_buf(&mut head).await.unwrap();
                    }
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        let (client, upstream) = (UpstreamClient::default(), Arc::new(Upstream::of("origin", vec![address])));
        let mut asking = client.asking(&upstream, Affinity::of("h", "/"));
        let request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
        let first = client.ask(&mut asking, request, "h", &mut |_| {}).await.unwrap();
        client.release(first, "h");
        let mut asking = client.asking(&upstream, Affinity::of("h", "/"));
        let second = client.ask(&mut asking, request, "h", &mut |_| {}).await;
        assert_eq!(asking.again(&second), Some(Again::NewConnection), "{second:?}");
        let third = client.ask(&mut asking, request, "h", &mut |_| {}).await.unwrap();
        assert_eq!(third.head.status, StatusCode::OK);
    }
}
