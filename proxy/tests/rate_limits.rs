//! Rate limits over real sockets: who is refused, what he is told, and what a reload keeps. Periods are a day long, so that no test
//! waits for one.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::net::SocketAddr;

use reqwest::Method;
use support::echo::Echo;
use support::program::{Addresses, Program};
use support::raw::{Raw, exchange};
use support::{Got, Proxy, fetch, response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const FRESH: &str = "Cache-Control: max-age=600\r\n";
const DAY: u64 = 86_400;

/// Two limits, and rules under them.
const RULES: &str = r#"
[rate_limits.visitors]
requests = 3
per = "1d"
[rate_limits.keys]
by = "header:x-api-key"
requests = 1
per = "1d"
[rate_limits.origin]
requests = 2
per = "1d"
count = "upstream"
[[rules]]
name = "login"
action = "pass"
paths = ["/login"]
rate_limits = ["visitors"]
cors = { origins = ["https://shop.example"] }
response_headers = { set = { x-frame-options = "DENY" } }
[[rules]]
name = "api"
action = "pass"
paths = ["/api"]
rate_limits = ["visitors", "keys"]
[[rules]]
name = "catalog"
action = "cache"
paths = ["/catalog/**"]
rate_limits = ["origin"]
[[rules]]
name = "account"
action = "pass"
paths = ["/account"]
rate_limits = ["origin"]
"#;

async fn upstream() -> Echo {
    Echo::answering(|_| response("200 OK", FRESH, "page")).await
}

/// What a client is told that is over a limit.
fn assert_limited(got: &Got, rule: &str) {
    assert_eq!(got.status, 429, "{got:?}");
    let wait: u64 = got.header("retry-after").parse().unwrap();
    assert!((1..=DAY).contains(&wait), "{got:?}");
    assert_eq!(got.cache_status(), format!("vitrine; detail=\"rule={rule} reason=rate_limit\""), "{got:?}");
    assert_eq!((got.header("content-type"), got.header("cache-control")), ("application/json", "no-store"), "{got:?}");
    let body: serde_json::Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(
        (body["type"].as_str(), body["message"].as_str()),
        (Some("rate_limited"), Some(format!("too many requests: try again in {wait} s").as_str()),)
    );
}

async fn metric(proxy: &Proxy, line: &str) {
    let metrics = fetch(reqwest::Client::new().get(format!("http://{}/metrics", proxy.ops))).await.unwrap().body;
    assert!(metrics.lines().any(|told| told == line), "{line}\n{metrics}");
}

#[tokio::test]
async fn who_is_over_a_limit_is_told_so_and_nobody_is_asked() {
    let upstream = upstream().await;
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    let login = || proxy.request(Method::POST, "/login").body("name=a").header("origin", "https://shop.example");
    for _ in 0..3 {
        assert_eq!(fetch(login()).await.unwrap().status, 200);
    }
    for _ in 0..2 {
        let got = fetch(login()).await.unwrap();
        assert_limited(&got, "login");
        assert_eq!(got.header("access-control-allow-origin"), "https://shop.example", "a script may read why");
        assert_eq!(got.header("x-frame-options"), "DENY", "edits are for all answers");
        assert_ne!(got.header("x-request-id"), "");
    }
    assert_eq!(upstream.asked(), 3);
    // The rules that name a limit share its counts, and each of their limits refuses.
    assert_limited(&fetch(proxy.get("/api")).await.unwrap(), "api");
    metric(&proxy, "vitrine_rate_limited_total{limit=\"visitors\",result=\"refused\"} 3").await;
    metric(&proxy, "vitrine_requests_total{outcome=\"limited\",reason=\"rate_limit\",rule=\"login\"} 2").await;
}

#[tokio::test]
async fn each_key_has_its_own_and_who_has_none_is_under_the_others() {
    let upstream = upstream().await;
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    let with = |key| fetch(proxy.get("/api").header("x-api-key", key));
    assert_eq!(with("a").await.unwrap().status, 200);
    assert_limited(&with("a").await.unwrap(), "api");
    assert_eq!(with("b").await.unwrap().status, 200);
    assert_eq!(fetch(proxy.get("/api")).await.unwrap().status, 200);
    assert_limited(&with("c").await.unwrap(), "api");
    metric(&proxy, "vitrine_rate_limited_total{limit=\"visitors\",result=\"refused\"} 1").await;
    metric(&proxy, "vitrine_rate_limited_total{limit=\"keys\",result=\"refused\"} 1").await;
}

#[tokio::test]
async fn hits_are_free_under_a_limit_of_what_goes_upstream() {
    let upstream = upstream().await;
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    assert_eq!(fetch(proxy.get("/catalog/1")).await.unwrap().status, 200);
    proxy.settled().await;
    for _ in 0..10 {
        let got = fetch(proxy.get("/catalog/1")).await.unwrap();
        assert!(got.is_hit(), "{got:?}");
    }
    assert_eq!(fetch(proxy.get("/account")).await.unwrap().status, 200, "what is passed counts with what is missed");
    assert_limited(&fetch(proxy.get("/catalog/2")).await.unwrap(), "catalog");
    assert_limited(&fetch(proxy.get("/account")).await.unwrap(), "account");
    assert!(fetch(proxy.get("/catalog/1")).await.unwrap().is_hit(), "what is stored is served all the same");
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn the_client_is_who_a_trusted_proxy_says() {
    let upstream = upstream().await;
    let statuses = async |proxy: &Proxy, clients: &[&str]| {
        let mut statuses = Vec::new();
        for client in clients {
            statuses.push(fetch(proxy.get("/login").header("x-forwarded-for", *client)).await.unwrap().status);
        }
        statuses
    };
    let clients = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1"];
    let trusting = "trusted_proxies = [\"127.0.0.0/8\"]";
    let proxy = Proxy::listening(upstream.addr(), trusting, "", "", RULES).await;
    assert_eq!(statuses(&proxy, &clients).await, [200, 200, 200, 429, 200, 200]);
    let within = ["2001:db8::2", "2001:db8:0:0:ffff::1", "2001:db8::3", "2001:db8:0:1::1"];
    assert_eq!(statuses(&proxy, &within).await, [200, 200, 429, 200], "a /64 is one caller");
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    assert_eq!(statuses(&proxy, &clients).await, [200, 200, 200, 429, 429, 429], "strangers' words count for nothing");
}

/// Sends one request and reads its answer, by its Content-Length.
async fn ask(stream: &mut tokio::net::TcpStream, request: &str) -> Raw {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            let raw = Raw { status, head: head.to_owned(), body: body.to_owned() };
            let length: usize = raw.header("content-length").unwrap().parse().unwrap();
            if body.len() >= length {
                return raw;
            }
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "{text}");
    }
}

