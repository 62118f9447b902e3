//! The loop over connections in memory, which take and give as few bytes at a time as a test wants, before a slow path that tells what
//! it was asked.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderValue;
use pingora::http::ResponseHeader;
use pingora::protocols::http::ServerSession;
use prometheus::Registry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;
use vitrine_shared::config::Source;

use super::super::admission::Admission;
use super::super::connection::Connection;
use super::super::transport::Transport;
use super::super::worker::Worker;
use super::super::{DownstreamMetrics, Limits, OwnAnswer, SlowPath};
use super::{OwnSession, keep_date, serve};
use crate::config::Config;
use crate::fast::{ConnectionFacts, FastPath};
use crate::key::Scheme;
use crate::service::Server;
use crate::service::metrics::RequestMetrics;

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// Answers with the request line and the content, which it reads before. `/unread` is answered without; `/date` with a Date of its
/// own; an upgrade by sending back what comes; `/idle` when the client is gone.
struct Echo;

#[async_trait]
impl SlowPath for Echo {
    async fn answer(&self, mut session: ServerSession, _: &watch::Receiver<bool>) -> bool {
        if !matches!(session.read_request().await, Ok(true)) {
            return false;
        }
        session.set_read_timeout(None);
        let head = session.req_header();
        let path = head.uri.path().to_owned();
        let mut told = format!("[{} {path} ", head.method).into_bytes();
        if head.headers.contains_key("upgrade") {
            let switching = ResponseHeader::build(101, None).unwrap();
            session.write_response_header(Box::new(switching)).await.unwrap();
            while let Ok(Some(bytes)) = session.read_request_body().await {
                session.write_response_body(bytes, false).await.unwrap();
            }
            return false;
        }
        if path == "/idle" {
            let gone = session.read_body_or_idle(true).await;
            assert!(gone.is_err(), "only the client's end ends it: {gone:?}");
            return false;
        }
        let mut status = 200;
        // One path leaves its content unread.
        loop {
            if path == "/unread" {
                break;
            }
            match session.read_request_body().await {
                Ok(Some(bytes)) => told.extend_from_slice(&bytes),
                Ok(None) => break,
                Err(error) => {
                    status = if super::ContentError::of(&error).is_some() { 400 } else { 500 };
                    break;
                }
            }
        }
        told.push(b']');
        let mut head = ResponseHeader::build(status, None).unwrap();
        head.insert_header("content-length", told.len()).unwrap();
        if path == "/date" {
            keep_date(&session, Some(&HeaderValue::from_static(DATE)));
        }
        let written = session.write_response_header(Box::new(head)).await.is_ok()
            && session.write_response_body(Bytes::from(told), true).await.is_ok();
        written && status == 200 && session.finish().await.is_ok_and(|stream| stream.is_some())
    }

    async fn answer_own(&self, _: &mut OwnSession) -> OwnAnswer {
        OwnAnswer::NotMine
    }
}

