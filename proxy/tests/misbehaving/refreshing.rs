//! Misbehaviour while something is stored that could be served (RFC 9111 §4.2.4, §4.3.3; RFC 5861 §4), and before old clients.

use tokio::io::AsyncReadExt as _;

use crate::stage::{Stage, fresh, get, read};
use crate::support::response;

/// Stale at once, revalidated each time, and good enough where the upstream fails.
const FALLBACK: &str = "Cache-Control: max-age=0, stale-if-error=600\r\nETag: \"1\"\r\n";

/// RFC 9111 §4.3.3, RFC 5861 §4: an upstream that gives nothing usable is an error, for which the stored response stands in, for all
/// who wait, and time and again.
#[tokio::test]
async fn what_is_stored_stands_in_rfc5861_4() {
    let mut stage = Stage::open().await;
    // Closed, since a pooled connection that ends without an answer is no failure yet.
    stage.answered("/a", &response("200 OK", &format!("{FALLBACK}Connection: close\r\n"), "stored")).await;
    let flood = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100);
    for answer in [
        "",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nevil",
        "HTTP/1.1 1000 OK\r\nContent-Length: 4\r\n\r\nevil",
        "HTTP/1.1 101 Switching Protocols\r\n\r\nevil",
        "HTTP/1.1 500 Oops\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\nevil",
        &flood,
    ] {
        let asked = stage.upstream.asked();
        let clients = [stage.send(&get("/a")).await, stage.send(&get("/a")).await];
        stage.proxy.engine.until_waiting(2).await;
        let request = stage.next().await;
        assert_eq!(request.header("if-none-match"), Some("\"1\""));
        request.send(answer.as_bytes());
        request.hang_up();
        for client in clients {
            let got = read(client).await;
            assert_eq!((got.status, got.text(), got.whole), (200, "stored", true), "{answer}: {got:?}");
        }
        stage.idle().await;
        assert_eq!(stage.upstream.asked(), asked + 1, "{answer}");
    }
}

/// RFC 9111 §3: a replacement that does not come to its end replaces nothing. Its beginning was sent on and cannot be taken back.
#[tokio::test]
async fn half_a_replacement_replaces_nothing_rfc9111_3() {
    let mut stage = Stage::open().await;
    stage.answered("/a", &response("200 OK", FALLBACK, "stored")).await;
    for answer in [fresh("Content-Length: 10\r\n", "new"), fresh("Transfer-Encoding: chunked\r\n", "3\r\nnew\r\n5\r\n")]
    {
        let client = stage.send(&get("/a")).await;
        let request = stage.next().await;
        request.send(answer.as_bytes());
        request.hang_up();
        let got = read(client).await;
        assert_eq!((got.status, got.text(), got.whole), (200, "new", false), "{got:?}");
        stage.idle().await;
        let client = stage.send(&get("/a")).await;
        let request = stage.next().await;
        assert_eq!(request.header("if-none-match"), Some("\"1\""), "what was stored is still there");
        request.send(b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n");
        drop(request);
        assert_eq!(read(client).await.text(), "stored");
        stage.idle().await;
    }
}

/// RFC 9112 §6.1, §6.3: chunks are undone for a client of HTTP/1.0. It would take the end of the connection for that of the content,
/// so what is cached goes with its length, once that is known, or not at all. What is passed, Pingora writes as it comes, and a cut is a
/// reset, which is no end of content (RFC 9112 §8).
#[tokio::test]
async fn clients_of_http_1_0_rfc9112_6_3() {
    let mut stage = Stage::open().await;
    // Asked to be kept, a connection is kept only where the content has a length.
    let connection = "Connection: keep-alive\r\n";
    for (path, content, expected) in [
        ("/whole", "5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("/cut", "5\r\nhello\r\n", ""),
        ("/pass/whole", "5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("/pass/cut", "5\r\nhello\r\n", "hello"),
    ] {
        let mut client =
            stage.send(format!("GET {path} HTTP/1.0\r\nHost: shop.example\r\n{connection}\r\n").as_bytes()).await;
        let request = stage.next().await;
        request.send(fresh("Transfer-Encoding: chunked\r\n", content).as_bytes());
        request.hang_up();
        let mut text = String::new();
        if path == "/whole" {
            while !text.ends_with("\r\n\r\nhello") {
                text.push(char::from(client.read_u8().await.unwrap()));
            }
        } else {
            let mut bytes = Vec::new();
            let read = client.read_to_end(&mut bytes).await;
            assert_eq!(read.is_err(), path == "/pass/cut", "{path}: {read:?}");
            text = String::from_utf8(bytes).unwrap();
        }
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let head = head.to_lowercase();
        // A reset may overtake what was sent.
        let is_lost = path == "/pass/cut" && body.is_empty();
        assert!((is_lost || body == expected) && !head.contains("transfer-encoding"), "{path}: {text}");
        let has_length = head.contains("\r\ncontent-length: 5\r\n");
        assert_eq!(has_length, path == "/whole", "{path}: {text}");
        assert_eq!(head.contains("\r\nconnection: keep-alive"), has_length, "{path}: {text}");
        assert!(path != "/cut" || text.is_empty(), "{path}: {text}");
        stage.idle().await;
    }
    // Longer than what is held back.
    let long = "x".repeat(3 << 20);
    let mut client = stage.send(b"GET /long HTTP/1.0\r\nHost: shop.example\r\nConnection: keep-alive\r\n\r\n").await;
    let request = stage.next().await;
    request.send(fresh("", &long).as_bytes());
    request.hang_up();
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert!(text.split_once("\r\n\r\n").is_some_and(|(_, body)| body == long), "{}", text.len());
    stage.idle().await;
}
