//! The fast path against the slow path: generated requests get the same answers, byte for byte, but for what time and chance put in.
//!
//! Each request is sent twice over real sockets. The second time its Connection field says `close` twice, which means the same, and which
//! the fast path leaves to the slow path.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod support;

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use prometheus::Registry;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use support::echo::Echo;
use support::strict::Strict;
use support::upstream::{Request, response};
use support::{Proxy, fetch};
use vitrine_proxy::fast::{ConnectionFacts, FastPath, HeaderSection, RequestHead};
use vitrine_proxy::key::Scheme;
use vitrine_proxy::service::metrics::RequestMetrics;

const RULES: &str = r#"
[[rules]]
name = "edited"
action = "cache"
paths = ["/edited/**"]
edge_ttl = "1h"
browser_ttl = "10m"
compression = { min = "100B" }
bypass = { cookies = ["session"], headers = ["x-bypass"], query = ["nocache"] }
key = { query = { allow = ["b", "a"] }, headers = ["x-key"], cookies = ["currency"], device = true }
vary = { accept-language = { languages = ["de", "en"] } }
cors = { origins = ["https://shop.example", "https://*.shop.example"], credentials = true, expose = ["x-total"] }
request_directives = "obey"
response_headers = { set = { x-frame-options = "DENY" }, add = { x-more = "1" }, remove = ["x-powered-by"] }

[[rules]]
name = "plain"
action = "cache"
paths = ["/**"]
edge_ttl = "respect"
browser_ttl = "respect"
vary = { accept-language = "exact" }
"#;

/// A Connection field that the fast path leaves to the slow path.
const SLOWLY: &str = "close, close";
/// One that it takes.
const EITHER: &str = "close";

/// How old what the upstream has is.
const BEFORE: Duration = Duration::from_secs(100);

/// What the upstream has, below both rules.
const PATHS: [&str; 12] = [
    "/page",
    "/page?a=1&b=2",
    "/page?b=2&a=1&utm_source=x",
    "/%70age",
    "/x/../page",
    "/page;v=1",
    "/small",
    "/coded",
    "/varies",
    "/gone",
    "/moved",
    "/many",
];

fn content(request: &Request) -> Vec<u8> {
    // One for all, so that answers to the same request differ in nothing; and of before, since what has just been made has no Age in its
    // first second.
    static DATE: LazyLock<String> = LazyLock::new(|| httpdate::fmt_http_date(std::time::SystemTime::now() - BEFORE));
    let target = request.head().split(' ').nth(1).unwrap_or_default().to_owned();
    let page = format!("<p>{}</p>", "many words ".repeat(300));
    let date = &*DATE;
    let common = format!("Cache-Control: public, max-age=600\r\nX-Powered-By: test\r\nX-Total: 3\r\nDate: {date}\r\n");
    let of = |status, fields: &str, body: &str| response(status, &format!("{common}{fields}"), body);
    match target.split('/').next_back().unwrap_or_default() {
        "small" => of("200 OK", "Content-Type: text/html\r\nETag: \"s\"\r\n", "small"),
        "coded" => of("200 OK", "Content-Type: application/x-thing\r\nContent-Encoding: compress\r\n", "as it came"),
        "varies" => of("200 OK", "Vary: Accept-Language\r\nETag: W/\"v\"\r\n", &page),
        "gone" => of("404 Not Found", "Content-Type: text/plain\r\n", "gone"),
        "moved" => of("301 Moved Permanently", "Location: /page\r\n", ""),
        "many" => {
            of("200 OK", "X-Line: 1\r\nX-Line: 2\r\nCache-Status: other; hit\r\nAge: 7\r\nX-Text: caf\u{e9}\r\n", &page)
        }
        _ => of(
            "200 OK",
            "Content-Type: text/html; charset=utf-8\r\nETag: \"p\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            &page,
        ),
    }
}

/// A request, but for its Connection field.
#[derive(Clone, Debug)]
struct Asked {
    method: &'static str,
    target: String,
    lines: Vec<&'static str>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let one_of = |lines: &'static [&'static str]| proptest::option::weighted(0.4, select(lines));
    let lines = (
        one_of(&[
            "Accept-Encoding: gzip, deflate, br, zstd",
            "Accept-Encoding: gzip",
            "ACCEPT-ENCODING: br;q=0.5, gzip;q=0.9",
            "Accept-Encoding: identity;q=0, *",
            "Accept-Encoding:",
        ]),
        one_of(&[
            "If-None-Match: \"p\"",
            "If-None-Match: W/\"p\", \"x\"",
            "If-None-Match: *",
            "if-none-match: \"other\"",
        ]),
        one_of(&[
            "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
            "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT",
            "If-Modified-Since: x",
        ]),
        one_of(&[
            "Cookie: currency=eur; _ga=1",
            "Cookie: currency=usd",
            "Cookie: session=1",
            "Cookie: a=1\r\nCookie: currency=eur",
        ]),
        one_of(&[
            "Origin: https://shop.example",
            "Origin: https://a.shop.example",
            "Origin: https://evil.example",
            "Origin: null",
        ]),
        one_of(&[
            "Cache-Control: no-cache",
            "Cache-Control: max-age=3000, min-fresh=1",
            "Cache-Control: only-if-cached",
            "Pragma: no-cache",
            "Cache-Control: max-stale",
        ]),
        one_of(&["Accept-Language: de", "Accept-Language: en-GB, en;q=0.5", "Accept-Language: fr"]),
        one_of(&["X-Key: 1", "x-key:   2  ", "X-Key:"]),
        one_of(&[
            "User-Agent: Mozilla/5.0 (iPhone) Mobile",
            "User-Agent: curl/8",
            "X-Bypass: 1",
            "X-Request-Id: given-1",
            "Authorization: Basic eA==",
        ]),
    );
    let parts = (select(&["GET", "GET", "GET", "HEAD"][..]), select(&["", "/edited"][..]), select(&PATHS[..]), lines);
    parts.prop_map(|(method, below, path, (a, b, c, d, e, f, g, h, i))| Asked {
        method,
        target: format!("{below}{path}"),
        lines: [a, b, c, d, e, f, g, h, i].into_iter().flatten().collect(),
    })
}

impl Asked {
    fn bytes(&self, host: SocketAddr, connection: &str) -> Vec<u8> {
        let lines: String = self.lines.iter().flat_map(|line| [*line, "\r\n"]).collect();
        let text = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\n{lines}Connection: {connection}\r\n\r\n",
            self.method, self.target
        );
        text.into_bytes()
    }
}

