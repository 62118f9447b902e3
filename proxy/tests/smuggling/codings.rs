//! Transfer-Encoding (RFC 9112 §6.1, §6.3), alone and with Content-Length.

use crate::case::{Case, Must, NEXT, Wanted, get, got, one, post, posted, raw, refused, refused_with, two};

/// One chunk, and the end.
const ABC: &str = "3\r\nabc\r\n0\r\n\r\n";
/// Nothing in chunks; 5 bytes.
const NOTHING: &str = "0\r\n\r\n";

pub fn cases() -> Vec<Case> {
    [plain(), with_length(), values(), several(), fields(), other_fields()].concat()
}

fn plain() -> Vec<Case> {
    vec![
        posted("chunked", "Transfer-Encoding: chunked\r\n", ABC, two(post("abc"))),
        posted("chunked, in capitals", "Transfer-Encoding: CHUNKED\r\n", ABC, two(post("abc"))),
        posted("chunked, some in capitals", "tRANSFER-eNCODING: cHuNKeD\r\n", ABC, two(post("abc"))),
        posted("chunked without space", "Transfer-Encoding:chunked\r\n", ABC, two(post("abc"))),
        posted("chunked between tabs", "Transfer-Encoding:\t chunked \t\r\n", ABC, two(post("abc"))),
        posted("chunked nothing", "Transfer-Encoding: chunked\r\n", NOTHING, two(post(""))),
        got("chunked content of a GET", "Transfer-Encoding: chunked\r\n", ABC, two(Wanted { body: "abc", ..get() })),
        got("chunked nothing of a GET", "Transfer-Encoding: chunked\r\n", NOTHING, two(get())),
    ]
}