/// A worker that nothing drives.
struct Bench {
    worker: Arc<Worker>,
    limits: Limits,
    stop: watch::Sender<bool>,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let text = "[listen]\nhttp = \"127.0.0.1:0\"\nops = \"127.0.0.1:0\"\n[upstreams.o]\naddresses = [\"h:1\"]\n";
        let config = Config::of_source(&Source::of(Path::new("p.toml"), text, |_| None).unwrap()).unwrap();
        let server = Server::build(&config).unwrap();
        let registry = Registry::new();
        let requests = RequestMetrics::register(&registry).unwrap();
        let fast = FastPath::new(server.engine().clone(), server.current().clone(), requests);
        let metrics = DownstreamMetrics::register(&registry).unwrap();
        let (stop, stopped) = watch::channel(false);
        let worker = Worker::new(0, Arc::new(fast), Arc::new(Echo), metrics, stopped);
        Self { worker, limits, stop }
    }

    /// A connection that holds `room` bytes in each direction.
    fn connect(&self, room: usize) -> (DuplexStream, tokio::task::JoinHandle<()>) {
        let (client, transport) = tokio::io::duplex(room);
        let peer = ([127, 0, 0, 1], 1).into();
        let limits = Arc::new(self.limits.clone());
        let admitted = Arc::new(Admission::default()).admit([127, 0, 0, 1].into(), false, &limits).unwrap();
        let facts = ConnectionFacts { peer: None, scheme: Scheme::Http, worker: 0, last: false };
        let place = self.worker.place(Scheme::Http, admitted);
        let connection = Connection::new(Transport::Memory(transport), peer, facts, limits, place);
        (client, tokio::spawn(serve(Box::new(connection))))
    }

    /// What comes back when `sent` is sent, and the connection then closed if it is still open.
    async fn exchange(&self, sent: &[u8], room: usize) -> String {
        let (client, serving) = self.connect(room);
        let (mut reading, mut writing) = tokio::io::split(client);
        let sent = sent.to_vec();
        let write = tokio::spawn(async move {
            // What is refused may not be read to its end.
            let _ = writing.write_all(&sent).await;
            writing
        });
        let mut all = Vec::new();
        let mut piece = [0; 512];
        let mut write = Some(write);
        loop {
            tokio::select! {
                biased;
                count = reading.read(&mut piece) => match count {
                    Ok(0) | Err(_) => break,
                    Ok(count) => all.extend_from_slice(&piece[..count]),
                },
                // All is sent and nothing more comes: a request whose answer is awaited would keep this from being reached.
                () = self.quiet(&mut write), if write.is_some() => {
                    let mut writing = write.take().unwrap().await.unwrap();
                    let _ = writing.shutdown().await;
                }
            }
        }
        drop((reading, write));
        serving.await.unwrap();
        String::from_utf8(all).unwrap()
    }

    /// Waits until all is written and every task has had many turns.
    async fn quiet(&self, write: &mut Option<tokio::task::JoinHandle<tokio::io::WriteHalf<DuplexStream>>>) {
        while !write.as_ref().unwrap().is_finished() {
            tokio::task::yield_now().await;
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

/// The status of each response, with the content of those that are the slow path's.
fn answers(mut text: &str) -> Vec<String> {
    let mut answers = Vec::new();
    while let Some((head, rest)) = text.split_once("\r\n\r\n") {
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned))
            .map_or(0, |length| length.parse().unwrap());
        let (body, next) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let status = head.split(' ').nth(1).unwrap();
        answers.push(if body.starts_with('[') { format!("{status} {body}") } else { status.to_owned() });
        text = next;
    }
    assert_eq!(text, "");
    answers
}

/// Requests, with what the slow path is to say of them. The contents look like requests.
const REQUESTS: [(&str, &str); 5] = [
    ("GET /g HTTP/1.1\r\nHost: h\r\n\r\n", "200 [GET /g ]"),
    ("\r\nGET /e HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "200 [GET /e ]"),
    (
        "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 18\r\n\r\nGET /x HTTP/1.1\r\n\r",
        "200 [POST /p GET /x HTTP/1.1\r\n\r]",
    ),
    (
        "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n13\r\nGET /y HTTP/1.1\r\n\r\n\r\n2;e=f\r\nxy\r\n0\r\nT: u\r\n\r\n",
        "200 [PUT /c GET /y HTTP/1.1\r\n\r\nxy]",
    ),
    ("POST /z HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200 [POST /z ]"),
];

#[tokio::test]
async fn pipelined_requests_are_answered_in_any_order_and_in_any_pieces() {
    let bench = Bench::new(Limits::default());
    for (a, b, c) in (0..125).map(|n| (n % 5, n / 5 % 5, n / 25)) {
        let three = [REQUESTS[a], REQUESTS[b], REQUESTS[c]];
        let sent = three.map(|(sent, _)| sent).concat();
        for room in [1, 2, 5, 17, 64, 4096] {
            let got = bench.exchange(sent.as_bytes(), room).await;
            assert_eq!(answers(&got), three.map(|(_, expected)| expected), "{sent:?} by {room}");
        }
    }
}

#[tokio::test]
async fn what_follows_a_malformed_request_is_not_read() {
    let bench = Bench::new(Limits { head: 300, fields: 4, ..Limits::default() });
    let (get, got) = REQUESTS[0];
    let long = format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(400));
    let wide = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(400));
    for (bad, status) in [
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", "400"),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: h\r\nA: a\r\nB: b\r\nC: c\r\nD: d\r\n\r\n", "431"),
        (wide.as_str(), "431"),
        (long.as_str(), "414"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"),
    ] {
        for room in [1, 40, 4096] {
            let answered = bench.exchange(format!("{get}{bad}{get}").as_bytes(), room).await;
            assert_eq!(answers(&answered), [got, status], "{bad:?} by {room}");
            let last = answered.rsplit_once("HTTP/1.1 ").unwrap().1.to_ascii_lowercase();
            assert!(last.contains("\r\nconnection: close\r\n") && last.contains("\r\ndate: "), "{last}");
        }
    }
}