/// A response without what time and chance put in: numbers of seconds, and names of requests.
fn settled(got: &Strict) -> (String, Vec<String>, usize, u64) {
    let mut lines: Vec<String> = got
        .head
        .split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| match name.to_ascii_lowercase() {
            name if matches!(&*name, "age" | "cache-control" | "cache-status") => {
                let digits = |c: char| c.is_ascii_digit();
                let numbers: Vec<u64> = value.split(|c| !digits(c)).filter_map(|number| number.parse().ok()).collect();
                assert!(numbers.iter().all(|number| *number <= 3700), "{name}: {value}");
                // Whether a request found the one before it under way is chance.
                format!("{name}:{}", value.replace(digits, "").replace("; collapsed", ""))
            }
            name if name == "x-request-id" && value.trim() != "given-1" => {
                assert_eq!(value.trim().len(), 26);
                name
            }
            name => format!("{name}:{value}"),
        })
        .collect();
    lines.sort();
    let status = got.head.split("\r\n").next().unwrap_or_default().to_owned();
    let mut hasher = DefaultHasher::new();
    got.body.hash(&mut hasher);
    (status, lines, got.body.len(), hasher.finish())
}

fn exchange(host: SocketAddr, asked: &Asked, connection: &str) -> Strict {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(support::LIMIT)).unwrap();
    stream.write_all(&asked.bytes(host, connection)).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Strict::of(&bytes, asked.method == "HEAD")
}

/// What the fast path writes, where it answers.
fn fast(path: &FastPath, asked: &Asked, host: SocketAddr, connection: &str) -> Option<Strict> {
    let request = asked.bytes(host, connection);
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut fields);
    parsed.parse(&request).unwrap();
    let section = HeaderSection::of(&request, parsed.headers);
    let head = RequestHead::new(parsed.method.unwrap(), parsed.path.unwrap(), parsed.version.unwrap(), &section);
    let from =
        ConnectionFacts { peer: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), scheme: Scheme::Http, worker: 0, last: false };
    let mut bytes = Vec::new();
    let answer = path.answer(&head, &from, &mut bytes)?;
    answer
        .body
        .iter()
        .flat_map(vitrine_proxy::store::StoredBody::slices)
        .for_each(|slice| bytes.extend_from_slice(slice));
    Some(Strict::of(&bytes, asked.method == "HEAD"))
}

#[tokio::test(flavor = "multi_thread")]
async fn both_paths_give_the_same_answers() {
    let upstream = Echo::answering(content).await;
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    // A rule without compression gives what it has; asked once, each is stored.
    for below in ["", "/edited"] {
        for path in PATHS {
            fetch(proxy.get(&format!("{below}{path}"))).await.unwrap();
        }
    }
    proxy.settled().await;
    let metrics = RequestMetrics::register(&Registry::new()).unwrap();
    let path = FastPath::new(proxy.engine.clone(), proxy.current.clone(), metrics);
    let host = proxy.http;
    let (cases, answered) = tokio::task::spawn_blocking(move || {
        let count = Cell::new((0, 0));
        let mut runner = TestRunner::new(Config { cases: 800, failure_persistence: None, ..Config::default() });
        let result = runner.run(&asked(), |asked| {
            // The first may be a miss, or derive a form; then both paths have the same to answer from.
            exchange(host, &asked, SLOWLY);
            let slow = settled(&exchange(host, &asked, SLOWLY));
            prop_assert_eq!(settled(&exchange(host, &asked, EITHER)), slow.clone());
            prop_assert!(fast(&path, &asked, host, SLOWLY).is_none());
            let (cases, mut answered) = count.get();
            if let Some(fast) = fast(&path, &asked, host, EITHER) {
                prop_assert_eq!(settled(&fast), slow);
                answered += 1;
            }
            count.set((cases + 1, answered));
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{error}"));
        count.get()
    })
    .await
    .unwrap();
    assert!(answered * 3 > cases, "the fast path answers {answered} of {cases}: too few to compare");
}
