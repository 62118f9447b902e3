//! Statuses that do not fit the request, or the content they come with (RFC 9110 §15).

use crate::stage::{FRESH, Kept, Stage, Told, case, fresh, get, read, read_of, request};

/// Stored, stale at once, and with a validator.
const VALIDATED: &str = "Cache-Control: max-age=0\r\nETag: \"1\"\r\n";

fn hello() -> String {
    fresh("Content-Length: 5\r\n", "hello")
}

/// RFC 9110 §15.2: interim responses are passed over or handed on, but not without end, and none may switch to a protocol that was
/// not asked for (§15.2.2).
#[tokio::test]
async fn interim_responses_rfc9110_15_2() {
    let mut stage = Stage::open().await;
    let early = |status: &str, count: usize| format!("HTTP/1.1 {status}\r\n\r\n").repeat(count) + &hello();
    stage
        .play(&[
            case("a-few", &early("103 Early Hints", 10), Told::Is(200, "hello")),
            case("a-flood", &early("103 Early Hints", 1_000), Told::BadGateway),
            case("a-flood-of-unknown", &early("199 What", 1_000), Told::BadGateway),
            case("100", &early("100 Continue", 1), Told::Is(200, "hello")),
            case("a-flood-of-100", &early("100 Continue", 1_000), Told::BadGateway),
            case("102", &early("102 Processing", 1), Told::Is(200, "hello")),
            case("101", &early("101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x", 1), Told::BadGateway),
            case("101-without-fields", &early("101 Switching Protocols", 1), Told::BadGateway),
            case("only-interim", "HTTP/1.1 103 Early Hints\r\n\r\n", Told::BadGateway).hanging_up(),
            // Content in an interim response is the next head, and a bad one.
            case(
                "with-content",
                &format!("HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\nhi{}", hello()),
                Told::BadGateway,
            ),
        ])
        .await;
}

/// RFC 9110 §15.4.5: a 304 answers a condition. To a request without one it says nothing that can be used; what is passed is
/// the client's to judge.
#[tokio::test]
async fn not_modified_unasked_rfc9110_15_4_5() {
    let mut stage = Stage::open().await;
    let not_modified = format!("HTTP/1.1 304 Not Modified\r\n{FRESH}\r\n");
    // A cache asks once more, without conditions, before it gives up.
    for answer in [not_modified.clone(), hello()] {
        let client = stage.send(&get("/a")).await;
        stage.next().await.send(not_modified.as_bytes());
        stage.next().await.send(answer.as_bytes());
        let got = read(client).await;
        let expected = if answer == not_modified { 502 } else { 200 };
        assert_eq!((got.status, got.whole), (expected, true), "{got:?}");
        stage.idle().await;
    }
    assert_eq!(stage.ask(&get("/a")).await.text(), "hello", "the answer and not the 304 is stored");
    assert_eq!(stage.upstream.asked(), 4);
    stage.pass(&case("a", &not_modified, Told::Is(304, ""))).await;
}

/// RFC 9110 §6.4.1: 204 and 304 have no content, whatever their fields say and whatever comes.
#[tokio::test]
async fn content_where_none_is_rfc9110_6_4_1() {
    let mut stage = Stage::open().await;
    let no_content = |rest: &str| format!("HTTP/1.1 204 No Content\r\n{FRESH}{rest}");
    stage
        .play(&[
            case("204", &no_content("\r\n"), Told::Is(204, "")),
            case("204-length", &no_content("Content-Length: 4\r\n\r\n"), Told::Is(204, "")),
            case("204-chunked", &no_content("Transfer-Encoding: chunked\r\n\r\n"), Told::Is(204, "")),
            case("204-content", &no_content("Content-Length: 4\r\n\r\nevil"), Told::Is(204, "")).out_of_step(),
            case("204-bare", &no_content("\r\nevil"), Told::Is(204, "")).out_of_step(),
            case(
                "204-chunks",
                &no_content("Transfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n"),
                Told::Is(204, ""),
            )
            .out_of_step(),
        ])
        .await;
    let with_content = format!("HTTP/1.1 304 Not Modified\r\n{FRESH}Content-Length: 4\r\n\r\nevil");
    stage.pass(&case("304", &with_content, Told::Is(304, "")).out_of_step()).await;
    // To a revalidation.
    let stored = format!("HTTP/1.1 200 OK\r\n{VALIDATED}Content-Length: 5\r\n\r\nhello");
    stage.answered("/304", stored.as_bytes()).await;
    let client = stage.send(&get("/304")).await;
    let revalidation = stage.next().await;
    let connection = revalidation.connection();
    revalidation.send(with_content.as_bytes());
    drop(revalidation);
    let got = read(client).await;
    assert_eq!((got.status, got.text(), got.header("content-length")), (200, "hello", "5"), "{got:?}");
    stage.idle().await;
    let client = stage.send(&get("/next")).await;
    let next = stage.next().await;
    assert_ne!(next.connection(), connection, "out of step");
    next.send(hello().as_bytes());
    assert_eq!(read(client).await.text(), "hello");
}

