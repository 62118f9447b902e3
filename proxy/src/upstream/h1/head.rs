//! The head of a response, and where its content ends (RFC 9112 §4 to §6).

use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use httparse::{ParserConfig, Status};
use pingora::http::{ResponseHeader, header_value_from_raw};
use smallvec::SmallVec;

use super::connection::Failure;
use super::content::Content;
use crate::chunked::Chunked;
use crate::upstream::settle;

/// Most fields of one head.
const MOST_FIELDS: usize = 256;
/// Most bytes of one head.
const MOST_BYTES: usize = 1 << 20;
/// What every head begins with.
const BEGIN: &[u8] = b"HTTP/";
/// Fields for which a head needs no memory but its map's.
const FEW: usize = 24;

/// A head that is whole.
pub(super) struct Head {
    pub(super) header: ResponseHeader,
    pub(super) content: Content,
    /// Whether the connection can take another request, once the content has come.
    pub(super) keeps_alive: bool,
}

/// Takes a head off the front of what was received; `None` where more of it is to come.
///
/// Lines may be folded or end with LF alone, and white space may stand before a colon (RFC 9112 §2.2, §5.1, §5.2): the head that is handed on has none of
/// that.
pub(super) fn take(received: &mut BytesMut) -> Result<Option<Head>, Failure> {
    let mut config = ParserConfig::default();
    config.allow_spaces_after_header_name_in_responses(true);
    config.allow_obsolete_multiline_headers_in_responses(true);
    let mut lines = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let length = match config.parse_response_with_uninit_headers(&mut parsed, received, &mut lines) {
        Ok(Status::Complete(length)) if length <= MOST_BYTES => length,
        Ok(Status::Partial) if received.len() < MOST_BYTES => return Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Failure::HeadTooLarge),
        Err(_) if received.trim_ascii_start().starts_with(BEGIN) => return Err(Failure::Malformed),
        Err(_) => return Err(Failure::NotHttp),
    };
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Failure::Malformed)?;
    let version = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    let mut fields: SmallVec<[(HeaderName, Range<usize>); FEW]> = SmallVec::new();
    for line in &*parsed.headers {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| Failure::Malformed)?;
        // Both lie in the same buffer.
        let begin = (line.value.as_ptr() as usize).saturating_sub(received.as_ptr() as usize);
        fields.push((name, begin..begin + line.value.len()));
    }
    let bytes = received.split_to(length).freeze();
    let mut header = ResponseHeader::build_no_case(status, Some(fields.len())).map_err(|_| Failure::Malformed)?;
    header.set_version(version);
    for (name, value) in fields {
        header.append_header(name, value_of(&bytes, value)).map_err(|_| Failure::HeadTooLarge)?;
    }
    framed(header).map(Some)
}

/// A value, unfolded, without a copy where it is not folded.
fn value_of(bytes: &Bytes, range: Range<usize>) -> HeaderValue {
    if range.is_empty() {
        return HeaderValue::from_static("");
    }
    header_value_from_raw(bytes.slice(range))
}

/// RFC 9112 §6.3, for a response to GET.
fn framed(mut header: ResponseHeader) -> Result<Head, Failure> {
    let is_chunked = header.headers.contains_key(header::TRANSFER_ENCODING);
    let is_framed_twice = is_chunked && header.headers.contains_key(header::CONTENT_LENGTH);
    if is_chunked {
        header.remove_header(&header::CONTENT_LENGTH);
    }
    let length = content_length(&header.headers)?;
    let (content, is_at_odds) = match header.status {
        // The length is that of the content which 200 would have (RFC 9110 §8.6).
        StatusCode::NOT_MODIFIED => (Content::Length(0), is_chunked),
        status if status == StatusCode::NO_CONTENT || status.is_informational() => {
            (Content::Length(0), is_chunked || length.is_some_and(|length| length > 0))
        }
        // RFC 9112 §6.1: the framing of such a response is faulty.
        _ if is_chunked => (Content::Chunked(Chunked::of_response()), header.version == Version::HTTP_10),
        _ => (length.map_or(Content::ToTheEnd, Content::Length), false),
    };
    // Who says two things of where its content ends may go on with bytes that are no answer to what is asked next (RFC 9112 §11.1).
    let keeps_alive = keeps_alive(&header) && !is_framed_twice && !is_at_odds;
    settle(&mut header, false).map_err(Failure::Head)?;
    Ok(Head { header, content, keeps_alive })
}

/// RFC 9112 §9.3.
fn keeps_alive(header: &ResponseHeader) -> bool {
    let says = |option: &[u8]| {
        let lines = header.headers.get_all(header::CONNECTION).iter();
        lines
            .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
            .any(|given| given.trim_ascii().eq_ignore_ascii_case(option))
    };
    !says(b"close") && (header.version == Version::HTTP_11 || says(b"keep-alive"))
}

/// RFC 9110 §8.6: digits, and where it stands more than once, the same each time.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let mut length = None;
    for line in headers.get_all(header::CONTENT_LENGTH) {
        for given in line.as_bytes().split(|&byte| byte == b',') {
            let given = digits(given.trim_ascii()).ok_or(Failure::Malformed)?;
            if length.replace(given).is_some_and(|before| before != given) {
                return Err(Failure::Malformed);
            }
        }
    }
    Ok(length)
}

