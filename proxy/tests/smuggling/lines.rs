//! Request lines and field lines (RFC 9112 §2.2, §3, §5): their ends, their white space, and what may stand in them.

use crate::case::{Case, Must, NEXT, get, got, one, raw, refused, refused_with, two};

/// 400, or that the version is not known (RFC 9110 §15.6.6).
const VERSION: &[u16] = &[400, 505];

pub fn cases() -> Vec<Case> {
    [ends(), request_lines(), versions(), names(), values()].concat()
}

fn head(name: &'static str, head: impl AsRef<[u8]>, must: Must) -> Case {
    raw(name, [head.as_ref(), NEXT.as_bytes()].concat(), must)
}

fn ends() -> Vec<Case> {
    vec![
        head("bare LFs", "GET /@@@@@@ HTTP/1.1\nHost: shop.example\n\n", refused()),
        head("bare LF behind the request line", "GET /@@@@@@ HTTP/1.1\nHost: shop.example\r\n\r\n", refused()),
        head("bare LF behind a field", "GET /@@@@@@ HTTP/1.1\r\nHost: shop.example\n\r\n", refused()),
        head("bare LF at the end", "GET /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\n\n", refused()),
        head("bare LFs at the end", "GET /@@@@@@ HTTP/1.1\r\nHost: shop.example\n\n", refused()),
        head("bare CRs", "GET /@@@@@@ HTTP/1.1\rHost: shop.example\r\r", refused()),
        head("bare CR behind a field", "GET /@@@@@@ HTTP/1.1\r\nHost: shop.example\rX-A: b\r\n\r\n", refused()),
        head("bare CR at the end", "GET /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\n\rX: y\r\n\r\n", refused()),
        head("CR, CR, LF", "GET /@@@@@@ HTTP/1.1\r\r\nHost: shop.example\r\r\n\r\r\n", refused()),
        head("LF, CR", "GET /@@@@@@ HTTP/1.1\n\rHost: shop.example\n\r\n\r", refused()),
        // RFC 9112 §2.2: an empty line before a request is ignored.
        head("empty line before it", "\r\nGET /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\n\r\n", two(get())),
        head("bare LF before it", "\nGET /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\n\r\n", refused()),
        head("bare CR before it", "\rGET /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\n\r\n", refused()),
        raw(
            "empty line between requests",
            format!("GET /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\n\r\n\r\n{NEXT}"),
            two(get()),
        ),
        head("empty line before the fields", "GET /@@@@@@ HTTP/1.1\r\n\r\nHost: shop.example\r\n\r\n", refused()),
        head("NUL before it", "\0GET /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\n\r\n", refused()),
        head("byte order mark before it", "\u{feff}GET /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\n\r\n", refused()),
    ]
}

fn request_lines() -> Vec<Case> {
    let line = |name, line: &[u8], must| head(name, [line, b"\r\nHost: shop.example\r\n\r\n"].concat(), must);
    vec![
        line("space before the method", b" GET /@@@@@@ HTTP/1.1", refused()),
        line("tab before the method", b"\tGET /@@@@@@ HTTP/1.1", refused()),
        line("two spaces before the target", b"GET  /@@@@@@ HTTP/1.1", refused()),
        line("two spaces behind the target", b"GET /@@@@@@  HTTP/1.1", refused()),
        line("tab before the target", b"GET\t/@@@@@@ HTTP/1.1", refused()),
        line("tab behind the target", b"GET /@@@@@@\tHTTP/1.1", refused()),
        line("vertical tab behind the target", b"GET /@@@@@@\x0bHTTP/1.1", refused()),
        line("form feed behind the method", b"GET\x0c/@@@@@@ HTTP/1.1", refused()),
        line("space behind the version", b"GET /@@@@@@ HTTP/1.1 ", refused()),
        line("more behind the version", b"GET /@@@@@@ HTTP/1.1 HTTP/1.1", refused()),
        line("space in the target", b"GET /@@@@@@ /next HTTP/1.1", refused()),
        line("a version in the target", b"GET /@@@@@@ HTTP/1.1 /next HTTP/1.1", refused()),
        line("NUL in the target", b"GET /@@@@@@\0 HTTP/1.1", refused()),
        line("CR in the target", b"GET /@@@@@@\r/next HTTP/1.1", refused()),
        line("DEL in the target", b"GET /@@@@@@\x7f HTTP/1.1", refused()),
        line("bell in the target", b"GET /@@@@@@\x07 HTTP/1.1", refused()),
        line("fragment in the target", b"GET /@@@@@@#next HTTP/1.1", refused()),
        line("no method", b" /@@@@@@ HTTP/1.1", refused()),
        line("no target", b"GET  HTTP/1.1", refused()),
        line("method and version", b"GET HTTP/1.1", refused()),
        line("colon in the method", b"GET: /@@@@@@ HTTP/1.1", refused()),
        line("brackets in the method", b"(GET) /@@@@@@ HTTP/1.1", refused()),
        line("a byte of 0x80 in the method", b"GE\x80T /@@@@@@ HTTP/1.1", refused()),
        line("NUL in the method", b"GE\0T /@@@@@@ HTTP/1.1", refused()),
    ]
}