/// RFC 9111 §4.3.4: a 304 that names another response freshens none; the upstream is asked anew, without conditions.
#[tokio::test]
async fn a_304_of_another_response_rfc9111_4_3_4() {
    let mut stage = Stage::open().await;
    let stored = format!("HTTP/1.1 200 OK\r\n{VALIDATED}Content-Length: 3\r\n\r\nold");
    stage.answered("/a", stored.as_bytes()).await;
    let client = stage.send(&get("/a")).await;
    let conditional = stage.next().await;
    assert_eq!(conditional.header("if-none-match"), Some("\"1\""));
    conditional.send(format!("HTTP/1.1 304 Not Modified\r\n{FRESH}ETag: \"2\"\r\n\r\n").as_bytes());
    drop(conditional);
    let again = stage.next().await;
    assert_eq!(again.header("if-none-match"), None);
    again.send(hello().as_bytes());
    drop(again);
    assert_eq!(read(client).await.text(), "hello");
    stage.idle().await;
    assert_eq!((stage.ask(&get("/a")).await.text(), stage.upstream.asked()), ("hello", 3));
}

/// RFC 9110 §15.3.7, §15.5.17; RFC 9111 §3.3: parts are asked for by Range, which fills never are; they are sent on and not stored.
#[tokio::test]
async fn parts_unasked_rfc9111_3_3() {
    let mut stage = Stage::open().await;
    let part = |range: &str| format!("HTTP/1.1 206 Partial Content\r\n{FRESH}{range}Content-Length: 5\r\n\r\nhello");
    let not_satisfiable =
        format!("HTTP/1.1 416 Range Not Satisfiable\r\n{FRESH}Content-Range: bytes */5\r\nContent-Length: 0\r\n\r\n");
    let kept = |name, range: &str| case(name, &part(range), Told::Is(206, "hello")).kept(Kept::No);
    stage
        .play(&[
            kept("true", "Content-Range: bytes 0-4/10\r\n"),
            kept("without-range", ""),
            kept("of-another-length", "Content-Range: bytes 0-99/100\r\n"),
            kept("beyond", "Content-Range: bytes 5-3/2\r\n"),
            kept("garbage", "Content-Range: what\r\n"),
            kept("multipart", "Content-Type: multipart/byteranges; boundary=a\r\n"),
            case("416", &not_satisfiable, Told::Is(416, "")),
        ])
        .await;
}

/// RFC 9110 §14.2: Range may be ignored. A part of what is stored is made here, of what came whole.
#[tokio::test]
async fn a_whole_where_a_part_was_asked_rfc9110_14_2() {
    let mut stage = Stage::open().await;
    let client = stage.send(&request("GET", "/a", "Range: bytes=1-2\r\n")).await;
    // A 200 that claims to be a part.
    stage.next().await.send(fresh("Content-Range: bytes 1-2/5\r\nContent-Length: 5\r\n", "hello").as_bytes());
    let got = read(client).await;
    assert_eq!((got.status, got.text(), got.header("content-range")), (206, "el", "bytes 1-2/5"), "{got:?}");
    stage.idle().await;
    let whole = stage.ask(&get("/a")).await;
    assert_eq!((whole.status, whole.text(), stage.upstream.asked()), (200, "hello", 1), "{whole:?}");
}

/// RFC 9112 §6.3: the answer to HEAD ends with its head; content after it is no part of anything.
#[tokio::test]
async fn head_with_content_rfc9112_6_3() {
    let mut stage = Stage::open().await;
    for (path, framing) in [
        ("/pass/length", "Content-Length: 4\r\n\r\nevil"),
        ("/pass/chunks", "Transfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n"),
        ("/pass/none", "\r\nevil"),
    ] {
        let client = stage.send(&request("HEAD", path, "")).await;
        let asked = stage.next().await;
        let connection = asked.connection();
        asked.send(format!("HTTP/1.1 200 OK\r\n{FRESH}{framing}").as_bytes());
        drop(asked);
        let got = read_of(client, true).await;
        assert_eq!((got.status, got.text(), got.whole), (200, "", true), "{got:?}");
        let client = stage.send(&get(path)).await;
        let next = stage.next().await;
        assert_ne!(next.connection(), connection, "{path}: out of step");
        next.send(hello().as_bytes());
        drop(next);
        assert_eq!(read(client).await.text(), "hello", "{path}");
    }
}

/// RFC 9110 §15.4: redirects are answers; whoever follows them, it is not this proxy.
#[tokio::test]
async fn redirects_that_lead_back_rfc9110_15_4() {
    let mut stage = Stage::open().await;
    for path in ["/loop", "/pass/loop"] {
        let answer = format!("HTTP/1.1 301 Moved Permanently\r\n{FRESH}Location: {path}\r\nContent-Length: 0\r\n\r\n");
        let got = stage.answered(path, answer.as_bytes()).await;
        assert_eq!((got.status, got.header("location"), got.text()), (301, path, ""));
    }
    assert_eq!(stage.upstream.asked(), 2);
}
