//! The access log of the program itself: what is in it, and that nobody waits for who reads it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::fs::File;
use std::net::SocketAddr;
use std::process::Stdio;

use serde_json::Value;
use support::program::{Addresses, Program};
use support::{Upstream, fetch, response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const RULES: &str = "[[rules]]\nname = \"all\"\naction = \"cache\"\npaths = [\"/**\"]\n";

fn file(addresses: &Addresses, upstream: SocketAddr) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = format!("{}[upstreams.origin]\naddresses = [\"{upstream}\"]\n{RULES}", addresses.listen());
    std::fs::write(file.path(), text).unwrap();
    file
}

/// Asks for `/a`, which the upstream answers.
async fn fill(program: &Program, upstream: &mut Upstream) {
    let getting = tokio::spawn(fetch(reqwest::Client::new().get(format!("http://{}/a", program.http))));
    upstream.answer(&response("200 OK", "Cache-Control: max-age=600\r\n", "page")).await;
    assert_eq!(getting.await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn each_request_has_a_line_and_the_end_of_the_program_waits_for_them() {
    let mut upstream = Upstream::start().await;
    let addresses = Addresses::new();
    let config = file(&addresses, upstream.addr());
    let log = tempfile::NamedTempFile::new().unwrap();
    let stderr = Stdio::from(File::create(log.path()).unwrap());
    let mut program = Program::logging(&addresses, config.path(), stderr).await;
    fill(&program, &mut upstream).await;
    let client = reqwest::Client::new();
    // Each connection has a worker of its own: lines of different connections have no order.
    for path in ["/a", "/a?utm_source=\"x", "/%zz"] {
        let got = client.get(format!("http://{}{path}", program.http)).header("x-request-id", "mine");
        assert_eq!(fetch(got).await.unwrap().header("x-request-id"), "mine");
    }
    program.terminate().await;
    let text = std::fs::read_to_string(log.path()).unwrap();
    let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let lines: Vec<&Value> = entries.iter().filter(|entry| entry["target"] == "access").collect();
    let (refused, answered): (Vec<&Value>, Vec<&Value>) =
        lines.iter().copied().partition(|line| line["reason"] == "path");
    let mut told: Vec<String> = answered
        .iter()
        .map(|line| {
            let word = |name: &str| line[name].as_str().unwrap().to_owned();
            let words = ["client", "method", "path", "rule", "outcome", "reason"].map(word).join(" ");
            format!("{} {words} {} {}", line["status"], line["bytes"], line["failed"])
        })
        .collect();
    told.sort();
    let expected = [
        "200 127.0.0.1 GET /a all hit  4 false",
        "200 127.0.0.1 GET /a all miss uri_miss 4 false",
        "200 127.0.0.1 GET /a?utm_source=%22x all hit  4 false",
    ];
    assert_eq!(told, expected, "{text}");
    assert_eq!(refused.iter().map(|line| &line["status"]).collect::<Vec<_>>(), [400], "{text}");
    assert_eq!(lines.iter().filter(|line| line["request_id"] == "mine").count(), 3, "{text}");
    assert_eq!(entries.last().unwrap()["message"], "stopped", "all entries go the same way: {text}");
}

#[tokio::test]
async fn clients_do_not_wait_for_who_reads_the_log() {
    const REQUESTS: usize = 7000;
    let mut upstream = Upstream::start().await;
    let addresses = Addresses::new();
    let config = file(&addresses, upstream.addr());
    // A pipe that nobody reads holds 64 KiB.
    let program = Program::logging(&addresses, config.path(), Stdio::piped()).await;
    fill(&program, &mut upstream).await;
    let request = format!("GET /a?utm_source={} HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(600), program.http);
    let mut stream = TcpStream::connect(program.http).await.unwrap();
    let mut bytes = vec![0; 4096];
    for _ in 0..REQUESTS {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut got = 0;
        while !bytes[..got].ends_with(b"page") {
            let more = stream.read(&mut bytes[got..]).await.unwrap();
            assert!(more > 0, "{}", String::from_utf8_lossy(&bytes[..got]));
            got += more;
        }
        assert!(bytes.starts_with(b"HTTP/1.1 200 "));
    }
    let dropped = usize::try_from(program.metric("vitrine_log_dropped_total").await).unwrap();
    assert!((1..REQUESTS).contains(&dropped), "{dropped}");
}
