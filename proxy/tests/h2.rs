//! HTTP/2: hits, misses and passes by it, and what it holds clients to.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::process::Command;

use bytes::Bytes;
use h2::client::{Connection, ResponseFuture, SendRequest};
use http::{HeaderMap, Method, Request};
use support::echo::Echo;
use support::tls::{Authority, connect};
use support::{LIMIT, PASS, Proxy, Upstream, cache_all, response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

const SHOP: &str = "shop.example";

/// A client's side of one connection.
struct Client {
    send: SendRequest<Bytes>,
    driver: JoinHandle<Result<(), h2::Error>>,
}

struct Got {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Client {
    async fn tls(authority: &Authority, proxy: &Proxy) -> Self {
        let stream = connect(proxy.https.unwrap(), &authority.client(&["h2"]), SHOP).await.unwrap();
        Self::over(h2::client::handshake(stream).await.unwrap())
    }

    /// In clear text, by knowing that it is spoken.
    async fn clear(proxy: &Proxy) -> Self {
        let stream = TcpStream::connect(proxy.http).await.unwrap();
        Self::over(h2::client::handshake(stream).await.unwrap())
    }

    fn over<S>((send, connection): (SendRequest<Bytes>, Connection<S>)) -> Self
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        Self { send, driver: tokio::spawn(connection) }
    }

    async fn begin(&mut self, method: &str, path: &str, fields: &[(&str, &str)], body: &'static str) -> ResponseFuture {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("https://{SHOP}{path}"));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        self.send = self.send.clone().ready().await.unwrap();
        let (response, mut content) = self.send.send_request(request.body(()).unwrap(), body.is_empty()).unwrap();
        if !body.is_empty() {
            content.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
        }
        response
    }

    async fn get(&mut self, path: &str) -> Got {
        read(self.begin("GET", path, &[], "").await).await.unwrap()
    }
}

async fn read(response: ResponseFuture) -> Result<Got, h2::Error> {
    let read = async {
        let response = response.await?;
        let (parts, mut content) = response.into_parts();
        let mut body = Vec::new();
        while let Some(data) = content.data().await {
            let data = data?;
            content.flow_control().release_capacity(data.len())?;
            body.extend_from_slice(&data);
        }
        let body = String::from_utf8(body).unwrap();
        Ok(Got { status: parts.status.as_u16(), headers: parts.headers, body })
    };
    tokio::time::timeout(LIMIT, read).await.expect("an answer comes")
}

impl Got {
    fn cache_status(&self) -> &str {
        self.headers["cache-status"].to_str().unwrap()
    }
}

async fn start(authority: &Authority, keys: &str) -> (Echo, Proxy) {
    authority.sign("shop", &[SHOP]);
    let echo = Echo::start().await;
    let listen = format!("ops_token = \"ops-secret\"\n{}{keys}", authority.listen(&["shop"]));
    let proxy = Proxy::listening(echo.addr(), &listen, "", "", &cache_all("")).await;
    (echo, proxy)
}

#[tokio::test]
async fn hits_misses_and_passes_go_by_one_connection() {
    let authority = Authority::new();
    let (echo, proxy) = start(&authority, "").await;
    let mut client = Client::tls(&authority, &proxy).await;
    let first = client.get("/a").await;
    assert!(first.status == 200 && first.cache_status().contains("fwd=uri-miss"), "{:?}", first.headers);
    assert!(first.body.to_lowercase().contains("x-forwarded-proto: https\r\n"), "{}", first.body);
    proxy.settled().await;
    // The fast path's own answer, and the same with nothing to send.
    let hit = client.get("/a").await;
    assert!(hit.status == 200 && hit.cache_status().contains("; hit"), "{:?}", hit.headers);
    assert_eq!(hit.body, first.body);
    let length = hit.body.len().to_string();
    let head = read(client.begin("HEAD", "/a", &[], "").await).await.unwrap();
    assert!(head.body.is_empty() && head.headers["content-length"] == *length, "{:?}", head.headers);
    for name in ["connection", "keep-alive", "transfer-encoding"] {
        assert!(!hit.headers.contains_key(name) && !first.headers.contains_key(name), "RFC 9113 §8.2.2: {name}");
    }
    let posted = read(client.begin("POST", "/p", &[("x-a", "b")], "content").await).await.unwrap();
    assert!(posted.body.contains("\r\ncontent\r\n") && posted.cache_status().contains("fwd=bypass"), "{}", posted.body);
    assert_eq!(echo.asked(), 2);
    proxy.counted("vitrine_requests_total{outcome=\"hit\",reason=\"\",rule=\"all\"} 2").await;

    // One object for both versions.
    let client = authority.client(&["http/1.1"]);
    let mut stream = connect(proxy.https.unwrap(), &client, SHOP).await.unwrap();
    stream.write_all(format!("GET /a HTTP/1.1\r\nHost: {SHOP}\r\n\r\n").as_bytes()).await.unwrap();
    let answers = support::raw::read_answers(&mut stream, 1).await;
    assert!(answers[0].header("cache-status").unwrap().contains("; hit"), "{answers:?}");
}

#[tokio::test]
async fn streams_are_answered_beside_each_other() {
    let authority = Authority::new();
    authority.sign("shop", &[SHOP]);
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::listening(upstream.addr(), &authority.listen(&["shop"]), "", "", &cache_all("")).await;
    let mut client = Client::tls(&authority, &proxy).await;
    let slow = client.begin("GET", "/slow", &[], "").await;
    let held = upstream.next().await;
    let quick = client.begin("GET", "/quick", &[], "").await;
    upstream.answer(&response("200 OK", "", "quick")).await;
    assert_eq!(read(quick).await.unwrap().body, "quick");
    // A hundred kilobytes are more than a window.
    held.send(&response("200 OK", "", &"s".repeat(100_000)));
    assert_eq!(read(slow).await.unwrap().body.len(), 100_000);
}

#[tokio::test]
async fn in_clear_text_it_is_spoken_where_the_configuration_says_so() {
    let authority = Authority::new();
    let (_echo, proxy) = start(&authority, "h2c = true\n").await;
    let mut client = Client::clear(&proxy).await;
    let got = client.get("/a").await;
    assert!(got.status == 200 && got.body.to_lowercase().contains("x-forwarded-proto: http\r\n"), "{}", got.body);
    // HTTP/1.1 too, also when its first bytes are those of the preface.
    let mut stream = TcpStream::connect(proxy.http).await.unwrap();
    for piece in ["P", "R", "OPFIND /a HTTP/1.1\r\nHost: h\r\n\r\n"] {
        stream.write_all(piece.as_bytes()).await.unwrap();
    }
    assert_eq!(support::raw::read_answers(&mut stream, 1).await[0].status, 200);

    let (_echo, without) = start(&Authority::new(), "").await;
    let mut stream = TcpStream::connect(without.http).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
}

#[tokio::test]
async fn heads_and_targets_have_their_limits() {
    let authority = Authority::new();
    let (echo, proxy) = start(&authority, "limits = { head = \"4KiB\", target = \"256B\" }\n").await;
    let mut client = Client::tls(&authority, &proxy).await;
    let long = "x".repeat(5000);
    let refused = read(client.begin("GET", "/a", &[("x-long", &long)], "").await).await;
    // The client may have been told of the limit in time, and then refuses by itself.
    assert!(refused.as_ref().map_or(true, |got| got.status == 431), "{:?}", refused.map(|got| got.status));
    let mut client = Client::tls(&authority, &proxy).await;
    assert_eq!(client.get(&format!("/{}", "x".repeat(300))).await.status, 414);
    assert_eq!(client.get("/a").await.status, 200);
    assert_eq!(echo.asked(), 1);
}

/// RFC 9113 §8.2.3: clients send each pair by itself, and who speaks HTTP/1.1 is sent one line.
#[tokio::test]
async fn cookies_are_one_line_for_the_upstream() {
    let mut upstream = Upstream::start().await;
    let rules = format!("{PASS}{}", cache_all("key = { cookies = [\"currency\"] }"));
    let proxy = Proxy::listening(upstream.addr(), "h2c = true\n", "", "", &rules).await;
    let mut client = Client::clear(&proxy).await;
    let pairs = [("cookie", "a=1"), ("cookie", "currency=eur"), ("x-other", "y"), ("cookie", "b=2; c=3")];
    for (path, expected) in [("/pass/a", "a=1; currency=eur; b=2; c=3"), ("/cached", "currency=eur")] {
        let getting = client.begin("GET", path, &pairs, "").await;
        let told = upstream.answer(&response("200 OK", "Cache-Control: max-age=60\r\n", "told")).await.to_lowercase();
        let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("cookie:")).collect();
        assert_eq!(lines, [format!("cookie: {expected}")], "{path}");
        assert_eq!(read(getting).await.unwrap().body, "told");
    }
    proxy.settled().await;
    for pairs in [&pairs[..], &[("cookie", "currency=eur")]] {
        let hit = read(client.begin("GET", "/cached", pairs, "").await).await.unwrap();
        assert!(hit.cache_status().contains("; hit"), "{:?}", hit.headers);
    }
    assert_eq!(upstream.asked(), 2);
}