#[tokio::test]
async fn the_connection_goes_on_after_a_refusal() {
    let upstream = upstream().await;
    let proxy = Proxy::start(upstream.addr(), RULES).await;
    let mut stream = tokio::net::TcpStream::connect(proxy.http).await.unwrap();
    let login = "GET /login HTTP/1.1\r\nHost: h\r\n\r\n";
    for expected in [200, 200, 200, 429, 429] {
        assert_eq!(ask(&mut stream, login).await.status, expected);
    }
    let get = ask(&mut stream, "GET /catalog/1 HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!((get.status, get.body.as_str()), (200, "page"));
    // Content that nobody reads is not waited for.
    let post = ask(&mut stream, "POST /login HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n").await;
    assert_eq!((post.status, post.header("connection")), (429, Some("close")));
}

fn file(addresses: &Addresses, upstream: SocketAddr, serial: usize, requests: u32) -> String {
    format!(
        "# {serial}\n{}[upstreams.origin]\naddresses = [\"{upstream}\"]\n\
         [rate_limits.visitors]\nrequests = {requests}\nper = \"1d\"\n\
         [[rules]]\nname = \"all\"\naction = \"pass\"\npaths = [\"/**\"]\nrate_limits = [\"visitors\"]\n",
        addresses.listen()
    )
}

#[tokio::test]
async fn a_reload_keeps_the_counts_of_a_limit_that_stays() {
    let upstream = upstream().await;
    let addresses = Addresses::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.toml");
    std::fs::write(&path, file(&addresses, upstream.addr(), 0, 1)).unwrap();
    let program = Program::start(&addresses, &path).await;
    let status =
        async || exchange(program.http, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.status;
    assert_eq!((status().await, status().await), (200, 429));
    program.replace(&file(&addresses, upstream.addr(), 1, 1));
    program.generation(2).await;
    assert_eq!(status().await, 429, "as it was");
    program.replace(&file(&addresses, upstream.addr(), 2, 2));
    program.generation(3).await;
    assert_eq!((status().await, status().await, status().await), (200, 200, 429), "another limit begins anew");
}
