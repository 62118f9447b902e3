//! Content-Length (RFC 9110 §8.6, RFC 9112 §6.3).

use crate::case::{Case, Must, NEXT, Wanted, get, got, next, one, one_then_refused, post, posted, raw, refused, two};

pub fn cases() -> Vec<Case> {
    [plain(), several(), numbers(), fields()].concat()
}

/// What is right.
fn plain() -> Vec<Case> {
    vec![
        posted("length", "Content-Length: 3\r\n", "abc", two(post("abc"))),
        posted("length of a request", "Content-Length: 49\r\n", "", one(post(NEXT))),
        posted("length in capitals", "CONTENT-LENGTH: 3\r\n", "abc", two(post("abc"))),
        posted("length without space", "Content-Length:3\r\n", "abc", two(post("abc"))),
        posted("length between tabs", "Content-Length:\t3\t\r\n", "abc", two(post("abc"))),
        posted("length of nothing", "Content-Length: 0\r\n", "", two(post(""))),
        posted("length with a zero before it", "Content-Length: 03\r\n", "abc", two(post("abc"))),
        // RFC 9112 §6.3: without either field there is no content.
        posted("no length", "", "", two(post(""))),
        got("content of a GET", "Content-Length: 3\r\n", "abc", two(Wanted { body: "abc", ..get() })),
        got("no content of a GET", "Content-Length: 0\r\n", "", two(get())),
    ]
}

/// More than one, as lines or as a list. Equal ones may be taken for one or be refused; these must be refused, since an origin may
/// know no lists.
fn several() -> Vec<Case> {
    vec![
        posted("lengths that are equal", "Content-Length: 3\r\nContent-Length: 3\r\n", "abc", refused()),
        posted("lengths, the first shorter", "Content-Length: 3\r\nContent-Length: 5\r\n", "abc", refused()),
        posted("lengths, the first longer", "Content-Length: 5\r\nContent-Length: 3\r\n", "abc", refused()),
        posted("lengths, the first none", "Content-Length: 0\r\nContent-Length: 49\r\n", "", refused()),
        posted("lengths apart", "Content-Length: 3\r\nX-A: b\r\ncontent-length: 0\r\n", "abc", refused()),
        posted("length and an empty one", "Content-Length: 3\r\nContent-Length:\r\n", "abc", refused()),
        posted("a list of equal lengths", "Content-Length: 3, 3\r\n", "abc", refused()),
        posted("a list of equal lengths, close", "Content-Length: 3,3\r\n", "abc", refused()),
        posted("a list of unequal lengths", "Content-Length: 3,5\r\n", "abc", refused()),
        posted("a list that ends empty", "Content-Length: 3,\r\n", "abc", refused()),
        posted("a list that begins empty", "Content-Length: ,3\r\n", "abc", refused()),
        posted("lengths with a semicolon", "Content-Length: 3;3\r\n", "abc", refused()),
    ]
}

/// What is no 1*DIGIT.
fn numbers() -> Vec<Case> {
    vec![
        posted("length with a plus", "Content-Length: +3\r\n", "abc", refused()),
        posted("length with a minus", "Content-Length: -3\r\n", "abc", refused()),
        posted("length of minus nothing", "Content-Length: -0\r\n", "", refused()),
        posted("hexadecimal length", "Content-Length: 0x3\r\n", "abc", refused()),
        posted("length with a letter", "Content-Length: 3a\r\n", "abc", refused()),
        posted("length with a point", "Content-Length: 3.0\r\n", "abc", refused()),
        posted("length with an exponent", "Content-Length: 3e0\r\n", "abc", refused()),
        posted("length with a space in it", "Content-Length: 3 3\r\n", "abc", refused()),
        posted("length with an underscore", "Content-Length: 0_3\r\n", "abc", refused()),
        posted("length in quotes", "Content-Length: \"3\"\r\n", "abc", refused()),
        posted("length of other digits", "Content-Length: \u{ff13}\r\n", "abc", refused()),
        posted("length with a vertical tab", "Content-Length: \x0b3\r\n", "abc", refused()),
        posted("length with a form feed", "Content-Length: 3\x0c\r\n", "abc", refused()),
        posted("length with a NUL", "Content-Length: 3\0\r\n", "abc", refused()),
        posted("length with a CR", "Content-Length: 3\r \r\n", "abc", refused()),
        posted("length with a byte order mark", "Content-Length: \u{feff}3\r\n", "abc", refused()),
        posted("empty length", "Content-Length:\r\n", "", refused()),
        posted("length of a space", "Content-Length: \r\n", "", refused()),
        posted("word for a length", "Content-Length: three\r\n", "abc", refused()),
        posted("length of 2^63", "Content-Length: 9223372036854775808\r\n", "abc", refused()),
        posted("length of 2^64", "Content-Length: 18446744073709551616\r\n", "", refused()),
        posted("length of 2^64 and 3", "Content-Length: 18446744073709551619\r\n", "abc", refused()),
        posted("length of 2^32 by 2^32 and 3", "Content-Length: 79228162514264337593543950339\r\n", "abc", refused()),
    ]
}

/// What is no such field, or another one.
fn fields() -> Vec<Case> {
    vec![
        posted("length, space before the colon", "Content-Length : 3\r\n", "abc", refused()),
        posted("length, tab before the colon", "Content-Length\t: 3\r\n", "abc", refused()),
        posted("length, NUL before the colon", "Content-Length\0: 3\r\n", "abc", refused()),
        posted("length behind a space", "X-A: b\r\n Content-Length: 3\r\n", "abc", refused()),
        posted("length that is folded", "Content-Length:\r\n 3\r\n", "abc", refused()),
        posted("length that goes on", "Content-Length: 3\r\n 0\r\n", "abc", refused()),
        posted("length, first of all lines, behind a tab", "\tContent-Length: 3\r\n", "abc", refused()),
        posted("length with a soft hyphen", "Content\u{ad}-Length: 3\r\n", "abc", refused()),
        posted("length behind a bare LF", "X-A: b\nContent-Length: 3\r\n", "abc", refused()),
        posted("length behind a bare CR", "X-A: b\rContent-Length: 3\r\n", "abc", refused()),
        // Other fields: there is no content, and `abc` begins no request.
        raw(
            "length with an underscore in its name",
            format!("POST /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\nContent_Length: 3\r\n\r\n(bc{NEXT}"),
            one_then_refused(post("")),
        ),
        posted("length that is not this", "X-Content-Length: 3\r\n", "", two(post(""))),
        posted("length in Connection", "Connection: content-length\r\nContent-Length: 3\r\n", "abc", refused()),
        raw(
            "a length that is right, and three requests",
            [
                b"POST /@@@@@@ HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\nabc".as_slice(),
                NEXT.as_bytes(),
                b"GET /@@@@@@/third HTTP/1.1\r\nHost: shop.example\r\n\r\n",
            ]
            .concat(),
            Must::Forward(vec![post("abc"), next(), Wanted { target: "/@@@@@@/third", ..next() }]),
        ),
    ]
}