fn digits(text: &[u8]) -> Option<u64> {
    let digit = |length: u64, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        length.checked_mul(10)?.checked_add(digit)
    };
    (!text.is_empty()).then(|| text.iter().try_fold(0, digit))?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Option<Head>, Failure> {
        take(&mut BytesMut::from(text))
    }

    fn of(fields: &str) -> Result<Head, Failure> {
        read(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n")).map(Option::unwrap)
    }

    /// The whole matrix of misbehaviour is in `tests/misbehaving`.
    #[test]
    fn content_ends_where_rfc9112_6_3_says() {
        let length = |fields: &str| match of(fields).map(|head| head.content) {
            Ok(Content::Length(length)) => Ok(Some(length)),
            Ok(Content::ToTheEnd) => Ok(None),
            Ok(Content::Chunked(_)) => panic!("{fields}"),
            Err(failure) => Err(failure),
        };
        for (fields, expected) in [
            ("", Ok(None)),
            ("Content-Length: 5\r\n", Ok(Some(5))),
            ("Content-Length:\r\n 5\r\n", Ok(Some(5))),
            ("Content-Length : 5\r\n", Ok(Some(5))),
            ("Content-Length: 5, 05\r\n", Ok(Some(5))),
            ("Content-Length: 18446744073709551615\r\n", Ok(Some(u64::MAX))),
            ("Content-Length: 18446744073709551616\r\n", Err(Failure::Malformed)),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", Err(Failure::Malformed)),
            ("Content-Length: 5,\r\n", Err(Failure::Malformed)),
            ("Content-Length:\r\n", Err(Failure::Malformed)),
            ("Content-Length: +5\r\n", Err(Failure::Malformed)),
        ] {
            assert_eq!(length(fields), expected, "{fields:?}");
        }
        let both = of("Content-Length: x\r\nTransfer-Encoding: chunked\r\n").unwrap();
        assert!(matches!(both.content, Content::Chunked(_)));
        assert!(!both.header.headers.contains_key("content-length"));
        assert!(matches!(of("Transfer-Encoding: gzip\r\n"), Err(Failure::Head(_))));
        let contentless = read("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n").unwrap().unwrap();
        assert!(matches!(contentless.content, Content::Length(0)));
    }

    #[test]
    fn connections_are_kept_where_rfc9112_9_3_says() {
        for (head, expected) in [
            ("HTTP/1.1 200 OK\r\n", true),
            ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n", false),
            ("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n", false),
            ("HTTP/1.0 200 OK\r\n", false),
            ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", true),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n", false),
            // RFC 9112 §6.1, §6.3: who frames it in two ways, or what has no content, may mean another end than was found.
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", false),
            ("HTTP/1.1 204 No Content\r\n", true),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n", true),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n", false),
            ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n", false),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n", true),
            ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n", false),
        ] {
            assert_eq!(read(&format!("{head}\r\n")).unwrap().unwrap().keeps_alive, expected, "{head}");
        }
    }

    #[test]
    fn heads_are_taken_whole_and_what_follows_stays() {
        let mut received = BytesMut::from("HTTP/1.1 200 OK\r\nX: a\r\n  b\r\nY:\r\nContent-Length: 2\r\n\r\nhi");
        let head = take(&mut received).unwrap().unwrap();
        assert_eq!(
            (&head.header.headers["x"], &head.header.headers["y"]),
            (&"a b".parse().unwrap(), &"".parse().unwrap())
        );
        assert_eq!(&received[..], b"hi");
        assert!(read("HTTP/1.1 200 OK\r\nX: a\r\n").unwrap().is_none());
        let many = "X: y\r\n".repeat(MOST_FIELDS + 1);
        assert!(matches!(of(&many), Err(Failure::HeadTooLarge)));
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(MOST_BYTES));
        assert!(matches!(read(&long), Err(Failure::HeadTooLarge)), "no more is waited for");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            bytes in prop::collection::vec(prop::sample::select(&b"HTTP/1.10 2:\r\n\0 \tContent-Length,;\x80"[..]), 0..120),
        ) {
            let _ = take(&mut BytesMut::from(&[b"HTTP/1.1 200 OK\r\n", &bytes[..], b"\r\n\r\n"].concat()[..]));
        }

        /// RFC 9110 §5.5: whatever a value is folded of, what is sent on has no more lines than it.
        #[test]
        fn no_value_has_an_end_of_line_in_it(
            bytes in prop::collection::vec(prop::sample::select(&b"a\r\n\0 \t:\x7f\x80"[..]), 0..24),
        ) {
            let text = [b"HTTP/1.1 200 OK\r\nX: a", &bytes[..], b"b\r\nContent-Length: 0\r\n\r\n"].concat();
            if let Ok(Some(head)) = take(&mut BytesMut::from(&text[..])) {
                let is_clean = |value: &[u8]| !value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | b'\0' | 0x7f));
                prop_assert!(head.header.headers.values().all(|value| is_clean(value.as_bytes())), "{:?}", head.header);
            }
        }
    }
}