/// CL.TE and TE.CL. RFC 9112 §6.3 lets a server take Transfer-Encoding and close; what sends both means no good.
fn with_length() -> Vec<Case> {
    vec![
        posted("length, then chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", NOTHING, refused()),
        posted("chunked, then length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", NOTHING, refused()),
        posted("length beyond the chunks", "Content-Length: 54\r\nTransfer-Encoding: chunked\r\n", NOTHING, refused()),
        posted("length within the chunks", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "31\r\n", refused()),
        posted("no length, and chunked", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", ABC, refused()),
        posted("empty length, and chunked", "Content-Length:\r\nTransfer-Encoding: chunked\r\n", ABC, refused()),
        posted(
            "chunked on a GET with a length",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            NOTHING,
            refused(),
        ),
        posted(
            "two lengths, and chunked",
            "Content-Length: 5\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n",
            NOTHING,
            refused(),
        ),
        posted("length, and a coding that is none", "Content-Length: 3\r\nTransfer-Encoding: x\r\n", "abc", refused()),
        posted("length, and an empty coding", "Content-Length: 3\r\nTransfer-Encoding:\r\n", "abc", refused()),
        posted("length, and identity", "Content-Length: 3\r\nTransfer-Encoding: identity\r\n", "abc", refused()),
    ]
}

fn values() -> Vec<Case> {
    let coding = |name, value: &[u8]| posted(name, [b"Transfer-Encoding:", value, b"\r\n"].concat(), ABC, unknown());
    vec![
        coding("xchunked", b" xchunked"),
        coding("chunkedx", b" chunkedx"),
        coding("x chunked", b" x chunked"),
        coding("chunked x", b" chunked x"),
        coding("chunked, identity", b" chunked, identity"),
        coding("identity, chunked", b" identity, chunked"),
        coding("identity", b" identity"),
        coding("gzip", b" gzip"),
        coding("gzip, chunked", b" gzip, chunked"),
        coding("chunked, gzip", b" chunked, gzip"),
        coding("chunked, chunked", b" chunked, chunked"),
        coding("chunked,chunked", b" chunked,chunked"),
        coding("chunked with a comma", b" chunked,"),
        coding("chunked behind a comma", b" ,chunked"),
        coding("chunked in double quotes", b" \"chunked\""),
        coding("chunked in single quotes", b" 'chunked'"),
        coding("chunked with a parameter", b" chunked;a=b"),
        coding("chunked with a semicolon", b" chunked;"),
        coding("chunked behind a vertical tab", b" \x0bchunked"),
        coding("chunked before a vertical tab", b" chunked\x0b"),
        coding("chunked before a form feed", b" chunked\x0c"),
        coding("chunked before a NUL", b" chunked\0"),
        coding("chunked behind a NUL", b" \0chunked"),
        coding("chunked before a NUL and more", b" chunked\0, identity"),
        coding("chunked behind 0xff", b" \xffchunked"),
        coding("chunked before 0x85", b" chunked\x85"),
        coding("chunked before 0xa0", b" chunked\xa0"),
        coding("chunked behind a no-break space", b"\xc2\xa0chunked"),
        coding("chunked with a tab in it", b" chun\tked"),
        coding("chunked with a long s", "\u{17f}chunked".as_bytes()),
        coding("chunked with a Kelvin sign", "chun\u{212a}ed".as_bytes()),
        coding("chunked before a bare CR", b" chunked\r X-A: b"),
        coding("chunked before a bare CR and a field", b" chunked\rX-A: b"),
        coding("chunked with q", b" chunked;q=0"),
        coding("chunk", b" chunk"),
        coding("empty coding", b""),
        coding("coding of a space", b" "),
        coding("chunked that is folded", b"\r\n chunked"),
        coding("chunked that is folded with a tab", b"\r\n\tchunked"),
        coding("chunked that goes on", b" chun\r\n ked"),
        coding("chunked, folded identity", b" chunked\r\n , identity"),
        coding("chunked, folded space", b" chunked\r\n "),
    ]
}

/// RFC 9112 §6.1: 501 for codings that a server does not understand.
fn unknown() -> Must {
    refused_with(&[400, 501])
}

fn several() -> Vec<Case> {
    let lines = |name, first: &str, second: &str| {
        let lines = format!("Transfer-Encoding: {first}\r\nTransfer-Encoding: {second}\r\n");
        posted(name, lines, ABC, unknown())
    };
    vec![
        lines("two lines, chunked and chunked", "chunked", "chunked"),
        lines("two lines, chunked and identity", "chunked", "identity"),
        lines("two lines, identity and chunked", "identity", "chunked"),
        lines("two lines, chunked and x", "chunked", "x"),
        lines("two lines, x and chunked", "x", "chunked"),
        lines("two lines, chunked and nothing", "chunked", ""),
        lines("two lines, nothing and chunked", "", "chunked"),
        lines("two lines, gzip and chunked", "gzip", "chunked"),
        posted(
            "two lines, one of them in capitals",
            "Transfer-Encoding: chunked\r\nTRANSFER-ENCODING: identity\r\n",
            ABC,
            unknown(),
        ),
    ]
}

fn fields() -> Vec<Case> {
    let with_length = |name, lines: &str| posted(name, format!("Content-Length: 13\r\n{lines}"), ABC, refused());
    vec![
        with_length("coding, space before the colon", "Transfer-Encoding : chunked\r\n"),
        with_length("coding, tab before the colon", "Transfer-Encoding\t: chunked\r\n"),
        with_length("coding, vertical tab before the colon", "Transfer-Encoding\x0b: chunked\r\n"),
        with_length("coding, NUL before the colon", "Transfer-Encoding\0: chunked\r\n"),
        with_length("coding, NUL in its name", "Transfer\0-Encoding: chunked\r\n"),
        with_length("coding, CR before the colon", "Transfer-Encoding\r: chunked\r\n"),
        with_length("coding, LF before the colon", "Transfer-Encoding\n: chunked\r\n"),
        with_length("coding, fold before the colon", "Transfer-Encoding\r\n : chunked\r\n"),
        with_length("coding behind a colon", ":Transfer-Encoding: chunked\r\n"),
        with_length("coding in brackets", "[Transfer-Encoding]: chunked\r\n"),
        with_length("coding behind a space", "X-A: b\r\n Transfer-Encoding: chunked\r\n"),
        with_length("coding behind a tab", "X-A: b\r\n\tTransfer-Encoding: chunked\r\n"),
        with_length("coding behind a bare LF", "X-A: b\nTransfer-Encoding: chunked\r\n"),
        with_length("coding behind LF and CR", "X-A: b\n\rTransfer-Encoding: chunked\r\n"),
        with_length("coding behind a bare CR", "X-A: b\rTransfer-Encoding: chunked\r\n"),
        with_length("coding behind two CRs", "X-A: b\r\rTransfer-Encoding: chunked\r\n"),
        with_length("coding behind CR, CR, LF", "X-A: b\r\r\nTransfer-Encoding: chunked\r\n"),
        with_length("coding with a byte of 0xff", "Transfer-Encoding\u{ff}: chunked\r\n"),
        with_length("coding with two colons", "Transfer-Encoding:: chunked\r\n"),
        with_length("coding without a colon", "Transfer-Encoding chunked\r\n"),
        with_length("coding with an equals sign", "Transfer-Encoding=chunked\r\n"),
        raw(
            "coding, first of all lines, behind a space",
            format!(
                "POST /@@@@@@ HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: shop.example\r\nContent-Length: 13\r\n\r\n{ABC}"
            ),
            refused(),
        ),
    ]
}

/// They frame nothing, and the length counts; and what no field may do.
fn other_fields() -> Vec<Case> {
    vec![
        posted(
            "coding that is not this",
            "X-Transfer-Encoding: chunked\r\nContent-Length: 13\r\n",
            ABC,
            two(post(ABC)),
        ),
        posted("coding of the content", "Content-Encoding: chunked\r\nContent-Length: 13\r\n", ABC, two(post(ABC))),
        posted("TE", "TE: chunked\r\nContent-Length: 13\r\n", ABC, two(post(ABC))),
        posted(
            "coding in Connection",
            "Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n",
            ABC,
            refused(),
        ),
        posted(
            "coding and length in Connection",
            "Connection: transfer-encoding, content-length\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            NOTHING,
            refused(),
        ),
        // RFC 9112 §6.1: a coding under HTTP/1.0 is faulty framing.
        raw(
            "chunked under HTTP/1.0",
            format!("POST /@@@@@@ HTTP/1.0\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n{ABC}"),
            refused(),
        ),
        raw(
            "chunked under HTTP/1.0, kept alive",
            format!(
                "POST /@@@@@@ HTTP/1.0\r\nHost: shop.example\r\nConnection: keep-alive\r\nContent-Length: 13\r\n\
                 Transfer-Encoding: chunked\r\n\r\n{ABC}"
            ),
            refused(),
        ),
        // In a content a whole request is a content.
        raw(
            "a request in a chunk",
            "POST /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n\
             31\r\nGET /@@@@@@/next HTTP/1.1\r\nHost: shop.example\r\n\r\n\r\n0\r\n\r\n",
            one(post(NEXT)),
        ),
    ]
}