/// What another server could read in another way is refused, as the same over HTTP/1.1 is.
#[tokio::test]
async fn heads_that_are_malformed_are_refused() {
    let mut upstream = Upstream::start().await;
    let rules = format!("{PASS}{}", cache_all(""));
    let proxy = Proxy::listening(upstream.addr(), "h2c = true\nlimits = { fields = 10 }\n", "", "", &rules).await;
    let mut client = Client::clear(&proxy).await;
    let cases = [
        ("RFC 9113 §8.2.1: a space before a value", vec![("x-a", " b")], 400),
        ("RFC 9113 §8.2.1: a tab behind a value", vec![("x-a", "b\t")], 400),
        ("RFC 9110 §8.6: two lengths", vec![("content-length", "3"), ("content-length", "3")], 400),
        ("RFC 9110 §10.1.1: an expectation that is not known", vec![("expect", "x")], 417),
        ("two, of which one is not known", vec![("expect", "100-continue"), ("expect", "x")], 417),
        ("too many fields", vec![("x-many", "1"); 11], 431),
    ];
    for (why, fields, status) in &cases {
        for path in ["/pass/refused", "/refused"] {
            for method in ["POST", "HEAD"] {
                let got = read(client.begin(method, path, fields, "abc").await).await.unwrap();
                assert_eq!((got.status, got.body.is_empty()), (*status, method == "HEAD"), "{why}: {}", got.body);
            }
        }
    }
    for (reason, count) in [("syntax", 8), ("framing", 4), ("expectation", 8), ("fields", 4)] {
        proxy.counted(&format!("vitrine_malformed_requests_total{{reason=\"{reason}\"}} {count}")).await;
    }
    // The connection goes on; many cookies are one field.
    let right = [
        vec![("expect", "100-continue"), ("content-length", "3"), ("x-empty", ""), ("x-inner", "a b")],
        vec![("x-many", "1"); 5],
        vec![("cookie", "a=1"); 50],
    ];
    let posting = client.begin("POST", "/pass/right", &right.concat(), "abc").await;
    let request = upstream.next().await;
    assert!(request.head().starts_with("POST /pass/right ") && request.body() == b"abc", "{}", request.head());
    request.send(&response("200 OK", "", "done"));
    assert_eq!(read(posting).await.unwrap().body, "done");
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn no_more_streams_than_allowed_run_at_once() {
    let authority = Authority::new();
    authority.sign("shop", &[SHOP]);
    let mut upstream = Upstream::start().await;
    let listen = format!("{}limits = {{ h2_streams = 2 }}\n", authority.listen(&["shop"]));
    let proxy = Proxy::listening(upstream.addr(), &listen, "", "", &cache_all("")).await;
    let mut client = Client::tls(&authority, &proxy).await;
    // The settings have come with the first answer.
    let first = client.begin("GET", "/0", &[], "").await;
    upstream.answer(&response("200 OK", "", "0")).await;
    read(first).await.unwrap();
    let (one, two) = (client.begin("GET", "/1", &[], "").await, client.begin("GET", "/2", &[], "").await);
    let (held, other) = (upstream.next().await, upstream.next().await);
    let mut waiting = client.send.clone();
    let third = tokio::spawn(async move {
        waiting = waiting.ready().await.unwrap();
        let request = Request::get(format!("https://{SHOP}/3")).body(()).unwrap();
        read(waiting.send_request(request, true).unwrap().0).await
    });
    held.send(&response("200 OK", "", "x"));
    other.send(&response("200 OK", "", "x"));
    read(one).await.unwrap();
    read(two).await.unwrap();
    // Their connections to the upstream are free.
    drop((held, other));
    upstream.answer(&response("200 OK", "", "3")).await;
    assert_eq!(third.await.unwrap().unwrap().body, "3");
}

#[tokio::test]
async fn at_the_end_what_is_under_way_is_finished_and_the_client_told() {
    let authority = Authority::new();
    authority.sign("shop", &[SHOP]);
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::listening(upstream.addr(), &authority.listen(&["shop"]), "", "", &cache_all("")).await;
    let mut client = Client::tls(&authority, &proxy).await;
    let getting = client.begin("GET", "/a", &[], "").await;
    let held = upstream.next().await;
    proxy.stop();
    // GOAWAY: no further request can be sent.
    let refused = async || client.send.clone().ready().await.is_err();
    vitrine_load_tests::stack::wait_until("the client is told", LIMIT, refused).await.unwrap();
    held.send(&response("200 OK", "", "whole"));
    assert_eq!(read(getting).await.unwrap().body, "whole");
    drop(client.send);
    let ended = client.driver.await.unwrap();
    assert!(ended.is_ok(), "{ended:?}");
}

#[tokio::test]
async fn curl_speaks_it() {
    let authority = Authority::new();
    let (_echo, proxy) = start(&authority, "h2c = true\n").await;
    let https = proxy.https.unwrap();
    let resolve = format!("{SHOP}:{}:127.0.0.1", https.port());
    let root = authority.root();
    let secure = format!("https://{SHOP}:{}/a", https.port());
    let clear = format!("http://{}/a", proxy.http);
    for (args, url, version) in [
        (&["--http2"][..], &secure, "2"),
        (&["--http1.1"], &secure, "1.1"),
        (&["--http2-prior-knowledge"], &clear, "2"),
        (&["--http2", "--data", "content"], &secure, "2"),
    ] {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--noproxy",
            "*",
            "--max-time",
            "20",
            "--write-out",
            " %{http_version} %{http_code}",
        ])
        .args(["--resolve", &resolve, "--cacert", root.to_str().unwrap()])
        .args(args)
        .arg(url);
        let output = tokio::task::spawn_blocking(move || curl.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.ends_with(&format!(" {version} 200")), "{args:?}: {said} {wrong}");
    }
}
