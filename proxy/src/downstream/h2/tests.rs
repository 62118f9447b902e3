//! A connection in memory, by whose hits the cost is counted: `docs/hit-path.md` tells it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use pingora::protocols::http::ServerSession;
use prometheus::Registry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vitrine_shared::config::Source;

use super::super::admission::Admission;
use super::super::connection::Connection;
use super::super::transport::Transport;
use super::super::worker::Worker;
use super::frames::{END_HEADERS, END_STREAM, kind};
use super::{PREFACE, serve};
use crate::config::Config;
use crate::downstream::{DownstreamMetrics, Limits, OwnAnswer, OwnSession, SlowPath};
use crate::fast::{ConnectionFacts, FastPath};
use crate::key::Scheme;
use crate::service::metrics::RequestMetrics;
use crate::service::{Server, Stop};

/// What a hit may allocate: by the h2 crate for its maps of fields, by Pingora for a session and a copy of the head.
const MOST_ALLOCATIONS: u64 = 15;

/// Is not to be asked.
struct Nobody;

#[async_trait]
impl SlowPath for Nobody {
    async fn answer(&self, session: ServerSession, _: &watch::Receiver<bool>) -> bool {
        panic!("no hit: {:?}", session.req_header())
    }

    async fn answer_own(&self, _: &mut OwnSession) -> OwnAnswer {
        OwnAnswer::NotMine
    }
}

/// An upstream that answers everything with a kilobyte that is fresh for long.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut held = Vec::new();
                let mut piece = [0; 1024];
                while let Ok(count @ 1..) = stream.read(&mut piece) {
                    held.extend_from_slice(&piece[..count]);
                    if held.ends_with(b"\r\n\r\n") {
                        held.clear();
                        let head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nContent-Length: 1000\r\n\r\n";
                        stream.write_all(&[head.as_bytes(), &[b'x'; 1000]].concat()).unwrap();
                    }
                }
            });
        }
    });
    addr
}

/// Asks by HTTP/1.1, to the end of the answer.
fn warm(http: SocketAddr) {
    let mut stream = loop {
        // It begins to listen soon.
        match TcpStream::connect(http) {
            Ok(stream) => break stream,
            Err(_) => std::thread::yield_now(),
        }
    };
    stream.write_all(format!("GET /a HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", answer.escape_ascii());
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A GET with a browser's fields, which are literal (RFC 7541 §6.2.2).
fn get(stream: u32, host: &str) -> Vec<u8> {
    let literal = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let mut fields = vec![0x82, 0x86, 4, 2, b'/', b'a', 1];
    fields.extend(literal(host));
    for (name, value) in [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("cookie", "theme=dark"),
    ] {
        fields.push(0);
        fields.extend([literal(name), literal(value)].concat());
    }
    frame(kind::HEADERS, END_HEADERS | END_STREAM, stream, &fields)
}

/// Reads until so many streams have ended, into room that is there already; returns the bytes of contents.
async fn read(client: &mut DuplexStream, room: &mut [u8], streams: usize) -> usize {
    let (mut held, mut ended, mut content) = (0, 0, 0);
    while ended < streams {
        let count = client.read(&mut room[held..]).await.unwrap();
        assert_ne!(count, 0, "the connection goes on");
        held += count;
        let mut at = 0;
        while let Some(&[a, b, c, kind, flags, ..]) = room[at..held].first_chunk::<9>() {
            let end = at + 9 + u32::from_be_bytes([0, a, b, c]) as usize;
            if end > held {
                break;
            }
            if matches!(kind, kind::HEADERS | kind::DATA) {
                ended += usize::from(flags & END_STREAM != 0);
            }
            content += if kind == kind::DATA { end - at - 9 } else { 0 };
            at = end;
        }
        room.copy_within(at..held, 0);
        held -= at;
    }
    content
}

/// A connection in memory.
fn connect(worker: &Arc<Worker>) -> (DuplexStream, JoinHandle<()>) {
    let (client, transport) = tokio::io::duplex(256 << 10);
    let limits = Arc::new(Limits::default());
    let peer: SocketAddr = ([127, 0, 0, 1], 1).into();
    let admitted = Arc::new(Admission::default()).admit(peer.ip(), false, &limits).unwrap();
    let facts = ConnectionFacts { peer: None, scheme: Scheme::Http, worker: 0, last: false };
    let place = worker.place(Scheme::Http, admitted);
    let connection = Connection::new(Transport::Memory(transport), peer, facts, limits, place);
    (client, tokio::spawn(serve(Box::new(connection))))
}

#[test]
fn a_hit_costs_few_allocations() {
    let text = format!(
        "default_upstream = \"o\"\n[listen]\nhttp = \"127.0.0.1:0\"\nops = \"127.0.0.1:0\"\n\
         [upstreams.o]\naddresses = [\"{}\"]\n[[rules]]\nname = \"all\"\naction = \"cache\"\npaths = [\"/**\"]\n\
         edge_ttl = \"1h\"\n",
        upstream()
    );
    let config = Config::of_source(&Source::of(Path::new("p.toml"), &text, |_| None).unwrap()).unwrap();
    let server = Server::build(&config).unwrap();
    let (http, _) = server.addresses();
    let registry = Registry::new();
    let requests = RequestMetrics::register(&registry).unwrap();
    let fast = FastPath::new(server.engine().clone(), server.current().clone(), requests);
    let context = server.engine().context().clone();
    let (stop, stopped) = watch::channel(false);
    let running = std::thread::spawn(move || server.run(Stop::When(stopped)));
    warm(http);
    while !context.inflight.is_empty() {
        std::thread::yield_now();
    }

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let metrics = DownstreamMetrics::register(&registry).unwrap();
    let (_going_on, not_stopped) = watch::channel(false);
    let worker = Worker::new(0, Arc::new(fast), Arc::new(Nobody), metrics, not_stopped);
    let (mut client, serving) = runtime.block_on(async { connect(&worker) });
    let opening = [PREFACE, &frame(kind::SETTINGS, 0, 0, &[]), &frame(kind::WINDOW_UPDATE, 0, 0, &[64, 0, 0, 0])];
    runtime.block_on(client.write_all(&opening.concat())).unwrap();

    let host = http.to_string();
    let mut room = vec![0; 128 << 10];
    let mut stream = 1;
    // The first make templates, tables and buffers.
    for (count, is_first) in [(1, true), (64, true), (64, true), (1, false), (8, false), (64, false)] {
        let bytes: Vec<u8> = (0..count).flat_map(|number| get(stream + number * 2, &host)).collect();
        stream += count * 2;
        let mut content = 0;
        let cost = allocation_counter::measure(|| {
            content = runtime.block_on(async {
                client.write_all(&bytes).await.unwrap();
                read(&mut client, &mut room, count as usize).await
            });
        });
        assert_eq!(content, 1000 * count as usize);
        let each = cost.count_total / u64::from(count);
        println!("{count} at once: {each} allocations a hit");
        assert!(is_first || each <= MOST_ALLOCATIONS, "{count} at once: {each} allocations a hit");
    }
    drop(client);
    runtime.block_on(serving).unwrap();
    stop.send(true).unwrap();
    running.join().unwrap();
}
