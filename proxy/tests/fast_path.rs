//! The fast path: what it answers, what it leaves to the slow path, and what a hit costs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod support;

use std::net::IpAddr;
use std::sync::Mutex;

use prometheus::Registry;
use support::{Proxy, Upstream, cache_all, response};
use vitrine_proxy::fast::{ConnectionFacts, FastPath, HeaderSection, RequestHead};
use vitrine_proxy::key::Scheme;
use vitrine_proxy::service::metrics::RequestMetrics;

const FROM: ConnectionFacts = ConnectionFacts {
    peer: Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
    scheme: Scheme::Http,
    worker: 0,
    last: false,
};

/// What a browser sends besides.
const BROWSER: &str = "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0\r\n\
    accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\naccept-language: en-GB,en;q=0.5\r\n\
    accept-encoding: gzip, deflate, br, zstd\r\ncookie: _ga=GA1.1.1; theme=dark\r\nsec-fetch-dest: document\r\n\
    sec-fetch-mode: navigate\r\npriority: u=0, i\r\n";

struct Fast {
    proxy: Proxy,
    path: FastPath,
    /// Read into again and again, as a connection does.
    section: Mutex<HeaderSection>,
}

impl Fast {
    /// With one object of `size` bytes stored under `/a`.
    async fn with_object(rules: &str, size: usize, fields: &str) -> Self {
        let mut upstream = Upstream::start().await;
        let proxy = Proxy::start(upstream.addr(), rules).await;
        let getting = proxy.getting("/a");
        upstream.answer(&response("200 OK", fields, &"x".repeat(size))).await;
        assert_eq!(getting.await.unwrap().unwrap().status, 200);
        proxy.settled().await;
        let metrics = RequestMetrics::register(&Registry::new()).unwrap();
        let path = FastPath::new(proxy.engine.clone(), proxy.current.clone(), metrics);
        Self { proxy, path, section: Mutex::default() }
    }

    /// The head and the length of the body that a request gets, where the fast path answers it.
    fn get(&self, request: &str) -> Option<(String, Option<u64>)> {
        let mut out = Vec::new();
        let answer = self.answer(&request.replace("HOST", &self.proxy.http.to_string()), &mut out)?;
        let body = answer.body.as_ref().map(vitrine_proxy::store::StoredBody::len);
        self.path.ended(answer, 0, false);
        Some((String::from_utf8(out).unwrap(), body))
    }

    fn answer(&self, request: &str, out: &mut Vec<u8>) -> Option<vitrine_proxy::fast::FastAnswer> {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut fields);
        parsed.parse(request.as_bytes()).unwrap();
        let mut section = self.section.lock().unwrap();
        section.read(request.as_bytes(), parsed.headers);
        let head = RequestHead::new(parsed.method.unwrap(), parsed.path.unwrap(), parsed.version.unwrap(), &section);
        self.path.answer(&head, &FROM, out)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_is_answered_and_anything_else_is_left() {
    let fast = Fast::with_object(&cache_all(""), 1000, "cache-control: max-age=60\r\netag: \"e\"\r\n").await;
    let (head, body) = fast.get("GET /a HTTP/1.1\r\nhost: HOST\r\n\r\n").expect("a hit");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    for line in ["content-length: 1000\r\n", "age: 0\r\n", "etag: \"e\"\r\n", "connection: keep-alive\r\n"] {
        assert!(head.contains(line), "{head}");
    }
    assert!(head.contains("cache-status: vitrine; hit; ttl=") && head.contains("detail=\"rule=all\""), "{head}");
    assert_eq!(body, Some(1000));
    let (head, body) = fast.get("GET /a HTTP/1.1\r\nhost: HOST\r\nif-none-match: \"e\"\r\n\r\n").expect("a hit");
    assert!(head.starts_with("HTTP/1.1 304 Not Modified\r\n") && !head.contains("content-length"), "{head}");
    assert_eq!(body, None);
    let (head, body) = fast.get("HEAD /a HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n").expect("a hit");
    assert!(head.contains("content-length: 1000\r\n") && head.contains("connection: close\r\n"), "{head}");
    assert_eq!(body, None);
    for left in [
        "GET /b HTTP/1.1\r\nhost: HOST\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: other\r\n\r\n",
        "GET /a HTTP/1.0\r\nhost: HOST\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost: HOST\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: HOST\r\nrange: bytes=0-1\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: HOST\r\ncontent-length: 1\r\n\r\nx",
        "GET /a HTTP/1.1\r\nhost: HOST\r\nauthorization: x\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: HOST\r\nhost: HOST\r\n\r\n",
        "GET /a HTTP/1.1\r\n\r\n",
        "GET http://h/a HTTP/1.1\r\nhost: HOST\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: HOST\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nhost: HOST\r\n\r\n",
    ] {
        assert_eq!(fast.get(left), None, "{left}");
    }
    fast.proxy.engine.context().live.purge(&[], true, vitrine_shared::feed::Mode::Hard);
    assert_eq!(fast.get("GET /a HTTP/1.1\r\nhost: HOST\r\n\r\n"), None, "purged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_counts_once_under_a_rate_limit() {
    let limits = "[rate_limits.l]\nrequests = 3\nper = \"1d\"\n\
        [rate_limits.upstream]\nrequests = 1\nper = \"1d\"\ncount = \"upstream\"";
    let rules = cache_all(&format!("rate_limits = [\"l\", \"upstream\"]\n{limits}"));
    // The first of three was the one that filled the cache.
    let fast = Fast::with_object(&rules, 1000, "cache-control: max-age=60\r\n").await;
    let get = "GET /a HTTP/1.1\r\nhost: HOST\r\n\r\n";
    assert_eq!(fast.get("GET /b HTTP/1.1\r\nhost: HOST\r\n\r\n"), None, "what is left is not counted here");
    assert!(fast.get(get).is_some() && fast.get(get).is_some());
    assert_eq!(fast.get(get), None, "over the limit: the slow path says so");
    let got = support::fetch(fast.proxy.get("/a")).await.unwrap();
    assert_eq!(got.status, 429, "{got:?}");
}

/// What a hit may allocate: nothing. `docs/hit-path.md` tells its costs.
#[tokio::test(flavor = "multi_thread")]
async fn a_hit_allocates_nothing() {
    let rules = cache_all(
        "key = { query = \"all\", headers = [\"x-key\"] }\nbypass = { cookies = [\"session\"] }\ncompression = {}\n\
         cors = { origins = [\"https://shop.example\"] }\nrate_limits = [\"l\", \"all\"]\n\
         [rules.response_headers.set]\nx-frame-options = \"DENY\"\n\
         [rate_limits.l]\nrequests = 1000\nper = \"1s\"\n[rate_limits.all]\nby = \"all\"\nrequests = 1000\nper = \"1s\"",
    );
    let fields = "cache-control: max-age=60\r\ncontent-type: text/html\r\netag: \"e\"\r\n";
    let fast = Fast::with_object(&rules, 500, fields).await;
    let host = fast.proxy.http;
    for more in ["", "if-none-match: \"e\"\r\n", "origin: https://shop.example\r\n"] {
        let request = format!("GET /a?utm_source=x HTTP/1.1\r\nhost: {host}\r\n{BROWSER}{more}\r\n");
        let mut out = Vec::with_capacity(4096);
        let mut once = || {
            out.clear();
            let answer = fast.answer(&request, &mut out).expect("a hit");
            fast.path.ended(answer, 500, false);
        };
        // The first makes the template.
        once();
        let cost = allocation_counter::measure(&mut once);
        assert_eq!(cost.count_total, 0, "{more}: {cost:?}");
    }
}
