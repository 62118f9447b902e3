//! The chunks themselves (RFC 9112 §7.1). Their head may be with the origin before they are seen to be none; it is then not
//! completed, and so is no request.

use crate::case::{Case, Must, post, posted, refused, two};

pub fn cases() -> Vec<Case> {
    [sizes(), ends(), extensions(), trailers()].concat()
}

fn chunks(name: &'static str, chunks: impl AsRef<[u8]>, must: Must) -> Case {
    posted(name, "Transfer-Encoding: chunked\r\n", chunks, must)
}

fn abc() -> Must {
    two(post("abc"))
}

fn sizes() -> Vec<Case> {
    let size = |name, size: &str| chunks(name, format!("{size}\r\nabc\r\n0\r\n\r\n"), refused());
    vec![
        chunks("two chunks", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", abc()),
        chunks("zeros before the size", "0003\r\nabc\r\n0\r\n\r\n", abc()),
        chunks("zeros for the end", "3\r\nabc\r\n000\r\n\r\n", abc()),
        chunks(
            "hexadecimal in both cases",
            "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
            two(post("01234567890123456789")),
        ),
        size("size with a plus", "+3"),
        size("size with a minus", "-3"),
        size("size with 0x", "0x3"),
        size("size with an underscore", "0_3"),
        size("size with a letter", "3g"),
        size("size behind a space", " 3"),
        size("size behind a tab", "\t3"),
        size("size before a space", "3 "),
        size("size before spaces and more", "3 3"),
        size("size before a comma", "3,"),
        size("size before a NUL", "3\0"),
        size("size before a vertical tab", "3\x0b"),
        size("size of other digits", "\u{ff13}"),
        size("no size", ""),
        size("size with a point", "3.0"),
        size("size in quotes", "\"3\""),
        size("size of 2^64 - 1", "FFFFFFFFFFFFFFFF"),
        size("size of 2^63", "8000000000000000"),
        size("size of 2^64 and 3", "10000000000000003"),
        size("size of 2^32 by 2^32 by 16 and 3", "1000000000000000000000000000000003"),
        size("size too small", "2"),
        chunks("size of nothing, then content", "0\r\nabc\r\n0\r\n\r\n", refused()),
    ]
}

/// Each line ends in CRLF, and so does each chunk's data.
fn ends() -> Vec<Case> {
    vec![
        chunks("size before a bare LF", "3\nabc\r\n0\r\n\r\n", refused()),
        chunks("size before a bare CR", "3\rabc\r\n0\r\n\r\n", refused()),
        chunks("size before two CRs", "3\r\r\nabc\r\n0\r\n\r\n", refused()),
        chunks("data before a bare LF", "3\r\nabc\n0\r\n\r\n", refused()),
        chunks("data before a bare CR", "3\r\nabc\r0\r\n\r\n", refused()),
        chunks("data before nothing", "3\r\nabc0\r\n\r\n", refused()),
        chunks("data before two other bytes", "3\r\nabcXX0\r\n\r\n", refused()),
        chunks("data longer than its size", "3\r\nabcd\r\n0\r\n\r\n", refused()),
        chunks("end before a bare LF", "3\r\nabc\r\n0\n\r\n", refused()),
        chunks("end before bare LFs", "3\r\nabc\r\n0\n\n", refused()),
        chunks("end of CRLF and LF", "3\r\nabc\r\n0\r\n\n", refused()),
        chunks("end of CRLF and CR", "3\r\nabc\r\n0\r\n\rX", refused()),
        chunks("bare LFs only", "3\nabc\n0\n\n", refused()),
    ]
}

/// RFC 9112 §7.1.1: a recipient ignores what it does not know; that some end them at a bare LF is how they smuggle.
fn extensions() -> Vec<Case> {
    vec![
        chunks("extension", "3;a=b\r\nabc\r\n0\r\n\r\n", abc()),
        chunks("extension without value", "3;a\r\nabc\r\n0\r\n\r\n", abc()),
        chunks("extension in quotes", "3;a=\"b c\"\r\nabc\r\n0\r\n\r\n", abc()),
        chunks("extension of the last chunk", "3\r\nabc\r\n0;a=b\r\n\r\n", abc()),
        chunks("extension with a bare LF", "3;a\nabc\r\n0\r\n\r\n", refused()),
        chunks("extension with a bare LF in it", "3;a\nX\r\nabc\r\n0\r\n\r\n", refused()),
        chunks("extension that is empty, with a bare LF", "3;\nX\r\nabc\r\n0\r\n\r\n", refused()),
        chunks("extension with a bare CR", "3;a\rX\r\nabc\r\n0\r\n\r\n", refused()),
        chunks("extension with a bare LF in quotes", "3;a=\"\nb\"\r\nabc\r\n0\r\n\r\n", refused()),
        chunks("extension with a CRLF in quotes", "3;a=\"\r\nb\"\r\nabc\r\n0\r\n\r\n", refused()),
        chunks("extension with a NUL", "3;a=\0\r\nabc\r\n0\r\n\r\n", refused()),
        chunks("extension of the last chunk with a bare LF", "3\r\nabc\r\n0;a\n\r\n", refused()),
        chunks("extension of a mebibyte", format!("3;{}\r\nabc\r\n0\r\n\r\n", "a".repeat(1 << 20)), refused()),
    ]
}

/// RFC 9110 §6.5.1: they are dropped; framing, routing and the like must not come in by them.
fn trailers() -> Vec<Case> {
    let trailers = |name, lines: &str, must| chunks(name, format!("3\r\nabc\r\n0\r\n{lines}\r\n"), must);
    vec![
        trailers("trailer", "X-A: b\r\n", abc()),
        trailers("trailers", "X-A: b\r\nX-C: d\r\n", abc()),
        trailers("length as a trailer", "Content-Length: 5\r\n", abc()),
        trailers("coding as a trailer", "Transfer-Encoding: chunked\r\n", abc()),
        trailers("Host as a trailer", "Host: evil.example\r\n", abc()),
        trailers("Connection as a trailer", "Connection: close\r\n", abc()),
        trailers("trailer before a bare LF", "X-A: b\n", refused()),
        trailers("trailer with a bare LF", "X-A: b\nX-C: d\r\n", refused()),
        trailers("trailer with a bare CR", "X-A: b\rX-C: d\r\n", refused()),
        trailers("trailer with a NUL", "X-A: \0\r\n", refused()),
        trailers("trailer that is folded", "X-A:\r\n b\r\n", refused()),
        trailers("trailer without a colon", "X-A\r\n", refused()),
        trailers("trailer with a space before the colon", "X-A : b\r\n", refused()),
        trailers("trailers of a mebibyte", &format!("X-A: {}\r\n", "a".repeat(1 << 20)), refused()),
        trailers("a request as a trailer", "GET /@@@@@@/next HTTP/1.1\r\nHost: shop.example\r\n", refused()),
    ]
}