#[tokio::test]
async fn content_that_is_malformed_or_not_read_is_the_connections_end() {
    let bench = Bench::new(Limits::default());
    let get = REQUESTS[0].0;
    for (request, expected) in [
        ("POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", "400 [POST /c ]"),
        (
            "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
            "400 [POST /c he]",
        ),
        ("POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\n\r\n", "200 [POST /unread ]"),
        ("GET /g HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "200 [GET /g ]"),
        ("GET /g HTTP/1.0\r\n\r\n", "200 [GET /g ]"),
    ] {
        for room in [3, 4096] {
            let got = bench.exchange(format!("{request}{get}{get}").as_bytes(), room).await;
            assert_eq!(answers(&got).len(), 1, "{request:?}: {got}");
            // What of a chunk before the mistake is seen depends on how it is read.
            let status = expected.split(' ').next().unwrap();
            assert!(answers(&got)[0].starts_with(status), "{request:?}: {got}");
        }
    }
}

#[tokio::test]
async fn a_date_is_kept_for_one_head() {
    let bench = Bench::new(Limits::default());
    let of = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
    let got = bench.exchange([of("/date"), of("/g")].concat().as_bytes(), 7).await;
    let dates: Vec<&str> = got.lines().filter_map(|line| line.strip_prefix("Date: ")).collect();
    assert!(dates.len() == 2 && dates[0] == DATE && dates[1] != DATE, "{got}");
}

#[tokio::test]
async fn after_an_upgrade_all_bytes_pass() {
    let bench = Bench::new(Limits::default());
    let (get, got) = REQUESTS[0];
    let upgrade = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let after = "GET / HTTP/1.1\r\nHost: h\n\n\0HTTP/1.1 200 OK\r\n\r\n";
    for room in [1, 9, 4096] {
        let answered = bench.exchange(format!("{get}{upgrade}{after}").as_bytes(), room).await;
        let (before, rest) = answered.split_once("HTTP/1.1 101 ").unwrap();
        assert_eq!(answers(before), [got]);
        assert_eq!(rest.split_once("\r\n\r\n").unwrap().1, after, "by {room}");
    }
}

#[tokio::test]
async fn who_is_gone_is_noticed_behind_pipelined_requests() {
    let bench = Bench::new(Limits::default());
    let sent = format!("GET /idle HTTP/1.1\r\nHost: h\r\n\r\n{}", REQUESTS[0].0);
    assert_eq!(bench.exchange(sent.as_bytes(), 4096).await, "");
}

#[tokio::test]
async fn many_pipelined_requests_leave_others_their_turn() {
    let bench = Bench::new(Limits { requests: 1000, ..Limits::default() });
    let sent = REQUESTS[0].0.repeat(1100);
    let got = bench.exchange(sent.as_bytes(), 1 << 20).await;
    assert_eq!(answers(&got).len(), 1000, "the connection ends after as many as are allowed");
    let last = got.rsplit_once("HTTP/1.1 ").unwrap().1;
    assert!(last.contains("Connection: close"), "{last}");
}

/// Lets all tasks go on until they wait.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn heads_and_idle_connections_have_their_time() {
    let limits =
        Limits { idle_timeout: Duration::from_mins(1), head_timeout: Duration::from_secs(10), ..Limits::default() };
    let bench = Bench::new(limits);
    let (mut idle, idle_served) = bench.connect(4096);
    let (mut dripping, dripping_served) = bench.connect(4096);
    let mut at = 1000;
    for piece in ["G", "E", "T ", "/ HTTP/1.1\r\n", "X: y\r\n"] {
        settle().await;
        bench.worker.deadlines.look(at);
        dripping.write_all(piece.as_bytes()).await.unwrap();
        settle().await;
        at += 2100;
    }
    bench.worker.deadlines.look(11_300);
    let mut said = String::new();
    settle().await;
    dripping.shutdown().await.unwrap();
    dripping.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 408 "), "bytes that come do not make it longer: {said:?}");
    dripping_served.await.unwrap();

    bench.worker.deadlines.look(60_100);
    settle().await;
    assert!(!idle_served.is_finished());
    bench.worker.deadlines.look(60_300);
    idle_served.await.unwrap();
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(bench.worker.open(), 0);
}

