//! Fields for the next hop alone (RFC 9110 §7.6, §7.8, §10.1.1): Connection, Upgrade, Expect, and their like.

use crate::case::{Case, Must, NEXT, Wanted, get, got, one, post, posted, raw, refused, refused_with, two};

pub fn cases() -> Vec<Case> {
    [connection(), upgrades(), expectations()].concat()
}

fn connection() -> Vec<Case> {
    vec![
        got("Connection: close", "Connection: close\r\n", "", Must::Last(vec![get()])),
        posted(
            "Connection: close with content",
            "Connection: close\r\nContent-Length: 3\r\n",
            "abc",
            Must::Last(vec![post("abc")]),
        ),
        got("Connection: close in a list", "Connection: x-a,\tClOsE ,x-b\r\n", "", Must::Last(vec![get()])),
        got("Connection: close and keep-alive", "Connection: keep-alive, close\r\n", "", Must::Last(vec![get()])),
        got("Connection names a field that is absent", "Connection: x-a\r\n", "", two(get())),
        got("Connection names a field", "Connection: x-a\r\nX-A: b\r\n", "", two(get())),
        got("Keep-Alive", "Connection: keep-alive\r\nKeep-Alive: timeout=5, max=1\r\n", "", two(get())),
        got("Proxy-Connection", "Proxy-Connection: close\r\n", "", two(get())),
        got("TE: trailers", "Connection: te\r\nTE: trailers\r\n", "", two(get())),
    ]
}

/// The origins switch to nothing, so that what follows is requests still.
fn upgrades() -> Vec<Case> {
    const WEBSOCKET: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const H2C: &str = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    let and = |fields: &str, more: &str| format!("{fields}{more}");
    vec![
        got("websocket", WEBSOCKET, "", two(get())),
        got("websocket of another version", WEBSOCKET.replace("13", "777"), "", two(get())),
        posted("websocket with content", and(WEBSOCKET, "Content-Length: 3\r\n"), "abc", two(post("abc"))),
        posted("websocket with a request", and(WEBSOCKET, "Content-Length: 49\r\n"), "", one(post(NEXT))),
        posted(
            "websocket with chunks",
            and(WEBSOCKET, "Transfer-Encoding: chunked\r\n"),
            "3\r\nabc\r\n0\r\n\r\n",
            two(post("abc")),
        ),
        got("websocket without Connection", "Upgrade: websocket\r\n", "", two(get())),
        got("upgrade to nothing", "Connection: Upgrade\r\nUpgrade:\r\n", "", two(get())),
        got("Connection: Upgrade alone", "Connection: Upgrade\r\n", "", two(get())),
        got("upgrade to HTTP/2", H2C, "", two(get())),
        got("upgrade to HTTP/2 or else", H2C.replace("Upgrade: h2c", "Upgrade: h2c, websocket"), "", two(get())),
        got("upgrade to HTTP/2, in capitals", H2C.replace("Upgrade: h2c", "Upgrade: H2C"), "", two(get())),
        got(
            "upgrade to HTTP/2 that Connection does not name",
            "Upgrade: h2c\r\nHTTP2-Settings: AAMA\r\n",
            "",
            two(get()),
        ),
        got("settings without an upgrade", "Connection: HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\n", "", two(get())),
        posted("upgrade to HTTP/2 with content", and(H2C, "Content-Length: 3\r\n"), "abc", two(post("abc"))),
        got("upgrade to TLS", "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n", "", two(get())),
        raw(
            "websocket under HTTP/1.0",
            format!("GET /@@@@@@ HTTP/1.0\r\nHost: shop.example\r\n{WEBSOCKET}\r\n{NEXT}"),
            Must::Last(vec![get()]),
        ),
    ]
}

fn expectations() -> Vec<Case> {
    let of = |name, value: &str, must| posted(name, format!("Expect: {value}\r\nContent-Length: 3\r\n"), "abc", must);
    let abc = || two(post("abc"));
    let failed = || refused_with(&[400, 417]);
    vec![
        of("Expect", "100-continue", abc()),
        of("Expect in capitals", "100-CONTINUE", abc()),
        posted("Expect and a request", "Expect: 100-continue\r\nContent-Length: 49\r\n", "", one(post(NEXT))),
        posted(
            "Expect and chunks",
            "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            abc(),
        ),
        posted("Expect without content", "Expect: 100-continue\r\nContent-Length: 0\r\n", "", two(post(""))),
        got("Expect of a GET", "Expect: 100-continue\r\n", "", two(get())),
        got(
            "Expect of a GET with content",
            "Expect: 100-continue\r\nContent-Length: 3\r\n",
            "abc",
            two(Wanted { body: "abc", ..get() }),
        ),
        of("Expect of something else", "x", failed()),
        of("Expect of something else before it", "x 100-continue", failed()),
        of("Expect of something else in a list", "x, 100-continue", failed()),
        of("Expect that is nothing", "", failed()),
        of("Expect of another number", "100-continu", failed()),
        of("Expect with a parameter", "100-continue;a=b", failed()),
        of("Expect that is folded", "\r\n 100-continue", refused()),
        posted("two Expects", "Expect: 100-continue\r\nExpect: x\r\nContent-Length: 3\r\n", "abc", failed()),
        raw(
            "Expect under HTTP/1.0",
            "POST /@@@@@@ HTTP/1.0\r\nHost: shop.example\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
            Must::Last(vec![post("abc")]),
        ),
    ]
}
