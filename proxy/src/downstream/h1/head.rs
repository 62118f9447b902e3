//! One request head, parsed strictly: what two servers could read in two ways is refused (RFC 9112 §11.2).

use std::mem::MaybeUninit;

use http::StatusCode;
use httparse::{Error, Header, Request, Status};

use super::frame::{Frame, Framing};
use super::known::{Known, Place};
use crate::downstream::Limits;
use crate::fast::RequestHead;
use crate::refusal::Refusal;

/// Room for the fields of one head.
type Fields<'b> = [MaybeUninit<Header<'b>>; Limits::MOST_FIELDS];

/// A head that is whole.
#[derive(Debug)]
pub(super) struct Head<'b> {
    /// Its bytes.
    pub(super) length: usize,
    /// What it says.
    pub(super) request: RequestHead<'b>,
    /// Where the request ends.
    pub(super) frame: Frame,
}

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::downstream) enum Malformed {
    /// It is not of the form of RFC 9112 §3 and §5.
    #[error("the request's head is malformed")]
    Syntax,
    /// A line that does not end with CRLF, or more than one empty line before it (RFC 9112 §2.2).
    #[error("a line of the request's head does not end with CRLF")]
    LineEnd,
    /// Content-Length and Transfer-Encoding together, repeated or not understood (RFC 9112 §6.3).
    #[error("the request's content is framed in no clear way")]
    Framing,
    /// Connection names a field that frames the request or says whom it is for: the next hop would have to take it out (RFC 9110
    /// §7.6.1).
    #[error("Connection names a field that is not for one hop alone")]
    Connection,
    /// Expect says anything but `100-continue` (RFC 9110 §10.1.1): servers differ in what they make of that, and with it in where the
    /// next request begins.
    #[error("an expectation that is not known")]
    Expectation,
    /// None in HTTP/1.1, or several (RFC 9112 §3.2).
    #[error("the request must have one Host")]
    Host,
    /// More lines than [`Limits::fields`].
    #[error("the request has too many header fields")]
    Fields,
    /// More bytes than [`Limits::head`].
    #[error("the request's header fields are too long")]
    Long,
    /// More bytes than that in its first line alone.
    #[error("the request's target is too long")]
    Target,
}

// === impl Malformed ===

impl Malformed {
    /// All of them.
    pub(in crate::downstream) const ALL: [Self; 9] = [
        Self::Syntax,
        Self::LineEnd,
        Self::Framing,
        Self::Connection,
        Self::Expectation,
        Self::Host,
        Self::Fields,
        Self::Long,
        Self::Target,
    ];

    /// What it is answered with.
    pub(in crate::downstream) fn status(self) -> StatusCode {
        match self {
            Self::Syntax | Self::LineEnd | Self::Framing | Self::Connection | Self::Host => StatusCode::BAD_REQUEST,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::Fields | Self::Long => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Target => StatusCode::URI_TOO_LONG,
        }
    }

    /// The answer to it.
    pub(in crate::downstream) fn refusal(self) -> Refusal {
        Refusal::new(self.status(), "invalid_request", self.to_string())
    }

    /// Its name in metrics.
    pub(in crate::downstream) fn label(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::LineEnd => "line_end",
            Self::Framing => "framing",
            Self::Connection => "connection",
            Self::Expectation => "expectation",
            Self::Host => "host",
            Self::Fields => "fields",
            Self::Long => "head",
            Self::Target => "target",
        }
    }
}

