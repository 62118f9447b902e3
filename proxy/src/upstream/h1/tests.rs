//! Connections over real sockets: which of them are used again.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::upstream::{IDLE_TIMEOUT, Pool, Upstream};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A connector, and a listener whose connections the test takes one by one.
struct Stage {
    connector: Connector,
    upstream: Upstream,
    pool: Arc<Pool>,
    listener: TcpListener,
}

impl Stage {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string().parse().unwrap();
        let upstream = Upstream::of("origin", vec![address]);
        let pool = Arc::new(Pool::new(Arc::new(upstream.clone())));
        Self { connector: Connector::new(), upstream, pool, listener }
    }

    fn endpoint(&self) -> Endpoint<'_> {
        Endpoint { address: self.listener.local_addr().unwrap(), upstream: &self.upstream, host: "h", pool: &self.pool }
    }

    /// Asks for a response, which the upstream writes as it stands, and reads all of it. Tells whether the connection was used before, and
    /// hands the upstream's end of it back.
    async fn ask(&self, end: Option<TcpStream>, answer: &str) -> (Result<Vec<Bytes>, Failure>, bool, TcpStream) {
        let (connection, is_reused) = self.connector.connect(self.endpoint(), Connections::Pooled).await.unwrap();
        let mut end = match end {
            Some(end) if is_reused => end,
            _ => self.listener.accept().await.unwrap().0,
        };
        let answering = async {
            let mut request = vec![0; GET.len()];
            end.read_exact(&mut request).await.unwrap();
            assert_eq!(request, GET);
            end.write_all(answer.as_bytes()).await.unwrap();
        };
        let timeouts = (Duration::from_secs(10), Duration::from_secs(10));
        let mut interim = |_| {};
        let (asked, ()) = tokio::join!(connection.ask(GET, timeouts, &mut interim), answering);
        let read = async {
            let (head, mut response) = asked?;
            assert_eq!(head.status, StatusCode::OK);
            let mut pieces = Vec::new();
            while let Some(piece) = response.next().await? {
                pieces.push(piece);
            }
            self.connector.release(self.endpoint(), response);
            Ok(pieces)
        };
        (read.await, is_reused, end)
    }
}

#[tokio::test]
async fn a_connection_is_used_again_where_its_response_came_to_its_end() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n";
    let (more, more_chunked) = (format!("{HELLO}HTTP/1.1"), format!("{chunked}\r\n"));
    let closing = HELLO.replace("OK\r\n", "OK\r\nConnection: close\r\n");
    let both = chunked.replace("OK\r\n", "OK\r\nContent-Length: 5\r\n");
    for (answer, expected) in
        [(HELLO, true), (chunked, true), (&more, false), (&more_chunked, false), (&closing, false), (&both, false)]
    {
        let stage = Stage::open().await;
        let (pieces, is_reused, end) = stage.ask(None, answer).await;
        assert_eq!((pieces.unwrap(), is_reused), (vec![Bytes::from("hello")], false), "{answer}");
        let (pieces, is_reused, _end) = stage.ask(Some(end), HELLO).await;
        assert_eq!((pieces.unwrap(), is_reused), (vec![Bytes::from("hello")], expected), "{answer}");
    }
}

/// RFC 9112 §9.3, §11.2: neither an end nor bytes on an idle connection are an answer to the next request, whether or not the reactor
/// has learned of them: under load it may not have.
#[tokio::test]
async fn an_idle_connection_that_is_not_quiet_is_not_used() {
    for is_closed in [true, false] {
        let stage = Stage::open().await;
        let (_, _, end) = stage.ask(None, HELLO).await;
        let mut end = end.into_std().unwrap();
        if is_closed {
            drop(end);
        } else {
            end.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil").unwrap();
        }
        let (_, is_reused) = stage.connector.connect(stage.endpoint(), Connections::Pooled).await.unwrap();
        assert!(!is_reused, "closed: {is_closed}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_on_a_request_was_not_answered() {
    let stage = Stage::open().await;
    let (_, _, mut end) = stage.ask(None, HELLO).await;
    let (connection, is_reused) = stage.connector.connect(stage.endpoint(), Connections::Pooled).await.unwrap();
    let ending = async {
        end.read_exact(&mut [0; 1]).await.unwrap();
        drop(end);
    };
    let timeouts = (Duration::from_secs(10), Duration::from_secs(10));
    let mut interim = |_| {};
    let (asked, ()) = tokio::join!(connection.ask(GET, timeouts, &mut interim), ending);
    assert_eq!((asked.err(), is_reused), (Some(Failure::Unanswered), true));
    let (_, is_reused) = stage.connector.connect(stage.endpoint(), Connections::Pooled).await.unwrap();
    assert!(!is_reused);
}

#[tokio::test]
async fn what_is_idle_for_too_long_is_closed_though_nobody_asks() {
    let stage = Stage::open().await;
    let (_, _, mut end) = stage.ask(None, HELLO).await;
    tokio::time::pause();
    tokio::time::sleep(2 * IDLE_TIMEOUT).await;
    tokio::time::resume();
    assert_eq!(end.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn of_an_upstream_that_a_reload_removed_nothing_waits() {
    let mut stage = Stage::open().await;
    let (_, _, _end) = stage.ask(None, HELLO).await;
    stage.pool = Arc::new(Pool::new(Arc::new(stage.upstream.clone())));
    tokio::time::pause();
    tokio::time::sleep(IDLE_TIMEOUT / 2).await;
    tokio::time::resume();
    let (_, is_reused) = stage.connector.connect(stage.endpoint(), Connections::Pooled).await.unwrap();
    assert!(!is_reused);
}

/// A rush to one endpoint does not take all of the room.
#[tokio::test]
async fn one_endpoint_has_half_of_the_room() {
    let stage = Stage::open().await;
    let mut asked = Vec::new();
    for _ in 0..200 {
        let (connection, is_reused) = stage.connector.connect(stage.endpoint(), Connections::Pooled).await.unwrap();
        assert!(!is_reused);
        let mut end = stage.listener.accept().await.unwrap().0;
        end.write_all(HELLO.as_bytes()).await.unwrap();
        let mut interim = |_| {};
        let (_, mut response) = connection.ask(GET, (IDLE_TIMEOUT, IDLE_TIMEOUT), &mut interim).await.unwrap();
        while response.next().await.unwrap().is_some() {}
        asked.push((response, end));
    }
    let mut ends = Vec::new();
    for (response, end) in asked {
        stage.connector.release(stage.endpoint(), response);
        ends.push(end);
    }
    let mut reused = 0;
    while stage.connector.connect(stage.endpoint(), Connections::Pooled).await.unwrap().1 {
        reused += 1;
    }
    assert_eq!(reused, 128);
}

#[tokio::test]
async fn a_server_name_is_part_of_where_a_connection_leads() {
    let stage = Stage::open().await;
    let upstream = Upstream { tls: true, ..stage.upstream.clone() };
    let of = |host| Endpoint { upstream: &upstream, host, ..stage.endpoint() };
    assert_eq!([of("a:443").server_name(), of("b").server_name()], [Some("a"), Some("b")]);
    assert_eq!(stage.endpoint().server_name(), None);
}

/// More than one read brings.
#[tokio::test]
async fn content_that_is_long_comes_whole() {
    let stage = Stage::open().await;
    let content = "x".repeat(300_000);
    let (pieces, ..) = stage.ask(None, &format!("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n{content}")).await;
    assert_eq!(pieces.unwrap().concat(), content.as_bytes());
}
