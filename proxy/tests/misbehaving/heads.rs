//! Heads that are none, or that are too much (RFC 9112 §2.2, §4, §5; RFC 9110 §5, §15).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::stage::{FRESH, Kept, Stage, Told, case, fresh, get, read};

const HELLO: &str = "Content-Length: 5\r\n";

/// A fresh 200 with this line among its fields.
fn with(line: &str) -> String {
    fresh(&format!("{line}\r\n{HELLO}"), "hello")
}

/// RFC 9112 §4: what does not begin with a status line that is understood is no response.
#[tokio::test]
async fn status_lines_rfc9112_4() {
    let mut stage = Stage::open().await;
    let rest = format!("{FRESH}{HELLO}\r\nhello");
    let line = |line: &str| format!("{line}\r\n{rest}");
    stage
        .play(&[
            case("http-0-9", "<html>hello</html>", Told::BadGateway).hanging_up(),
            case("http-0-9-line", "<html>hello</html>\r\n\r\n", Told::BadGateway).hanging_up(),
            case("garbage", &line("\u{1}\u{2}\u{3}"), Told::BadGateway),
            case("lower-case", &line("http/1.1 200 OK"), Told::BadGateway),
            case("ssh", "SSH-2.0-OpenSSH_9.9\r\n", Told::BadGateway).hanging_up(),
            case("http-3", &line("HTTP/3.0 200 OK"), Told::BadGateway),
            case("http-2", &line("HTTP/2 200 OK"), Told::BadGateway),
            case("http-1-2", &line("HTTP/1.2 200 OK"), Told::BadGateway),
            case("http-11", &line("HTTP/1.11 200 OK"), Told::BadGateway),
            case("no-status", &line("HTTP/1.1 OK"), Told::BadGateway),
            case("empty", &line("HTTP/1.1"), Told::BadGateway),
            case("letters", &line("HTTP/1.1 2OO OK"), Told::BadGateway),
            case("negative", &line("HTTP/1.1 -20 OK"), Told::BadGateway),
            case("two-digits", &line("HTTP/1.1 99 OK"), Told::BadGateway),
            case("099", &line("HTTP/1.1 099 OK"), Told::BadGateway),
            case("000", &line("HTTP/1.1 000 OK"), Told::BadGateway),
            case("1000", &line("HTTP/1.1 1000 OK"), Told::BadGateway),
            case("nul-in-reason", &line("HTTP/1.1 200 O\0K"), Told::BadGateway),
            case("cr-in-reason", &line("HTTP/1.1 200 O\rK"), Told::BadGateway),
            case("no-reason", &line("HTTP/1.1 200"), Told::Is(200, "hello")),
            case("long-reason", &line(&format!("HTTP/1.1 200 {}", "x".repeat(100_000))), Told::Is(200, "hello")),
            // RFC 9112 §2.2: empty lines before are passed over.
            case("empty-line-before", &format!("\r\n{}", line("HTTP/1.1 200 OK")), Told::Is(200, "hello")),
        ])
        .await;
}

/// RFC 9110 §15: a status beyond 599 is no HTTP; a client treats it as a 5xx. It is sent on, and not stored, for nobody knows what
/// it means (RFC 9111 §3).
#[tokio::test]
async fn statuses_beyond_599_rfc9110_15() {
    let mut stage = Stage::open().await;
    let status = |status: u16| format!("HTTP/1.1 {status} What\r\n{FRESH}{HELLO}\r\nhello");
    stage
        .play(&[
            case("600", &status(600), Told::Is(600, "hello")).kept(Kept::No),
            case("999", &status(999), Told::Is(999, "hello")).kept(Kept::No),
            // RFC 9110 §15: one that is not known is one of its class.
            case("299", &status(299), Told::Is(299, "hello")),
            case("599", &status(599), Told::Is(599, "hello")),
        ])
        .await;
}

/// RFC 9112 §5; RFC 9110 §5.5: what no field may be makes the whole response unusable.
#[tokio::test]
async fn fields_that_are_none_rfc9112_5() {
    let mut stage = Stage::open().await;
    stage
        .play(&[
            case("no-colon", &with("X-Broken"), Told::BadGateway),
            case("no-name", &with(": value"), Told::BadGateway),
            case("space-in-name", &with("X Broken: a"), Told::BadGateway),
            case("space-before-name", &with("X-A: b"), Told::Is(200, "hello")),
            case("non-ascii-name", &with("X-Ä: a"), Told::BadGateway),
            case("delimiter-in-name", &with("X(a): a"), Told::BadGateway),
            case("nul-in-name", &with("X\0a: a"), Told::BadGateway),
            case("nul-in-value", &with("X-A: a\0b"), Told::BadGateway),
            case("bell-in-value", &with("X-A: a\u{7}b"), Told::BadGateway),
            case("delete-in-value", &with("X-A: a\u{7f}b"), Told::BadGateway),
            // §2.2: a bare CR must not be taken for the end of a line, nor be sent on.
            case("bare-cr", &with("X-A: a\rX-Evil: b"), Told::BadGateway),
            case("bare-cr-at-end", &with("X-A: a\r\r"), Told::BadGateway),
            case("first-line-folded", &fresh("", "").replacen("\r\n", "\r\n folded\r\n", 1), Told::BadGateway)
                .hanging_up(),
        ])
        .await;
}