/// Parses the head at the beginning of `bytes`, which begin with its first line; `None` where more of it is to come.
pub(super) fn parse<'b>(bytes: &'b [u8], known: &'b mut Known, limits: &Limits) -> Result<Option<Head<'b>>, Malformed> {
    if let Some((target, section)) = plain_line(bytes)
        && bytes.len() <= limits.head
        && let Some(place) = known.find(section)
    {
        // What is remembered was found well-formed, under whatever limits.
        return Head::of("GET", target, 1, bytes.len(), known, place, limits).map(Some);
    }
    // The parser would skip any number of them.
    if bytes.first().is_some_and(|first| matches!(first, b'\r' | b'\n')) {
        return Err(Malformed::LineEnd);
    }
    let mut fields: Fields<'_> = [const { MaybeUninit::uninit() }; Limits::MOST_FIELDS];
    let mut request = Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, &mut fields) {
        Ok(Status::Complete(length)) if length <= limits.head => length,
        Ok(Status::Partial) if bytes.len() < limits.head => return Ok(None),
        Ok(_) => {
            let line = memchr::memchr(b'\n', &bytes[..limits.head.min(bytes.len())]);
            return Err(if line.is_none() { Malformed::Target } else { Malformed::Long });
        }
        Err(Error::TooManyHeaders) => return Err(Malformed::Fields),
        Err(Error::NewLine) => return Err(Malformed::LineEnd),
        Err(_) => return Err(Malformed::Syntax),
    };
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Malformed::Syntax);
    };
    // A request target has no fragment (RFC 9112 §3.2), and servers differ in whether they cut one off.
    if memchr::memchr(b'#', target.as_bytes()).is_some() {
        return Err(Malformed::Syntax);
    }
    if request.headers.len() > limits.fields {
        return Err(Malformed::Fields);
    }
    // The parser takes a LF alone for the end of a line. Of CRs it takes none but those before a LF.
    let head = &bytes[..length];
    if has_bare_lf(head) {
        return Err(Malformed::LineEnd);
    }
    let frame = frame(request.headers, minor)?;
    let line = memchr::memchr(b'\n', head).map_or(0, |end| end + 1);
    let place = known.insert(&head[line..], request.headers, frame, minor == 1);
    Head::of(method, target, minor, length, known, place, limits).map(Some)
}

/// The target of a GET with a path, and all that follows the first line; `None` also for lines of which the parser has to judge.
fn plain_line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"GET ").filter(|rest| rest.starts_with(b"/"))?;
    let (line, section) = rest.split_at(memchr::memchr(b'\n', rest)? + 1);
    let target = line.strip_suffix(b" HTTP/1.1\r\n")?;
    // Without a branch for each byte, so that several are looked at at once.
    let other = target.iter().fold(0, |other, byte| other | u8::from(!byte.is_ascii_graphic() || *byte == b'#'));
    let target = if other == 0 { std::str::from_utf8(target).ok()? } else { return None };
    Some((target, section))
}

impl<'b> Head<'b> {
    fn of(
        method: &'b str,
        target: &'b str,
        minor: u8,
        length: usize,
        known: &'b Known,
        place: Place,
        limits: &Limits,
    ) -> Result<Self, Malformed> {
        // It was put there just now.
        let section = known.at(place).ok_or(Malformed::Syntax)?;
        if section.fields.len() > limits.fields {
            return Err(Malformed::Fields);
        }
        let request = RequestHead::new(method, target, minor, &section.fields);
        Ok(Self { length, request, frame: section.frame })
    }
}

/// Whether a LF stands in `head` without a CR before it. Goes through all of it, without a branch, several bytes at once.
fn has_bare_lf(head: &[u8]) -> bool {
    let after = head.get(1..).unwrap_or_default();
    let bare = head
        .iter()
        .zip(after)
        .fold(0, |bare, (&before, &byte)| bare | (u8::from(byte == b'\n') & u8::from(before != b'\r')));
    bare != 0 || head.first() == Some(&b'\n')
}

fn frame(fields: &[Header<'_>], minor: u8) -> Result<Frame, Malformed> {
    let (mut hosts, mut upgrades) = (0, false);
    let (mut length, mut chunked) = (None, false);
    for Header { name, value } in fields {
        match name.len() {
            4 if name.eq_ignore_ascii_case("host") => hosts += 1,
            6 if name.eq_ignore_ascii_case("expect") && !value.eq_ignore_ascii_case(b"100-continue") => {
                return Err(Malformed::Expectation);
            }
            7 if name.eq_ignore_ascii_case("upgrade") => upgrades = true,
            10 if name.eq_ignore_ascii_case("connection") && names_end_to_end(value) => {
                return Err(Malformed::Connection);
            }
            14 if name.eq_ignore_ascii_case("content-length") => {
                let given = content_length(value).ok_or(Malformed::Framing)?;
                if length.replace(given).is_some() {
                    return Err(Malformed::Framing);
                }
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                if chunked || minor == 0 || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Malformed::Framing);
                }
                chunked = true;
            }
            _ => {}
        }
    }
    if hosts > 1 || (hosts == 0 && minor > 0) {
        return Err(Malformed::Host);
    }
    let framing = match (length, chunked) {
        (Some(_), true) => return Err(Malformed::Framing),
        (None, true) => Framing::Chunked,
        (length, false) => Framing::Length(length.unwrap_or(0)),
    };
    Ok(Frame { framing, upgrades })
}

