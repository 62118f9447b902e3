//! Methods, targets and Host (RFC 9112 §3.2, RFC 9110 §7.2, §9).

use crate::case::{Case, Must, NEXT, Wanted, get, one, post, raw, refused, refused_with, two};

/// What the proxy does not do (RFC 9110 §15.5.6, §15.6.2).
const NOT_DONE: &[u16] = &[400, 405, 501];

pub fn cases() -> Vec<Case> {
    [hosts(), forms(), paths(), methods()].concat()
}

fn hosts() -> Vec<Case> {
    let hosts = |name, lines: &[u8]| {
        raw(name, [b"GET /@@@@@@ HTTP/1.1\r\n", lines, b"\r\n\r\n", NEXT.as_bytes()].concat(), refused())
    };
    vec![
        hosts("no Host", b"X-A: b"),
        hosts("empty Host", b"Host:"),
        hosts("two Hosts that are equal", b"Host: shop.example\r\nHost: shop.example"),
        hosts("two Hosts that differ", b"Host: shop.example\r\nHost: evil.example"),
        hosts("two Hosts, the other first", b"Host: evil.example\r\nHost: shop.example"),
        hosts("two Hosts, one of them empty", b"Host: shop.example\r\nHost:"),
        hosts("two Hosts in different cases", b"Host: shop.example\r\nhOST: shop.example"),
        hosts("Host and one with a space", b"Host: shop.example\r\nHost : evil.example"),
        hosts("Host and one that is folded", b"Host: shop.example\r\n Host: evil.example"),
        hosts("Host that goes on", b"Host: shop.example\r\n .evil.example"),
        hosts("a list of Hosts", b"Host: shop.example, evil.example"),
        hosts("Host with a user", b"Host: user@shop.example"),
        hosts("Host with a user and a password", b"Host: user:secret@shop.example"),
        hosts("Host with a path", b"Host: shop.example/evil"),
        hosts("Host with a query", b"Host: shop.example?evil"),
        hosts("Host with a fragment", b"Host: shop.example#evil"),
        hosts("Host with a backslash", b"Host: shop.example\\evil"),
        hosts("Host with a space", b"Host: shop.example evil"),
        hosts("Host with a scheme", b"Host: http://shop.example"),
        hosts("Host with two ports", b"Host: shop.example:80:80"),
        hosts("Host with a word for a port", b"Host: shop.example:evil"),
        hosts("Host with a large port", b"Host: shop.example:65536"),
        hosts("Host with a negative port", b"Host: shop.example:-1"),
        hosts("Host with a NUL", b"Host: shop.example\0"),
        hosts("Host with a byte of 0x80", b"Host: shop\x80.example"),
        hosts("Host with a tab", b"Host: shop.example\tevil"),
        hosts("Host with percent and CRLF", b"Host: shop.example%0d%0aX-A:%20b"),
        hosts("Host in Connection", b"Host: shop.example\r\nConnection: host"),
        raw("Host of no colon", format!("GET /@@@@@@ HTTP/1.1\r\nHost shop.example\r\n\r\n{NEXT}"), refused()),
        raw("no Host under HTTP/1.0", format!("GET /@@@@@@ HTTP/1.0\r\n\r\n{NEXT}"), refused()),
    ]
}

fn forms() -> Vec<Case> {
    let target = |name, target: &str, must| {
        raw(name, format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\n\r\n{NEXT}"), must)
    };
    vec![
        target("absolute form", "http://shop.example/@@@@@@", two(get())),
        target("absolute form of another host", "http://evil.example/@@@@@@", refused()),
        target("absolute form with a user", "http://user@shop.example/@@@@@@", refused()),
        target("absolute form with another host as the user", "http://shop.example@evil.example/@@@@@@", refused()),
        target("absolute form with another port", "http://shop.example:8080/@@@@@@", refused()),
        target("absolute form without a host", "http:///@@@@@@", refused()),
        target("absolute form with a backslash", "http:\\\\shop.example/@@@@@@", refused()),
        target("absolute form with one slash", "http:/shop.example/@@@@@@", refused()),
        target("absolute form of a file", "file:///@@@@@@", refused()),
        target("absolute form of another scheme", "ftp://shop.example/@@@@@@", refused()),
        raw(
            "absolute form with two Hosts",
            format!(
                "GET http://shop.example/@@@@@@ HTTP/1.1\r\nHost: shop.example\r\nHost: shop.example\r\n\r\n{NEXT}"
            ),
            refused(),
        ),
        raw("absolute form without Host", format!("GET http://shop.example/@@@@@@ HTTP/1.1\r\n\r\n{NEXT}"), refused()),
        target("a relative path", "@@@@@@", refused()),
        target("an authority", "shop.example:80", refused()),
        target("asterisk", "*", refused()),
        target("a query alone", "?@@@@@@", refused()),
        target("a path behind a backslash", "\\@@@@@@", refused()),
    ]
}

fn paths() -> Vec<Case> {
    let kept = |name, target: &'static str| {
        let line = format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\n\r\n{NEXT}");
        raw(name, line, two(Wanted { method: "GET", target, body: "" }))
    };
    vec![
        // What is encoded stays so: decoded it would end the line.
        kept("CRLF, encoded", "/@@@@@@/a%0D%0AX-A:%20b%0D%0A"),
        kept("CRLF and a request, encoded", "/@@@@@@/a%20HTTP/1.1%0D%0A%0D%0AGET%20/next"),
        kept("CRLF in the query, encoded", "/@@@@@@?a=%0D%0AX-A:%20b"),
        kept("space, encoded", "/@@@@@@/a%20HTTP/1.1"),
        raw(
            "a target of 100 KiB",
            format!("GET /@@@@@@/{} HTTP/1.1\r\nHost: shop.example\r\n\r\n{NEXT}", "a".repeat(100 << 10)),
            refused_with(&[400, 414, 431]),
        ),
    ]
}

fn methods() -> Vec<Case> {
    let request = |name, line: &str, more: &str, must| {
        raw(name, format!("{line} HTTP/1.1\r\nHost: shop.example\r\n{more}\r\n{NEXT}"), must)
    };
    let of = |method| Wanted { method, target: "/@@@@@@", body: "" };
    vec![
        request("CONNECT", "CONNECT shop.example:80", "", refused_with(NOT_DONE)),
        request("CONNECT to a path", "CONNECT /@@@@@@", "", refused_with(NOT_DONE)),
        request("CONNECT with a length", "CONNECT shop.example:80", "Content-Length: 49\r\n", refused_with(NOT_DONE)),
        request("TRACE", "TRACE /@@@@@@", "", refused_with(NOT_DONE)),
        request("TRACE with a length", "TRACE /@@@@@@", "Content-Length: 49\r\n", refused_with(NOT_DONE)),
        request("OPTIONS", "OPTIONS /@@@@@@", "", two(of("OPTIONS"))),
        request("DELETE", "DELETE /@@@@@@", "", two(of("DELETE"))),
        request("PUT of nothing", "PUT /@@@@@@", "Content-Length: 0\r\n", two(of("PUT"))),
        request(
            "DELETE with a request",
            "DELETE /@@@@@@",
            "Content-Length: 49\r\n",
            one(Wanted { body: NEXT, ..of("DELETE") }),
        ),
        raw(
            "POST under HTTP/1.0",
            format!("POST /@@@@@@ HTTP/1.0\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\nabc{NEXT}"),
            Must::Last(vec![post("abc")]),
        ),
    ]
}