#[tokio::test]
async fn contents_and_responses_have_their_pace() {
    let mut limits = Limits::default();
    limits.body.rate = 10;
    limits.body.grace = Duration::from_secs(5);
    limits.response = limits.body;
    let bench = Bench::new(limits);
    let (mut slow, served) = bench.connect(4096);
    slow.write_all(b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n").await.unwrap();
    for at in [1000, 3000, 5000, 7000] {
        settle().await;
        bench.worker.deadlines.look(at);
        settle().await;
        assert!(!served.is_finished());
        // Twenty bytes earn two seconds.
        slow.write_all(&[b'x'; 20]).await.unwrap();
    }
    settle().await;
    bench.worker.deadlines.look(14_000);
    settle().await;
    let mut said = String::new();
    slow.shutdown().await.unwrap();
    slow.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 400 "), "the fake's word for a content that is slow: {said}");
    served.await.unwrap();

    // A byte that comes with each look is not enough, neither of a content nor of a response that is taken.
    let (mut drips, served) = bench.connect(4096);
    drips.write_all(b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n").await.unwrap();
    settle().await;
    let dripped = drip(&bench, 20_000, || served.is_finished(), async || drips.write_all(b"x").await.is_ok()).await;
    assert!(dripped, "it was cut off");
    let (mut sips, served) = bench.connect(16);
    sips.write_all(b"GET /g HTTP/1.1\r").await.unwrap();
    settle().await;
    sips.write_all(b"\nHost: h\r\n\r\n").await.unwrap();
    settle().await;
    let mut got = Vec::new();
    let sip = async || sips.read_u8().await.map(|byte| got.push(byte)).is_ok();
    let sipped = drip(&bench, 60_000, || served.is_finished(), sip).await;
    assert!(sipped && !got.ends_with(b"]"), "it was cut off: {}", got.escape_ascii());

    // Who takes nothing of a response is cut off.
    let (mut deaf, served) = bench.connect(16);
    deaf.write_all(b"GET /g HTTP/1.1\r").await.unwrap();
    settle().await;
    deaf.write_all(b"\nHost: h\r\n\r\n").await.unwrap();
    settle().await;
    assert!(!served.is_finished());
    bench.worker.deadlines.look(130_000);
    settle().await;
    bench.worker.deadlines.look(160_000);
    served.await.unwrap();
}

/// Goes on by one byte just before each of the looks of half a minute, so that who is waited for has always just gone on; whether that
/// came to its end.
async fn drip(bench: &Bench, from: u64, is_over: impl Fn() -> bool, mut one: impl AsyncFnMut() -> bool) -> bool {
    for at in (from..from + 30_000).step_by(200) {
        if is_over() || !one().await {
            break;
        }
        bench.worker.deadlines.look(at);
        settle().await;
    }
    is_over()
}

#[tokio::test]
async fn who_is_idle_is_let_go_when_the_process_ends() {
    let bench = Bench::new(Limits::default());
    let (mut idle, idle_served) = bench.connect(4096);
    let (mut busy, busy_served) = bench.connect(4096);
    busy.write_all(b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx").await.unwrap();
    settle().await;
    bench.worker.stop_now();
    bench.stop.send(true).unwrap();
    idle_served.await.unwrap();
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap(), 0);
    settle().await;
    assert!(!busy_served.is_finished());
    busy.write_all(b"y").await.unwrap();
    let mut said = String::new();
    busy.read_to_string(&mut said).await.unwrap();
    assert_eq!(answers(&said), ["200 [POST /p xy]"]);
    busy_served.await.unwrap();
}
