//! What is sent over HTTP/2 and would be something else over HTTP/1.1 (RFC 9113 §8.1, §8.2, §8.3, §10.3).

use super::frames::{CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, HEADERS, PADDED, block};
use crate::case::{NEXT, Wanted, get, post};

pub struct Case {
    pub name: &'static str,
    /// On stream 1.
    pub frames: Vec<Frame>,
    /// The request that the origin must see; `None` where it must see none.
    pub wanted: Option<Wanted>,
}

type Field = (Vec<u8>, Vec<u8>);

const CRLF: &[u8] = b"\r\nX-A: b";

pub fn cases() -> Vec<Case> {
    [plain(), pseudo(), values(), names(), hops(), lengths(), trailers()].concat()
}

impl Clone for Case {
    fn clone(&self) -> Self {
        Self { name: self.name, frames: self.frames.clone(), wanted: self.wanted.clone() }
    }
}

fn field(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Field {
    (name.as_ref().to_vec(), value.as_ref().to_vec())
}

/// The four of a request, of which `changed` replaces one.
fn request(method: &str, changed: Option<(&str, &[u8])>) -> Vec<Field> {
    let own = [(":method", method), (":scheme", "http"), (":path", "/@@@@@@"), (":authority", "shop.example")];
    let value = |name: &str, own: &str| match changed {
        Some((other, value)) if other == name => value.to_vec(),
        _ => own.as_bytes().to_vec(),
    };
    own.iter().map(|(name, own)| field(name, value(name, own))).collect()
}

/// Head and content, each in one frame.
fn frames(fields: &[Field], content: Option<&str>) -> Vec<Frame> {
    let end = if content.is_none() { END_STREAM } else { 0 };
    let mut frames = vec![Frame::new(HEADERS, END_HEADERS | end, 1, block(fields))];
    frames.extend(content.map(|content| Frame::new(DATA, END_STREAM, 1, content)));
    frames
}

/// A GET with these fields.
fn got(name: &'static str, fields: &[Field], wanted: Option<Wanted>) -> Case {
    Case { name, frames: frames(&[request("GET", None), fields.to_vec()].concat(), None), wanted }
}

/// A POST with these fields and a content.
fn posted(name: &'static str, fields: &[Field], content: &'static str, wanted: Option<Wanted>) -> Case {
    Case { name, frames: frames(&[request("POST", None), fields.to_vec()].concat(), Some(content)), wanted }
}

fn plain() -> Vec<Case> {
    let fields = block(&request("GET", None));
    let (first, rest) = fields.split_at(20);
    let padded = [&[3][..], &fields, &[0; 3]].concat();
    vec![
        got("a GET", &[], Some(get())),
        posted("a content without a length", &[], "abc", Some(post("abc"))),
        posted("a content with its length", &[field("content-length", "3")], "abc", Some(post("abc"))),
        posted("a content that is a request", &[], NEXT, Some(post(NEXT))),
        posted("a content that is chunks", &[], "3\r\nabc\r\n0\r\n\r\n", Some(post("3\r\nabc\r\n0\r\n\r\n"))),
        posted("a content that ends chunks", &[], "0\r\n\r\n", Some(post("0\r\n\r\n"))),
        got("a cookie in crumbs", &[field("cookie", "a=b"), field("cookie", "c=d")], Some(get())),
        Case {
            name: "fields in two frames",
            frames: vec![Frame::new(HEADERS, END_STREAM, 1, first), Frame::new(CONTINUATION, END_HEADERS, 1, rest)],
            wanted: Some(get()),
        },
        Case {
            name: "padding",
            frames: vec![Frame::new(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, padded)],
            wanted: Some(get()),
        },
    ]
}

fn pseudo() -> Vec<Case> {
    let with = |name, field: &str, value: &[u8]| Case {
        name,
        frames: frames(&request("GET", Some((field, value))), None),
        wanted: None,
    };
    let after = |name, fields: &[Field]| got(name, fields, None);
    let without = |name, field: &str| {
        let mut fields = request("GET", None);
        fields.retain(|(name, _)| name != field.as_bytes());
        Case { name, frames: frames(&fields, None), wanted: None }
    };
    let smuggled = [b"/@@@@@@ HTTP/1.1\r\nHost: shop.example\r\n\r\n", NEXT.as_bytes()].concat();
    vec![
        with("path with CRLF", ":path", b"/@@@@@@\r\nX-A: b"),
        with("path with a request", ":path", &smuggled),
        with("path with LF", ":path", b"/@@@@@@\nX-A: b"),
        with("path with CR", ":path", b"/@@@@@@\rX-A: b"),
        with("path with a space", ":path", b"/@@@@@@ HTTP/1.1"),
        with("path with a tab", ":path", b"/@@@@@@\tHTTP/1.1"),
        with("path with NUL", ":path", b"/@@@@@@\0"),
        with("path with a fragment", ":path", b"/@@@@@@#next"),
        with("empty path", ":path", b""),
        with("path that is relative", ":path", b"@@@@@@"),
        with("path that is absolute", ":path", b"http://shop.example/@@@@@@"),
        with("path that is an asterisk", ":path", b"*"),
        with("authority with CRLF", ":authority", b"shop.example\r\nX-A: b"),
        with("authority with LF", ":authority", b"shop.example\nX-A: b"),
        with("authority with a space", ":authority", b"shop.example evil"),
        with("authority with a user", ":authority", b"user@shop.example"),
        with("authority with a path", ":authority", b"shop.example/evil"),
        with("authority with a query", ":authority", b"shop.example?evil"),
        with("authority with two ports", ":authority", b"shop.example:80:80"),
        with("authority that is a list", ":authority", b"shop.example, evil.example"),
        with("empty authority", ":authority", b""),
        with("method with CRLF", ":method", b"GET / HTTP/1.1\r\nX-A: b\r\n\r\nGET"),
        with("method with a space", ":method", b"GET /"),
        with("method with NUL", ":method", b"GE\0T"),
        with("method with brackets", ":method", b"(GET)"),
        with("empty method", ":method", b""),
        with("CONNECT with a path", ":method", b"CONNECT"),
        with("TRACE over HTTP/2", ":method", b"TRACE"),
        with("scheme with CRLF", ":scheme", b"http\r\nX-A: b"),
        with("scheme with an authority", ":scheme", b"http://evil.example/?"),
        with("scheme with a space", ":scheme", b"http "),
        with("empty scheme", ":scheme", b""),
        without("no method over HTTP/2", ":method"),
        without("no path", ":path"),
        without("no scheme", ":scheme"),
        without("no authority and no Host", ":authority"),
        after("two methods", &[field(":method", "POST")]),
        after("two paths", &[field(":path", "/@@@@@@/next")]),
        after("two paths that are equal", &[field(":path", "/@@@@@@")]),
        after("two schemes", &[field(":scheme", "https")]),
        after("two authorities", &[field(":authority", "evil.example")]),
        after("a status", &[field(":status", "200")]),
        after("an unknown pseudo-header", &[field(":evil", "b")]),
        after("a protocol without CONNECT", &[field(":protocol", "websocket")]),
        after("a pseudo-header behind a field", &[field("x-a", "b"), field(":path", "/@@@@@@/next")]),
        after("another Host", &[field("host", "evil.example")]),
        after("two Hosts over HTTP/2", &[field("host", "shop.example"), field("host", "evil.example")]),
        after("Host with CRLF", &[field("host", "shop.example\r\nX-A: b")]),
    ]
}

fn values() -> Vec<Case> {
    let value = |name, value: &[u8]| got(name, &[field("x-a", value)], None);
    vec![
        got("a value of 8-bit bytes over HTTP/2", &[field("x-a", b"\x80\xff")], Some(get())),
        value("value with CRLF over HTTP/2", &[b"b", CRLF].concat()),
        value("value with a request", &[b"b\r\n\r\n", NEXT.as_bytes()].concat()),
        value("value with LF", b"b\nX-C: d"),
        value("value with CR", b"b\rX-C: d"),
        value("value with NUL over HTTP/2", b"b\0c"),
        value("value that begins with LF", b"\nb"),
        value("value that ends in CR", b"b\r"),
        value("value with LF and Transfer-Encoding", b"b\nTransfer-Encoding: chunked"),
    ]
}

fn names() -> Vec<Case> {
    let named = |name, field_name: &[u8]| got(name, &[field(field_name, "b")], None);
    vec![
        named("name in capitals", b"X-A"),
        named("name with one capital", b"x-A"),
        named("name with CRLF", b"x-a: b\r\nx-c"),
        named("name with LF", b"x-a\nx-c"),
        named("name with a colon", b"x-a: b"),
        named("name that ends in a colon", b"x-a:"),
        named("name with a space over HTTP/2", b"x a"),
        named("name that ends in a space", b"transfer-encoding "),
        named("name with a tab", b"x\ta"),
        named("name with NUL over HTTP/2", b"x\0a"),
        named("name with 0x80 over HTTP/2", b"x\x80a"),
        named("empty name", b""),
        named("name that is a request line", b"get /next http/1.1"),
    ]
}

/// RFC 9113 §8.2.2: a request with fields of a connection is malformed.
fn hops() -> Vec<Case> {
    let with = |name, field_name: &str, value: &str| posted(name, &[field(field_name, value)], "0\r\n\r\n", None);
    vec![
        with("chunked over HTTP/2", "transfer-encoding", "chunked"),
        with("chunked over HTTP/2, in capitals", "transfer-encoding", "CHUNKED"),
        with("identity over HTTP/2", "transfer-encoding", "identity"),
        with("an empty coding over HTTP/2", "transfer-encoding", ""),
        posted(
            "chunked over HTTP/2, with a length",
            &[field("transfer-encoding", "chunked"), field("content-length", "5")],
            "0\r\n\r\n",
            None,
        ),
        with("Connection over HTTP/2", "connection", "close"),
        with("Connection over HTTP/2 that names a length", "connection", "content-length"),
        with("Keep-Alive over HTTP/2", "keep-alive", "timeout=5"),
        with("Proxy-Connection over HTTP/2", "proxy-connection", "keep-alive"),
        with("Upgrade over HTTP/2", "upgrade", "h2c"),
        with("websocket over HTTP/2", "upgrade", "websocket"),
        with("TE over HTTP/2", "te", "chunked"),
        with("TE over HTTP/2 of two", "te", "trailers, chunked"),
        posted("TE over HTTP/2 of trailers", &[field("te", "trailers")], "abc", Some(post("abc"))),
    ]
}

/// RFC 9113 §8.1.1: a length that is not that of the DATA frames makes a request malformed.
fn lengths() -> Vec<Case> {
    let with = |name, length: &str| posted(name, &[field("content-length", length)], "abc", None);
    vec![
        with("a length that is too small", "2"),
        with("a length of nothing", "0"),
        with("a length that is too large", "4"),
        with("a length that is much too large", "9999"),
        with("a length of 2^64 over HTTP/2", "18446744073709551619"),
        with("a length with a plus", "+3"),
        with("a length with a minus", "-3"),
        with("a length in hexadecimal", "0x3"),
        with("a length with CRLF", "3\r\nX-A: b"),
        with("a length and a list", "3, 3"),
        with("a length and another in a list", "3, 4"),
        with("a length that is empty", ""),
        with("a length that is a word", "three"),
        posted("two lengths over HTTP/2", &[field("content-length", "3"), field("content-length", "4")], "abc", None),
        posted(
            "two lengths over HTTP/2, the first too small",
            &[field("content-length", "0"), field("content-length", "3")],
            "abc",
            None,
        ),
        got("a length without a content", &[field("content-length", "49")], None),
        got("no content and its length", &[field("content-length", "0")], Some(get())),
    ]
}

fn trailers() -> Vec<Case> {
    let with = |name, fields: &[Field], wanted| {
        let mut frames =
            vec![Frame::new(HEADERS, END_HEADERS, 1, block(&request("POST", None))), Frame::new(DATA, 0, 1, "abc")];
        frames.push(Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, block(fields)));
        Case { name, frames, wanted }
    };
    vec![
        with("trailers over HTTP/2", &[field("x-a", "b")], Some(post("abc"))),
        with("trailers with CRLF", &[field("x-a", "b\r\n\r\nGET / HTTP/1.1")], None),
        with("trailers with a pseudo-header", &[field(":path", "/next")], None),
        with("trailers in capitals", &[field("X-A", "b")], None),
    ]
}