/// Whether options of Connection are fields that the request cannot do without.
fn names_end_to_end(value: &[u8]) -> bool {
    const NEEDED: [&[u8]; 3] = [b"content-length", b"transfer-encoding", b"host"];
    value
        .split(|&byte| byte == b',')
        .any(|option| NEEDED.iter().any(|name| option.trim_ascii().eq_ignore_ascii_case(name)))
}

/// RFC 9110 §8.6: digits alone, and one number alone.
fn content_length(value: &[u8]) -> Option<u64> {
    /// Digits of the largest number that no 64-bit reader overflows with, signed ones included.
    const MOST_DIGITS: usize = 18;
    let digits = (1..=MOST_DIGITS).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    digits.then(|| value.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> Limits {
        Limits { head: 200, fields: 5, ..Limits::default() }
    }

    fn read(text: &str) -> Result<Option<(usize, Framing)>, Malformed> {
        let mut known = Known::default();
        let length = |head: &Head<'_>| (head.length, head.frame.framing);
        let first = parse(text.as_bytes(), &mut known, &limits()).map(|head| head.as_ref().map(length));
        let again = parse(text.as_bytes(), &mut known, &limits()).map(|head| head.as_ref().map(length));
        assert_eq!(first, again, "{text:?}");
        first
    }

    fn framed(lines: &str) -> Result<Framing, Malformed> {
        let text = format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\nrest");
        read(&text).map(|head| {
            let (length, framing) = head.unwrap();
            assert_eq!(length, text.len() - 4);
            framing
        })
    }

    #[test]
    fn content_is_framed_in_one_way_or_refused() {
        for (lines, expected) in [
            ("", Ok(Framing::Length(0))),
            ("Content-Length: 0\r\n", Ok(Framing::Length(0))),
            ("content-LENGTH:5\r\n", Ok(Framing::Length(5))),
            ("Content-Length: 5 \t\r\n", Ok(Framing::Length(5))),
            ("Content-Length: 999999999999999999\r\n", Ok(Framing::Length(999_999_999_999_999_999))),
            ("Transfer-Encoding: Chunked\r\n", Ok(Framing::Chunked)),
            // RFC 9112 §6.3: neither twice, nor both, nor anything else.
            ("Content-Length: 5\r\nContent-Length: 5\r\n", Err(Malformed::Framing)),
            ("Content-Length: 5, 5\r\n", Err(Malformed::Framing)),
            ("Content-Length: +5\r\n", Err(Malformed::Framing)),
            ("Content-Length: -5\r\n", Err(Malformed::Framing)),
            ("Content-Length: 0x5\r\n", Err(Malformed::Framing)),
            ("Content-Length: 5 5\r\n", Err(Malformed::Framing)),
            ("Content-Length:\r\n", Err(Malformed::Framing)),
            ("Content-Length: 9999999999999999999\r\n", Err(Malformed::Framing)),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Err(Malformed::Framing)),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Err(Malformed::Framing)),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Err(Malformed::Framing)),
            ("Transfer-Encoding: chunked, chunked\r\n", Err(Malformed::Framing)),
            ("Transfer-Encoding: gzip, chunked\r\n", Err(Malformed::Framing)),
            ("Transfer-Encoding: identity\r\n", Err(Malformed::Framing)),
            ("Transfer-Encoding: \"chunked\"\r\n", Err(Malformed::Framing)),
            ("Transfer-Encoding: chunked;x\r\n", Err(Malformed::Framing)),
            ("Transfer-Encoding: xchunked\r\n", Err(Malformed::Framing)),
            ("Transfer-Encoding:\r\n", Err(Malformed::Framing)),
            ("Transfer-Encoding: \x0bchunked\r\n", Err(Malformed::Syntax)),
            // RFC 9110 §7.6.1, §10.1.1.
            ("Connection: close, X-A\r\n", Ok(Framing::Length(0))),
            ("Connection: x-a,\tContent-LENGTH \r\nContent-Length: 5\r\n", Err(Malformed::Connection)),
            ("Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n", Err(Malformed::Connection)),
            ("Connection: close\r\nConnection: host\r\n", Err(Malformed::Connection)),
            ("Expect: 100-Continue\r\nContent-Length: 5\r\n", Ok(Framing::Length(5))),
            ("Expect: 100-continue, x\r\n", Err(Malformed::Expectation)),
            ("Expect: x\r\n", Err(Malformed::Expectation)),
            ("Expect:\r\n", Err(Malformed::Expectation)),
            // RFC 9112 §5.1, §5.2.
            ("Content-Length : 5\r\n", Err(Malformed::Syntax)),
            ("Transfer-Encoding : chunked\r\n", Err(Malformed::Syntax)),
            (" Content-Length: 5\r\n", Err(Malformed::Syntax)),
            ("X: y\r\n folded\r\n", Err(Malformed::Syntax)),
            ("X: y\r\n\tfolded\r\n", Err(Malformed::Syntax)),
            (": y\r\n", Err(Malformed::Syntax)),
            ("X\r\n", Err(Malformed::Syntax)),
            ("X: a\0b\r\n", Err(Malformed::Syntax)),
            ("X: a\rb\r\n", Err(Malformed::Syntax)),
            ("X\0: b\r\n", Err(Malformed::Syntax)),
            // RFC 9112 §2.2.
            ("X: a\n", Err(Malformed::LineEnd)),
            ("X: a\nTransfer-Encoding: chunked\r\n", Err(Malformed::LineEnd)),
        ] {
            assert_eq!(framed(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn first_lines_hosts_and_line_ends_are_of_one_form() {
        for (text, expected) in [
            ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", Ok(true)),
            ("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", Ok(true)),
            ("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", Ok(true)),
            ("GET / HTTP/1.0\r\n\r\n", Ok(true)),
            ("GET / HTTP/1.1\r\nHost: h\r\n", Ok(false)),
            ("G", Ok(false)),
            ("GET / HTTP/1.1\r\n\r\n", Err(Malformed::Host)),
            ("GET /#x HTTP/1.1\r\nHost: h\r\n\r\n", Err(Malformed::Syntax)),
            ("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", Err(Malformed::Host)),
            ("GET / HTTP/1.0\r\nHost: h\r\nhost: i\r\n\r\n", Err(Malformed::Host)),
            ("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", Err(Malformed::Framing)),
            ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", Err(Malformed::Syntax)),
            ("GET /  HTTP/1.1\r\nHost: h\r\n\r\n", Err(Malformed::Syntax)),
            ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", Err(Malformed::LineEnd)),
            ("GET /\tHTTP/1.1\r\nHost: h\r\n\r\n", Err(Malformed::Syntax)),
            ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", Err(Malformed::Syntax)),
            ("GET /\r\n\r\n", Err(Malformed::Syntax)),
            ("GET / HTTP/1.1\nHost: h\r\n\r\n", Err(Malformed::LineEnd)),
            ("GET / HTTP/1.1\r\nHost: h\r\n\n", Err(Malformed::LineEnd)),
            ("GET / HTTP/1.1\nHost: h\n\n", Err(Malformed::LineEnd)),
            ("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", Err(Malformed::LineEnd)),
            ("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", Err(Malformed::LineEnd)),
            ("\x16\x03\x01\x02\0\x01", Err(Malformed::Syntax)),
        ] {
            assert_eq!(read(text).map(|head| head.is_some()), expected, "{text:?}");
        }
    }

    #[test]
    fn heads_are_bounded() {
        let of = |line: usize, fields: usize| {
            format!("GET /{} HTTP/1.1\r\nHost: h\r\n{}\r\n", "x".repeat(line), "X: y\r\n".repeat(fields))
        };
        assert!(read(&of(10, 4)).unwrap().is_some());
        assert_eq!(read(&of(10, 5)), Err(Malformed::Fields));
        assert_eq!(read(&of(10, 300)), Err(Malformed::Fields));
        assert_eq!(read(&of(200, 0)), Err(Malformed::Target));
        assert_eq!(read(&of(170, 3)), Err(Malformed::Long));
        assert_eq!(read(&of(160, 300)[..200]), Err(Malformed::Long), "no more is waited for");
        assert_eq!(read(&of(160, 300)[..199]), Ok(None));
    }

    /// `docs/hit-path.md` tells a hit's costs.
    #[test]
    fn what_is_known_or_was_parsed_before_allocates_nothing() {
        let mut known = Known::default();
        let mut read = |target: &str, host: &str| {
            let text = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nX: y\r\n\r\n");
            let limits = limits();
            allocation_counter::measure(|| assert!(parse(text.as_bytes(), &mut known, &limits).unwrap().is_some()))
        };
        assert!(read("/a", "h").count_total > 0, "the first is remembered");
        assert_eq!(read("/b", "h").count_total, 0);
    }

    /// All that a head says.
    fn said(head: &Head<'_>) -> (usize, String, String, u8, http::HeaderMap, Frame) {
        let RequestHead { method, target, minor_version, fields } = head.request;
        (head.length, method.to_owned(), target.to_owned(), minor_version, fields.to_map(), head.frame)
    }

    proptest! {
        /// What is remembered of other requests changes nothing in what one is.
        #[test]
        fn a_section_that_is_known_says_what_it_says_when_it_is_parsed(
            requests in prop::collection::vec(
                (
                    prop::sample::select(vec!["GET ", "HEAD ", "GET", "GET  "]),
                    prop::sample::select(vec!["/", "/a?b=c", "/ ", "/a#b", "*", "http://h/", "/\u{e9}", "/a\tb", "/\"<>", ""]),
                    prop::sample::select(vec![" HTTP/1.1\r\n", " HTTP/1.0\r\n", " HTTP/1.1\n", " HTTP/1.1 \r\n", " HTTP/1.1\r\r\n"]),
                    prop::sample::select(vec!["Host: h\r\n", "Host: h\r\nHost: i\r\n", "", " Host: h\r\n", "Host: h\n"]),
                    prop::sample::select(vec!["", "X: y\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Upgrade: x\r\n"]),
                    prop::sample::select(vec!["\r\n", "\r\nG", "\n", "", "X: y\r\n\r\n"]),
                ),
                1..20,
            ),
        ) {
            let mut known = Known::default();
            for (method, target, version, host, line, end) in requests {
                let text = [method, target, version, host, line, end].concat();
                let alone = &mut Known::default();
                let alone = parse(text.as_bytes(), alone, &limits()).map(|head| head.as_ref().map(said));
                let among = parse(text.as_bytes(), &mut known, &limits()).map(|head| head.as_ref().map(said));
                prop_assert_eq!(alone, among, "{:?}", text);
            }
        }

        #[test]
        fn no_bytes_panic_and_no_prefix_of_a_head_is_another_head(
            bytes in prop::collection::vec(prop::sample::select(&b"GET /:\r\n\0 \tHost\x80HTTP/1.10"[..]), 0..120),
            cut in 0usize..120,
        ) {
            let text = [b"GET / HTTP/1.1\r\nHost: h\r\n", &bytes[..], b"\r\n\r\n"].concat();
            let mut known = Known::default();
            let whole = parse(&text, &mut known, &limits()).map(|head| head.map(|head| head.length));
            let part = parse(&text[..cut.min(text.len())], &mut known, &limits()).map(|head| head.map(|head| head.length));
            if let (Ok(Some(part)), Ok(Some(whole))) = (&part, &whole) {
                prop_assert_eq!(part, whole);
            }
            if let Ok(Some(length)) = whole {
                prop_assert!(text[..length].ends_with(b"\r\n\r\n"));
            }
        }
    }
}
