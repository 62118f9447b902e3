//! An upstream that misbehaves, a proxy before it, and what must hold whatever the upstream does.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::strict::Strict;
use crate::support::upstream::Request;
use crate::support::{LIMIT, Proxy, Upstream, cache_all, response};

/// How many clients ask at once for what is cached.
const CLIENTS: usize = 3;
/// Fresh for a minute.
pub const FRESH: &str = "Cache-Control: max-age=60\r\n";

/// How a connection ends after the bytes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It stays open for the next request.
    Open,
    /// In order.
    HangUp,
    /// By a reset, which is no end of content (RFC 9112 §8).
    Reset,
}

/// What clients are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<'c> {
    /// This, whole.
    Is(u16, &'c str),
    /// 502 (RFC 9110 §15.6.3): nothing of the answer was used.
    BadGateway,
    /// The head of a 200, and content that is cut where every client notices.
    Cut,
}

/// What is made of an answer that may be stored by its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// All who wait have it, and it is stored.
    Stored,
    /// All who wait have it, and nobody else.
    Shared,
    /// Each asks for itself.
    No,
}

/// One misbehaviour, and what must come of it.
#[derive(Clone, Debug)]
pub struct Case<'c> {
    /// A name that can stand in a path.
    pub name: &'c str,
    pub answer: Vec<u8>,
    pub end: End,
    pub told: Told<'c>,
    pub kept: Kept,
    /// Whether the connection is where both sides take it to be, so that the next request may come over it. Whether it does is
    /// Pingora's matter.
    pub in_step: bool,
}

/// The two of them. What lies under `/pass` is passed, all else is cached.
pub struct Stage {
    pub proxy: Proxy,
    pub upstream: Upstream,
}

/// A case whose answer is a whole head after its status line, with content, on a connection that stays open.
pub fn case<'c>(name: &'c str, answer: &str, told: Told<'c>) -> Case<'c> {
    let kept = if let Told::Is(..) = told { Kept::Stored } else { Kept::Shared };
    let in_step = matches!(told, Told::Is(..));
    Case { name, answer: answer.as_bytes().to_vec(), end: End::Open, told, kept, in_step }
}

/// A 200 that is fresh for a minute, with further fields, and content as it stands.
pub fn fresh(fields: &str, content: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{FRESH}{fields}\r\n{content}")
}

// === impl Case ===

impl Case<'_> {
    pub fn hanging_up(self) -> Self {
        Self { end: End::HangUp, in_step: false, ..self }
    }

    pub fn resetting(self) -> Self {
        Self { end: End::Reset, in_step: false, ..self }
    }

    /// On a connection that must not be used again, though it is open.
    pub fn out_of_step(self) -> Self {
        Self { in_step: false, ..self }
    }

    pub fn kept(self, kept: Kept) -> Self {
        Self { kept, ..self }
    }

    fn give(&self, request: Request) {
        request.send(&self.answer);
        match self.end {
            End::Open => drop(request),
            End::HangUp => request.hang_up(),
            End::Reset => request.reset(),
        }
    }

    fn check(&self, got: &Strict) {
        let whole = match self.told {
            Told::Is(status, body) => {
                assert_eq!(
                    (got.status, String::from_utf8_lossy(&got.body).as_ref()),
                    (status, body),
                    "{self}\n{got:?}"
                );
                true
            }
            Told::BadGateway => {
                assert_eq!(got.status, 502, "{self}\n{got:?}");
                true
            }
            Told::Cut => {
                assert_eq!(got.status, 200, "{self}\n{got:?}");
                false
            }
        };
        assert_eq!(got.whole, whole, "{self}\n{got:?}");
    }
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.answer[..self.answer.len().min(300)].escape_ascii())
    }
}

// === impl Stage ===

impl Stage {
    pub async fn open() -> Self {
        Self::with("", "").await
    }

    /// With further keys of the upstream and of the rule that caches.
    pub async fn with(upstream_keys: &str, rule_keys: &str) -> Self {
        let upstream = Upstream::start().await;
        let pass = "[[rules]]\nname = \"pass\"\naction = \"pass\"\npaths = [\"/pass/**\"]\n";
        let rules = format!("{pass}{}", cache_all(rule_keys));
        let proxy = Proxy::with(upstream.addr(), upstream_keys, "", &rules).await;
        Self { proxy, upstream }
    }

