//! What clients do is not the operator's matter: whatever they send, and wherever they leave, the log has no error and no warning of it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::fs::File;
use std::process::Stdio;

use support::frames::{
    DATA, END_HEADERS, END_STREAM, Frames, HEADERS, RST_STREAM, field, fields, frame, get, post, word,
};
use support::program::{Addresses, Program};
use support::upstream::Request;
use support::{LIMIT, PASS, Upstream, cache_all, response};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vitrine_load_tests::stack::wait_until;

const FRESH: &str = "Cache-Control: max-age=600\r\n";
/// Of a body: more than what the systems of both ends take at once.
const LENGTH: usize = 4 << 20;

/// The program, its upstream, and its log.
struct Stage {
    upstream: Upstream,
    program: Program,
    log: NamedTempFile,
    _config: NamedTempFile,
}

/// Where a client leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    Http1,
    Http2,
    /// It takes the stream back.
    Stream,
}

impl Stage {
    async fn open() -> Self {
        let upstream = Upstream::start().await;
        let addresses = Addresses::new();
        let (config, log) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        let listen = addresses.listen();
        let (addr, all) = (upstream.addr(), cache_all(""));
        let text = format!("{listen}h2c = true\n[upstreams.origin]\naddresses = [\"{addr}\"]\n{PASS}{all}");
        std::fs::write(config.path(), text).unwrap();
        let stderr = Stdio::from(File::create(log.path()).unwrap());
        let program = Program::logging(&addresses, config.path(), stderr).await;
        Self { upstream, program, log, _config: config }
    }

    /// Waits until no client is left.
    async fn gone(&self) {
        let gone = async || self.program.metric("vitrine_connections{scheme=\"http\"}").await == 0;
        wait_until("they are gone", LIMIT, gone).await.unwrap();
    }

    /// Ends the program, whose log has nothing that an operator would look into.
    async fn told_nothing(mut self) {
        self.gone().await;
        self.program.terminate().await;
        let text = std::fs::read_to_string(self.log.path()).unwrap();
        let (info, other): (Vec<&str>, Vec<&str>) = text
            .lines()
            .partition(|line| line.contains("\"level\":\"INFO\"") || line.contains("\"target\":\"access\""));
        assert!(other.is_empty() && !info.is_empty(), "{other:#?}");
    }

    /// Asks for a path and leaves, when so many bytes of the content have come; `None` before the head.
    async fn leave(&mut self, path: &str, leaves: Leaves, length: Option<usize>) -> Request {
        let mut stream = TcpStream::connect(self.program.http).await.unwrap();
        let mut client = Frames::open(self.program.http, &[]).await;
        if leaves == Leaves::Http1 {
            stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await.unwrap();
        } else {
            client.send(&get(1, path)).await;
        }
        let request = self.upstream.next().await;
        if let Some(length) = length {
            request.send(head().as_bytes());
            request.send(&vec![b'x'; length]);
            if leaves == Leaves::Http1 {
                stream.read_u8().await.unwrap();
            } else {
                client.next_of(HEADERS).await;
            }
        }
        if leaves == Leaves::Stream {
            client.send(&word(RST_STREAM, 1, 8)).await;
        }
        drop((client, stream));
        self.gone().await;
        request
    }
}

fn head() -> String {
    format!("HTTP/1.1 200 OK\r\n{FRESH}Content-Length: {LENGTH}\r\n\r\n")
}

#[tokio::test]
async fn nonsense_and_requests_that_end_in_the_middle() {
    let stage = Stage::open().await;
    for bytes in [
        "nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\nHo",
        "CONNECT shop.example:1 HTTP/1.1\r\nHost: shop.example:1\r\n\r\n",
        "POST /pass/p HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf",
        "POST /pass/p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nno chunk",
    ] {
        let mut stream = TcpStream::connect(stage.program.http).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    let half = [post(1, "/pass/p"), frame(DATA, 0, 1, b"half")].concat();
    let none = frame(HEADERS, END_HEADERS, 1, &fields("G T", "/"));
    for bytes in [half, b"nonsense".repeat(9), none.repeat(40), post(1, "/"), Vec::new()] {
        let mut client = Frames::open(stage.program.http, &[]).await;
        client.send(&bytes).await;
    }
    stage.told_nothing().await;
}

/// The edge's own words, and a part of what is stored, are written to a stream that is taken back by then.
#[tokio::test]
async fn who_takes_back_what_is_answered_at_once() {
    let mut stage = Stage::open().await;
    let mut client = Frames::open(stage.program.http, &[]).await;
    client.send(&get(1, "/a")).await;
    stage.upstream.answer(&response("200 OK", FRESH, "page")).await;
    assert_eq!(client.content(1).await, b"page");
    let part = [fields("GET", "/a"), field("range", "bytes=1-2")].concat();
    let part = frame(HEADERS, END_HEADERS | END_STREAM, 1, &part);
    for bytes in [get(1, "/%zz"), part, post(1, "/%zz")] {
        let mut client = Frames::open(stage.program.http, &[]).await;
        client.send(&[bytes, word(RST_STREAM, 1, 8), get(3, "/a")].concat()).await;
        assert_eq!(client.content(3).await, b"page");
    }
    drop(client);
    stage.told_nothing().await;
}

#[tokio::test]
async fn who_leaves_at_any_point_of_an_answer() {
    let mut stage = Stage::open().await;
    let mut number = 0;
    for below in ["/pass", "/miss"] {
        for length in [None, Some(0), Some(100_000), Some(LENGTH - 1)] {
            for leaves in [Leaves::Http1, Leaves::Http2, Leaves::Stream] {
                number += 1;
                let request = stage.leave(&format!("{below}/{number}"), leaves, length).await;
                if below == "/miss" {
                    // What is filled goes on, and comes to its end.
                    request.send(if length.is_none() { head() } else { String::new() }.as_bytes());
                    request.send(&vec![b'x'; LENGTH - length.unwrap_or(0)]);
                }
            }
        }
    }
    stage.told_nothing().await;
}
