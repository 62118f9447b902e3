//! Where content ends: Content-Length and chunks (RFC 9112 §6, §7; RFC 9110 §8.6).

use crate::stage::{Kept, Stage, Told, case, fresh};

/// What an attacker who controls content would like another client to take for its response.
const SMUGGLED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nCache-Control: max-age=60\r\n\r\nevil";

/// RFC 9112 §6.3: fewer bytes than announced are incomplete, more are no part of the response, and lengths that differ or are none
/// are an error that cannot be recovered from.
#[tokio::test]
async fn content_length_rfc9112_6_3() {
    let mut stage = Stage::open().await;
    let too_long = fresh("Content-Length: 5\r\n", &format!("hello{SMUGGLED}"));
    let bad = |length: &str| fresh(&format!("Content-Length: {length}\r\n"), "hello");
    stage
        .play(&[
            case("short", &fresh("Content-Length: 10\r\n", "hello"), Told::Cut).hanging_up(),
            case("short-reset", &fresh("Content-Length: 10\r\n", "hello"), Told::Cut).resetting(),
            case("long", &too_long, Told::Is(200, "hello")).out_of_step(),
            case("empty-long", &fresh("Content-Length: 0\r\n", SMUGGLED), Told::Is(200, "")).out_of_step(),
            // RFC 9110 §8.6: to be sent on as one.
            case("equal-lines", &fresh("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), Told::Is(200, "hello")),
            case("equal-list", &bad("5, 5"), Told::Is(200, "hello")),
            case("zeros", &bad("005"), Told::Is(200, "hello")),
            case("different", &fresh("Content-Length: 5\r\nContent-Length: 3\r\n", "hello"), Told::BadGateway),
            case("different-list", &bad("5, 3"), Told::BadGateway),
            case("negative", &bad("-5"), Told::BadGateway),
            case("signed", &bad("+5"), Told::BadGateway),
            case("hex", &bad("0x5"), Told::BadGateway),
            case("none", &bad(""), Told::BadGateway),
            case("fraction", &bad("5.0"), Told::BadGateway),
            case("beyond-64-bits", &bad("18446744073709551616"), Told::BadGateway),
            // 2^63: a length like any other, of which the rest never comes.
            case("2-63", &bad("9223372036854775808"), Told::Cut).hanging_up().kept(Kept::No),
            case("2-64-1", &bad("18446744073709551615"), Told::Cut).hanging_up().kept(Kept::No),
        ])
        .await;
}

/// RFC 9112 §6.3: with both, Transfer-Encoding counts and Content-Length goes.
#[tokio::test]
async fn transfer_encoding_beside_content_length_rfc9112_6_3() {
    let mut stage = Stage::open().await;
    let both = |length: &str| {
        fresh(&format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"), "5\r\nhello\r\n0\r\n\r\n")
    };
    let after =
        fresh("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", &format!("5\r\nhello\r\n0\r\n\r\n{SMUGGLED}"));
    stage
        .play(&[
            case("both", &both("5"), Told::Is(200, "hello")),
            case("shorter", &both("2"), Told::Is(200, "hello")),
            case("longer", &both("500"), Told::Is(200, "hello")),
            case("nonsense", &both("-1"), Told::Is(200, "hello")),
            case("and-more", &after, Told::Is(200, "hello")).out_of_step(),
        ])
        .await;
}

/// RFC 9112 §7.1: what is not made of chunks, or lacks the last one, is incomplete.
#[tokio::test]
async fn chunks_rfc9112_7_1() {
    let mut stage = Stage::open().await;
    let chunked = |content: &str| fresh("Transfer-Encoding: chunked\r\n", content);
    let extension = format!("5;a=\"{}\"\r\nhello\r\n0\r\n\r\n", "x".repeat(100_000));
    stage
        .play(&[
            case("whole", &chunked("5\r\nhello\r\n0\r\n\r\n"), Told::Is(200, "hello")),
            case("no-last", &chunked("5\r\nhello\r\n"), Told::Cut).hanging_up(),
            case("no-last-reset", &chunked("5\r\nhello\r\n"), Told::Cut).resetting(),
            case("no-end-of-last", &chunked("5\r\nhello\r\n0\r\n"), Told::Cut).hanging_up(),
            case("half-a-chunk", &chunked("5\r\nhel"), Told::Cut).hanging_up(),
            case("half-a-size", &chunked("5\r\nhello\r\n1"), Told::Cut).hanging_up(),
            case("no-chunk", &chunked(""), Told::Cut).hanging_up(),
            case("bad-size", &chunked("5\r\nhello\r\nxyz\r\nevil\r\n0\r\n\r\n"), Told::Cut),
            case("padded-size", &chunked("5 \r\nhello\r\n0\r\n\r\n"), Told::Is(200, "hello")),
            case("negative-size", &chunked("5\r\nhello\r\n-1\r\nevil\r\n0\r\n\r\n"), Told::Cut),
            case("prefixed-size", &chunked("5\r\nhello\r\n0x4\r\nevil\r\n0\r\n\r\n"), Told::Cut),
            case("size-of-2-64", &chunked("5\r\nhello\r\n10000000000000000\r\nevil\r\n0\r\n\r\n"), Told::Cut),
            case("size-of-2-64-1", &chunked("5\r\nhello\r\nffffffffffffffff\r\nevil\r\n0\r\n\r\n"), Told::Cut),
            case("size-too-small", &chunked("3\r\nhello\r\n0\r\n\r\n"), Told::Cut),
            case("size-too-large", &chunked("7\r\nhello\r\n0\r\n\r\n"), Told::Cut),
            // §7.1.1: extensions are passed over, and limited.
            case("extensions", &chunked("5;a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\n"), Told::Is(200, "hello")),
            case("long-extension", &chunked(&extension), Told::Cut),
            case("after", &chunked(&format!("5\r\nhello\r\n0\r\n\r\n{SMUGGLED}")), Told::Is(200, "hello"))
                .out_of_step(),
        ])
        .await;
    let empty_size = chunked("5\r\nhello\r\n\r\nevil\r\n0\r\n\r\n");
    stage.fill(&case("empty-size", &empty_size, Told::Cut)).await;
    // Pingora's parser takes no size for 0, and so all up to an empty line for trailers.
    stage.pass(&case("empty-size", &empty_size, Told::Is(200, "hello"))).await;
}

/// RFC 9110 §6.5.1: trailers are no fields of the head; an intermediary may drop them, and this one does.
#[tokio::test]
async fn trailers_rfc9110_6_5() {
    let mut stage = Stage::open().await;
    let with = |trailers: &str| {
        fresh("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n", &format!("5\r\nhello\r\n0\r\n{trailers}\r\n"))
    };
    let long = format!("X-Sum: {}\r\n", "x".repeat(200_000));
    stage
        .play(&[
            case("allowed", &with("X-Sum: 1\r\n"), Told::Is(200, "hello")),
            case("length", &with("Content-Length: 2\r\nTransfer-Encoding: gzip\r\n"), Told::Is(200, "hello")),
            case("cookie", &with("Set-Cookie: a=b\r\nCache-Control: no-store\r\n"), Told::Is(200, "hello")),
            case("endless", &with(&long), Told::Cut),
        ])
        .await;
    for path in ["/t", "/pass/t"] {
        let got = stage.answered(path, with("Set-Cookie: a=b\r\nX-Sum: 1\r\n").as_bytes()).await;
        assert_eq!((got.header("set-cookie"), got.header("x-sum"), got.text()), ("", "", "hello"), "{got:?}");
    }
}

/// RFC 9112 §6.1, §6.3: a coding other than chunked would have to be undone, which this proxy does not offer to (it sends no TE), so
/// the answer cannot be used.
#[tokio::test]
async fn transfer_codings_rfc9112_6_1() {
    let mut stage = Stage::open().await;
    let coded = |coding: &str| fresh(&format!("Transfer-Encoding: {coding}\r\n"), "5\r\nhello\r\n0\r\n\r\n");
    stage
        .play(&[
            case("chunked-gzip", &coded("chunked, gzip"), Told::BadGateway).hanging_up(),
            case("gzip-chunked", &coded("gzip, chunked"), Told::BadGateway),
            case("gzip", &coded("gzip"), Told::BadGateway).hanging_up(),
            case("identity", &coded("identity"), Told::BadGateway).hanging_up(),
            case("twice", &coded("chunked, chunked"), Told::BadGateway),
            case("lines", &coded("chunked\r\nTransfer-Encoding: chunked"), Told::BadGateway),
            case("xchunked", &coded("xchunked"), Told::BadGateway).hanging_up(),
            case("quoted", &coded("\"chunked\""), Told::BadGateway).hanging_up(),
            case("empty", &coded(""), Told::BadGateway).hanging_up(),
            case("case", &coded("CHUNKED"), Told::Is(200, "hello")),
        ])
        .await;
}

/// RFC 9112 §6.1: the framing of a response of HTTP/1.0 with Transfer-Encoding is faulty; its connection must not be used again.
#[tokio::test]
async fn transfer_encoding_in_http_1_0_rfc9112_6_1() {
    let mut stage = Stage::open().await;
    let old = |fields: &str| {
        let fields = format!("Cache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n{fields}");
        format!("HTTP/1.0 200 OK\r\n{fields}\r\n5\r\nhello\r\n0\r\n\r\n")
    };
    stage
        .play(&[
            case("plain", &old(""), Told::Is(200, "hello")).out_of_step(),
            case("kept-alive", &old("Connection: keep-alive\r\n"), Told::Is(200, "hello")).out_of_step(),
            case("length", &old("Connection: keep-alive\r\nContent-Length: 5\r\n"), Told::Is(200, "hello"))
                .out_of_step(),
        ])
        .await;
}

/// RFC 9112 §8: content without a length ends with the connection, and is incomplete where that is reset.
#[tokio::test]
async fn content_up_to_the_end_of_the_connection_rfc9112_8() {
    let mut stage = Stage::open().await;
    stage
        .play(&[
            case("closed", &fresh("", "hello"), Told::Is(200, "hello")).hanging_up(),
            case("kept-alive", &fresh("Connection: keep-alive\r\n", "hello"), Told::Is(200, "hello")).hanging_up(),
            case("empty", &fresh("", ""), Told::Is(200, "")).hanging_up(),
            case("reset", &fresh("", "hello"), Told::Cut).resetting(),
            case("looks-chunked", &fresh("", "5\r\nhello\r\n0\r\n\r\n"), Told::Is(200, "5\r\nhello\r\n0\r\n\r\n"))
                .hanging_up(),
        ])
        .await;
}