    /// Each case, of what is cached and of what is passed.
    pub async fn play(&mut self, cases: &[Case<'_>]) {
        let mut failed = Vec::new();
        for case in cases {
            let played = AssertUnwindSafe(self.fill(case)).catch_unwind().await;
            if played.is_err() {
                failed.push(format!("cached {}", case.name));
                *self = Self::open().await;
            }
            let played = AssertUnwindSafe(self.pass(case)).catch_unwind().await;
            if played.is_err() {
                failed.push(format!("passed {}", case.name));
                *self = Self::open().await;
            }
        }
        assert!(failed.is_empty(), "{failed:?}");
    }

    /// Asks for what is cached, with followers.
    pub async fn fill(&mut self, case: &Case<'_>) {
        let path = format!("/{}", case.name);
        let before = self.upstream.asked();
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(self.send(&get(&path)).await);
        }
        self.proxy.engine.until_waiting(CLIENTS).await;
        let mut connections = BTreeSet::new();
        let mut reading = std::pin::pin!(join_all(clients.into_iter().map(read)));
        let upstream = &mut self.upstream;
        let all = loop {
            tokio::select! {
                biased;
                all = &mut reading => break all,
                request = upstream.next() => {
                    connections.insert(request.connection());
                    case.give(request);
                }
            }
        };
        for got in &all {
            case.check(got);
        }
        self.idle().await;
        let asked = if case.kept == Kept::No { CLIENTS } else { 1 };
        assert_eq!(self.upstream.asked() - before, asked, "how often the upstream was asked: {case}");
        if case.kept == Kept::Stored {
            let hit = self.ask(&get(&path)).await;
            assert!(hit.header("cache-status").contains("; hit"), "{case}\n{hit:?}");
            case.check(&hit);
        }
        let next = if case.kept == Kept::Stored { format!("/after{path}") } else { path };
        self.next_is_right(case, &next, &connections).await;
    }

    /// Asks for what is passed.
    pub async fn pass(&mut self, case: &Case<'_>) {
        let path = format!("/pass/{}", case.name);
        let before = self.upstream.asked();
        let client = self.send(&get(&path)).await;
        let request = self.next().await;
        let connections = BTreeSet::from([request.connection()]);
        case.give(request);
        case.check(&read(client).await);
        assert_eq!(self.upstream.asked() - before, 1, "how often the upstream was asked: {case}");
        self.next_is_right(case, &path, &connections).await;
    }

    /// The next request is asked, is answered by its own answer, and comes over a new connection where the case demands it.
    async fn next_is_right(&mut self, case: &Case<'_>, path: &str, connections: &BTreeSet<usize>) {
        let mut path = path.to_owned();
        // All that is pooled is used up, so that the next case begins on a new connection.
        loop {
            let client = self.send(&get(&path)).await;
            let request = self.next().await;
            let is_reused = connections.contains(&request.connection());
            assert!(case.in_step || !is_reused, "the connection is out of step: {case}");
            let body = format!("the right answer to {path}");
            request.send(&response("200 OK", &format!("{FRESH}Connection: close\r\n"), &body));
            drop(request);
            let got = read(client).await;
            assert_eq!((got.status, got.text(), got.whole), (200, body.as_str(), true), "after {case}");
            if !is_reused {
                break;
            }
            path.push('+');
        }
        self.idle().await;
    }

    /// The next request that the upstream is asked.
    pub async fn next(&mut self) -> Request {
        timeout(LIMIT, self.upstream.next()).await.expect("the upstream is asked")
    }

    /// Nothing is held for anybody any more.
    pub async fn idle(&self) {
        self.proxy.settled().await;
        timeout(LIMIT, self.proxy.engine.until_waiting(0)).await.expect("nobody waits");
    }

    /// Sends a request on a connection of its own.
    pub async fn send(&self, request: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.proxy.http).await.unwrap();
        stream.write_all(request).await.unwrap();
        stream
    }

    /// Sends a request that the upstream need not answer, or that another task answers.
    pub async fn ask(&self, request: &[u8]) -> Strict {
        read(self.send(request).await).await
    }

    /// Asks for a path, and has it answered with these bytes.
    pub async fn answered(&mut self, path: &str, answer: &[u8]) -> Strict {
        let client = self.send(&get(path)).await;
        self.next().await.send(answer);
        let got = read(client).await;
        self.idle().await;
        got
    }
}

/// A request on a connection that ends with it.
pub fn get(path: &str) -> Vec<u8> {
    request("GET", path, "")
}

/// A request with further fields, each with its end.
pub fn request(method: &str, path: &str, fields: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n{fields}\r\n").into_bytes()
}

/// Reads to the end of the connection.
pub async fn read(stream: TcpStream) -> Strict {
    read_of(stream, false).await
}

/// Reads to the end of the connection; of a HEAD where so.
pub async fn read_of(mut stream: TcpStream, is_head: bool) -> Strict {
    let mut bytes = Vec::new();
    // A cut may be a reset.
    let _ = timeout(LIMIT, stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    Strict::of(&bytes, is_head)
}