fn versions() -> Vec<Case> {
    let line = |name, version: &str| {
        head(name, format!("GET /@@@@@@ {version}\r\nHost: shop.example\r\n\r\n"), refused_with(VERSION))
    };
    vec![
        head("HTTP/0.9 without a version", "GET /@@@@@@\r\n", refused_with(VERSION)),
        head("HTTP/0.9 with fields", "GET /@@@@@@\r\nHost: shop.example\r\n\r\n", refused_with(VERSION)),
        line("HTTP/0.9", "HTTP/0.9"),
        line("HTTP/1.2", "HTTP/1.2"),
        line("HTTP/1.9", "HTTP/1.9"),
        line("HTTP/2.0", "HTTP/2.0"),
        line("HTTP/2", "HTTP/2"),
        line("HTTP/3.0", "HTTP/3.0"),
        line("HTTP/1.10", "HTTP/1.10"),
        line("HTTP/01.1", "HTTP/01.1"),
        line("HTTP/1.1 with a letter", "HTTP/1.1x"),
        line("HTTP/1", "HTTP/1"),
        line("HTTP/1.", "HTTP/1."),
        line("HTTP/.1", "HTTP/.1"),
        line("HTTP/1,1", "HTTP/1,1"),
        line("HTTP/+1.1", "HTTP/+1.1"),
        line("HTTP with a space", "HTTP/ 1.1"),
        line("http in small letters", "http/1.1"),
        line("HTTPS", "HTTPS/1.1"),
        line("ICE", "ICE/1.0"),
        // Spoken here, but only where all of its beginning came.
        raw("HTTP/2 by prior knowledge, nearly", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r.", refused_with(VERSION)),
        // Without keep-alive the connection ends behind the first.
        raw(
            "HTTP/1.0, kept alive",
            format!("GET /@@@@@@ HTTP/1.0\r\nHost: shop.example\r\nConnection: keep-alive\r\n\r\n{NEXT}"),
            two(get()),
        ),
    ]
}

fn names() -> Vec<Case> {
    let field = |name, line: &[u8]| got(name, [line, b"\r\n"].concat(), "", refused());
    vec![
        got("a name of all that may be in one", "X!#$%&'*+-.^_`|~9: b\r\n", "", two(get())),
        got("a name with an underscore", "X_A: b\r\n", "", two(get())),
        field("name with a space before the colon", b"X-A : b"),
        field("name with a tab before the colon", b"X-A\t: b"),
        field("name with a space in it", b"X A: b"),
        field("name behind a space", b" X-A: b"),
        field("name behind a tab", b"\tX-A: b"),
        field("no name", b": b"),
        field("name of a space", b" : b"),
        field("no colon", b"X-A"),
        field("name with a bracket", b"X(A): b"),
        field("name with an at", b"X@A: b"),
        field("name with a slash", b"X/A: b"),
        field("name with a comma", b"X,A: b"),
        field("name with a semicolon", b"X;A: b"),
        field("name with an equals sign", b"X=A: b"),
        field("name with a backslash", b"X\\A: b"),
        field("name in quotes", b"\"X-A\": b"),
        field("name with a brace", b"{X-A}: b"),
        field("name with a NUL", b"X-\0A: b"),
        field("name with DEL", b"X-A\x7f: b"),
        field("name with a byte of 0x80", b"X-A\x80: b"),
        field("name with a bare CR", b"X-A\r: b"),
        field("name with a bare LF", b"X-A\n: b"),
        field("name with an umlaut", "X-\u{e4}: b".as_bytes()),
    ]
}

fn values() -> Vec<Case> {
    let field = |name, line: &[u8]| got(name, [line, b"\r\n"].concat(), "", refused());
    vec![
        got("an empty value", "X-A:\r\n", "", two(get())),
        got("a value of 8-bit bytes", b"X-A: \x80\xff\xe4\r\n", "", two(get())),
        got("a value with tabs", "X-A: \tb\tc\t\r\n", "", two(get())),
        got("a value that is a request", "X-A: GET /@@@@@@/next HTTP/1.1\r\n", "", two(get())),
        field("value with a NUL", b"X-A: b\0c"),
        field("value with a bare CR", b"X-A: b\rc"),
        field("value that ends in a bare CR", b"X-A: b\r"),
        field("value with DEL", b"X-A: b\x7fc"),
        field("value with a vertical tab", b"X-A: b\x0bc"),
        field("value with an escape", b"X-A: b\x1bc"),
        field("value with 0x01", b"X-A: \x01"),
        // RFC 9112 §5.2
        field("value that is folded", b"X-A: b\r\n c"),
        field("value that is folded with a tab", b"X-A: b\r\n\tc"),
        field("value that is folded to nothing", b"X-A: b\r\n "),
        field("value that begins folded", b"X-A:\r\n b"),
        field("value that is folded to a request", b"X-A: b\r\n GET /@@@@@@/next HTTP/1.1\r\n Host: shop.example"),
        raw(
            "fold behind the request line",
            format!("GET /@@@@@@ HTTP/1.1\r\n X-A: b\r\nHost: shop.example\r\n\r\n{NEXT}"),
            refused(),
        ),
        raw("nothing more", "GET /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\n\r\n", one(get())),
    ]
}