/// RFC 9112 §2.2: a single LF may be taken for the end of a line.
#[tokio::test]
async fn bare_line_feeds_rfc9112_2_2() {
    let mut stage = Stage::open().await;
    let answer = format!("HTTP/1.1 200 OK\n{}{}\nhello", FRESH.replace('\r', ""), HELLO.replace('\r', ""));
    stage.play(&[case("lf", &answer, Told::Is(200, "hello"))]).await;
}

/// RFC 9112 §5.1: white space before the colon goes. §5.2: a folded line is unfolded before it is used or sent on. RFC 9110 §5.5:
/// bytes above 127 are opaque.
#[tokio::test]
async fn fields_that_are_mended_rfc9112_5() {
    let mut stage = Stage::open().await;
    let head = format!(
        "HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\n\tc\r\nX-Spaced : d\r\nX-Empty:\r\nX-Text: \u{e9}\r\nX-Twice: 1\r\nX-Twice: 2\r\nCache-Control: max-age=60,\r\n public\r\n{HELLO}\r\nhello"
    );
    for path in ["/mended", "/pass/mended", "/mended"] {
        let got = if stage.upstream.asked() < 2 {
            stage.answered(path, head.as_bytes()).await
        } else {
            stage.ask(&get(path)).await
        };
        assert_eq!((got.status, got.text(), got.whole), (200, "hello", true), "{got:?}");
        assert_eq!(got.header("x-folded").split_ascii_whitespace().collect::<Vec<_>>(), ["a", "b", "c"], "{got:?}");
        assert_eq!((got.header("x-spaced"), got.header("x-empty"), got.header("x-text")), ("d", "", "\u{e9}"));
        assert_eq!(got.values("x-twice"), ["1", "2"]);
    }
    assert_eq!(stage.upstream.asked(), 2);
}

/// A line that is folded to hide its end: what it would be taken for by a reader who does not fold must not come through.
#[tokio::test]
async fn folding_hides_no_field_rfc9112_5_2() {
    let mut stage = Stage::open().await;
    stage
        .play(&[
            case("hidden-length", &with("X-A: b\r\n Content-Length: 2"), Told::Is(200, "hello")),
            case("hidden-coding", &with("X-A: b\r\n\tTransfer-Encoding: chunked"), Told::Is(200, "hello")),
            case("folded-length", &fresh("Content-Length:\r\n 5\r\n", "hello"), Told::Is(200, "hello")),
            case("hidden-private", &with("X-A: b\r\n Cache-Control: private"), Told::Is(200, "hello")),
        ])
        .await;
}

/// A head is at most 1 MiB long and has at most 256 fields. RFC 9110 §5.4 leaves limits to the recipient.
#[tokio::test]
async fn heads_without_measure_rfc9110_5_4() {
    let mut stage = Stage::open().await;
    let many = |count: usize| (0..count).map(|n| format!("X-{n}: y")).collect::<Vec<_>>().join("\r\n");
    stage
        .play(&[
            case("long-value", &with(&format!("X-A: {}", "x".repeat(2 << 20))), Told::BadGateway),
            case("long-name", &with(&format!("X-{}: a", "x".repeat(2 << 20))), Told::BadGateway),
            case("endless-line", &format!("HTTP/1.1 200 {}", "x".repeat(2 << 20)), Told::BadGateway),
            case("many-fields", &with(&many(10_000)), Told::BadGateway),
            case("200-fields", &with(&many(200)), Told::Is(200, "hello")),
            case("256-kilobytes", &with(&format!("X-A: {}", "x".repeat(256 << 10))), Told::Is(200, "hello")),
        ])
        .await;
}

/// Response splitting (RFC 9112 §11.1): a value that the upstream took from a request unescaped makes two responses of one. The
/// second must not answer anybody, neither here nor behind the proxy.
#[tokio::test]
async fn a_split_response_answers_nobody_rfc9112_11_1() {
    let mut stage = Stage::open().await;
    let evil = format!("HTTP/1.1 200 OK\r\n{FRESH}Content-Length: 4\r\n\r\nevil");
    let split = format!("HTTP/1.1 302 Found\r\n{FRESH}Location: /?a=\r\nContent-Length: 0\r\n\r\n{evil}");
    stage.play(&[case("split", &split, Told::Is(302, "")).out_of_step()]).await;
    // A client that keeps its connection gets its own answer next.
    for path in ["/kept-alive", "/pass/kept-alive"] {
        let mut client = stage.send(format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n").as_bytes()).await;
        stage.next().await.send(split.as_bytes());
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 302 "));
        let next = format!("{path}/next");
        client.write_all(&get(&next)).await.unwrap();
        stage.next().await.send(with("X-A: b").as_bytes());
        let got = read(client).await;
        assert_eq!((got.status, got.text(), got.header("x-a")), (200, "hello", "b"), "{got:?}");
    }
}
