//! Connections that end, stall, or bring bytes when they should not (RFC 9112 §8, §9).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::stage::{FRESH, Stage, Told, case, fresh, get, read, request};
use crate::support::response;
use crate::support::strict::Strict;
use crate::support::upstream::Request;

/// So that a stalled upstream is given up soon.
const BRIEF: &str = "read_timeout = \"300ms\"";

fn hello() -> Vec<u8> {
    response("200 OK", FRESH, "hello")
}

impl Stage {
    /// A pooled connection for such paths, with the request that it was made for still held, so that the test has a hand on it.
    async fn pooled(&mut self, path: &str) -> Request {
        let prefix = if path.starts_with("/pass") { "/pass" } else { "" };
        let client = self.send(&get(&format!("{prefix}/first-{}", self.upstream.asked()))).await;
        let first = self.next().await;
        first.send(&hello());
        assert_eq!(read(client).await.text(), "hello");
        self.proxy.settled().await;
        first
    }
}

/// RFC 9112 §8: a response that ends before its head does is none.
#[tokio::test]
async fn ends_before_and_within_the_head_rfc9112_8() {
    let mut stage = Stage::open().await;
    for (name, answer) in [
        ("before", ""),
        ("in-status-line", "HTTP/1.1 20"),
        ("after-status-line", "HTTP/1.1 200 OK\r\n"),
        ("in-field", "HTTP/1.1 200 OK\r\nContent-Len"),
        ("before-empty-line", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"),
    ] {
        stage.play(&[case(name, answer, Told::BadGateway).hanging_up()]).await;
        let reset = format!("{name}-reset");
        stage.play(&[case(&reset, answer, Told::BadGateway).resetting()]).await;
    }
    stage.play(&[case("after-head", &fresh("Content-Length: 5\r\n", ""), Told::Cut).hanging_up()]).await;
}

/// RFC 9110 §15.6.5: no head in time is 504, also where it drips in; content that stops coming is a cut.
#[tokio::test]
async fn stalls_rfc9110_15_6_5() {
    let mut stage = Stage::with(BRIEF, "").await;
    for (name, answer, status) in [
        ("nothing", "", 504),
        ("half-a-head", "HTTP/1.1 200 OK\r\nContent-Le", 504),
        ("no-content", &fresh("Content-Length: 5\r\n", ""), 200),
        ("half-a-content", &fresh("Content-Length: 5\r\n", "he"), 200),
        ("half-a-chunk", &fresh("Transfer-Encoding: chunked\r\n", "5\r\nhe"), 200),
    ] {
        for prefix in ["", "/pass"] {
            let path = format!("{prefix}/{name}");
            let clients = [stage.send(&get(&path)).await];
            let held = stage.next().await;
            held.send(answer.as_bytes());
            let [client] = clients;
            let got = read(client).await;
            assert_eq!((got.status, got.whole), (status, status == 504), "{path}: {got:?}");
            stage.idle().await;
            // The rest comes too late, on a connection that is closed.
            drop(held);
            let next = stage.send(&get(&path)).await;
            stage.next().await.send(&hello());
            assert_eq!(read(next).await.text(), "hello", "{path}");
        }
    }
}

/// A head that drips in keeps every single read within the timeout; a fill gives it up all the same, for all who wait.
#[tokio::test]
async fn a_head_that_drips_in_rfc9110_15_6_5() {
    let mut stage = Stage::with(BRIEF, "").await;
    let clients = [stage.send(&get("/drip")).await, stage.send(&get("/drip")).await];
    stage.proxy.engine.until_waiting(2).await;
    let held = stage.next().await;
    let dripping = tokio::spawn(async move {
        held.send(b"HTTP/1.1 200 OK\r\nX: ");
        // Each byte goes out by itself; it ends when the proxy has closed the connection.
        while held.drips(b"x").await {}
    });
    for client in clients {
        let got = read(client).await;
        assert_eq!((got.status, got.whole), (504, true), "{got:?}");
    }
    stage.idle().await;
    dripping.await.unwrap();
    assert_eq!(stage.upstream.asked(), 1);
}

/// Content that drips in is whole in the end, byte by byte.
#[tokio::test]
async fn content_that_drips_in_is_whole() {
    let mut stage = Stage::open().await;
    for (path, framing, content) in [
        ("/length", "Content-Length: 5\r\n", "hello"),
        ("/pass/length", "Content-Length: 5\r\n", "hello"),
        ("/chunks", "Transfer-Encoding: chunked\r\n", "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX-A: b\r\n\r\n"),
        ("/pass/chunks", "Transfer-Encoding: chunked\r\n", "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX-A: b\r\n\r\n"),
    ] {
        let client = stage.send(&get(path)).await;
        let held = stage.next().await;
        for byte in fresh(framing, content).as_bytes() {
            held.send(&[*byte]);
            held.sent().await;
            tokio::task::yield_now().await;
        }
        drop(held);
        let got = read(client).await;
        assert_eq!((got.status, got.text(), got.whole), (200, "hello", true), "{path}: {got:?}");
    }
}

/// RFC 9112 §9.3.1, RFC 9110 §9.2.2: a pooled connection that was closed answers nothing. A safe request is sent again on a new
/// one; one with another method is not, since the upstream may have acted on it.
#[tokio::test]
async fn a_pooled_connection_that_closes_on_a_request_rfc9110_9_2_2() {
    let mut stage = Stage::open().await;
    for (method, path) in [("GET", "/get"), ("GET", "/pass/get"), ("HEAD", "/pass/head"), ("OPTIONS", "/pass/options")]
    {
        let first = stage.pooled(path).await;
        let before = first.connection();
        drop(first);
        let client = stage.send(&request(method, path, "")).await;
        let closed = stage.next().await;
        let was_pooled = closed.connection() == before;
        closed.hang_up();
        if was_pooled {
            let again = stage.next().await;
            assert_ne!(again.connection(), before);
            again.send(&response(
                "200 OK",
                &format!("{FRESH}Connection: close\r\n"),
                if method == "HEAD" { "" } else { "hello" },
            ));
        }
        let got = crate::stage::read_of(client, method == "HEAD").await;
        assert_eq!(got.status, if was_pooled { 200 } else { 502 }, "{method} {path}: {got:?}");
        stage.idle().await;
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "LOCK"] {
        drop(stage.pooled("/pass").await);
        let asked = stage.upstream.asked();
        let client = stage.send(&request(method, "/pass/unsafe", "Content-Length: 0\r\n")).await;
        stage.next().await.hang_up();
        let got = read(client).await;
        assert_eq!((got.status, got.whole), (502, true), "{method}: {got:?}");
        assert_eq!(stage.upstream.asked(), asked + 1, "{method} may have been done");
    }
}

/// RFC 9112 §9.3, §11.2: bytes on a connection on which nothing was asked are no answer to the next request.
#[tokio::test]
async fn bytes_that_nobody_asked_for_rfc9112_11_2() {
    let mut stage = Stage::open().await;
    let unasked = fresh("Content-Length: 4\r\n", "evil");
    for path in ["/cached", "/pass/passed"] {
        let first = stage.pooled(path).await;
        first.send(unasked.as_bytes());
        first.sent().await;
        let client = stage.send(&get(path)).await;
        let next = stage.next().await;
        assert_ne!(next.connection(), first.connection(), "{path}");
        next.send(&response("200 OK", &format!("{FRESH}Connection: close\r\n"), "hello"));
        drop((next, first));
        assert_eq!(read(client).await.text(), "hello", "{path}");
        stage.idle().await;
    }
    assert_eq!(stage.ask(&get("/cached")).await.text(), "hello");
}

/// RFC 9112 §9.6: who says close closes, and so does this side where the other does not.
#[tokio::test]
async fn close_that_is_not_done_rfc9112_9_6() {
    let mut stage = Stage::open().await;
    let closing = |fields: &str| fresh(&format!("{fields}Content-Length: 5\r\n"), "hello");
    stage
        .play(&[
            case("close", &closing("Connection: close\r\n"), Told::Is(200, "hello")).out_of_step(),
            case("case", &closing("Connection: Close\r\n"), Told::Is(200, "hello")).out_of_step(),
            case("listed", &closing("Connection: x-hop, close\r\nX-Hop: 1\r\n"), Told::Is(200, "hello")).out_of_step(),
        ])
        .await;
    let old = format!("HTTP/1.0 200 OK\r\n{FRESH}Content-Length: 5\r\n\r\nhello");
    stage.play(&[case("http-1-0", &old, Told::Is(200, "hello")).out_of_step()]).await;
}

/// A client that leaves a slow upstream: a fill goes on for the next one; what is passed ends, and holds nothing.
#[tokio::test]
async fn a_client_leaves_a_slow_upstream() {
    let mut stage = Stage::open().await;
    let client = stage.send(&get("/slow")).await;
    let held = stage.next().await;
    held.send(fresh("Content-Length: 5\r\n", "he").as_bytes());
    drop(client);
    held.send(b"llo");
    drop(held);
    stage.idle().await;
    assert_eq!((stage.ask(&get("/slow")).await.text(), stage.upstream.asked()), ("hello", 1));
    let client = stage.send(&get("/pass/slow")).await;
    let held = stage.next().await;
    held.send(fresh("Content-Length: 5\r\n", "he").as_bytes());
    drop(client);
    held.closed().await;
    stage.idle().await;
}

/// RFC 9110 §7.5, RFC 9112 §9.5: an answer that comes before the request was read is the answer, whether the rest is read or not.
#[tokio::test]
async fn an_answer_before_the_request_is_read_rfc9112_9_5() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = crate::support::Proxy::start(listener.local_addr().unwrap(), "").await;
    let refusing = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let answer = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo much";
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        stream
    });
    let mut client = tokio::net::TcpStream::connect(proxy.http).await.unwrap();
    let (mut reading, mut writing) = client.split();
    let size = 1 << 20;
    let head = request("POST", "/upload", &format!("Content-Length: {size}\r\n"));
    let content = vec![b'x'; size];
    let send = async {
        writing.write_all(&head).await?;
        writing.write_all(&content).await
    };
    let mut bytes = Vec::new();
    let (_, _) = tokio::join!(send, reading.read_to_end(&mut bytes));
    let got = Strict::of(&bytes, false);
    assert_eq!((got.status, got.text(), got.whole), (413, "too much", true), "{got:?}");
    drop(refusing.await.unwrap());
}
