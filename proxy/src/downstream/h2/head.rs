//! What the h2 crate and Pingora leave to be seen to of a request's head: what is refused over HTTP/1.1 is refused here too, and what
//! differs by the version is as there, so that nobody behind needs to know by which one it came.

use http::{HeaderMap, HeaderValue, header};
use pingora::http::RequestHeader;

use super::super::h1::Malformed;
use crate::downstream::Limits;

/// Between two pairs of a Cookie field.
const BETWEEN: &[u8] = b"; ";

/// Checks a head, and makes one line of what clients send as several.
pub(super) fn settle(head: &mut RequestHeader, limits: &Limits) -> Result<(), Malformed> {
    let (mut lengths, mut cookies) = (0, 0);
    for (name, value) in &head.headers {
        if is_padded(value.as_bytes()) {
            return Err(Malformed::Syntax);
        }
        if *name == header::COOKIE {
            cookies += 1;
        } else if *name == header::CONTENT_LENGTH {
            lengths += 1;
        } else if *name == header::EXPECT && !value.as_bytes().eq_ignore_ascii_case(b"100-continue") {
            return Err(Malformed::Expectation);
        }
    }
    if lengths > 1 {
        return Err(Malformed::Framing);
    }
    if head.headers.len() - cookies + cookies.min(1) > limits.fields {
        return Err(Malformed::Fields);
    }
    if cookies > 1
        && let Some(one) = one_cookie(&head.headers)
    {
        head.insert_header(header::COOKIE, one).map_err(|_| Malformed::Syntax)?;
    }
    Ok(())
}

/// Whether a value begins or ends with white space, which none does (RFC 9113 §8.2.1).
fn is_padded(value: &[u8]) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    is_blank(value.first()) || is_blank(value.last())
}

/// All pairs in one line, as every other version has them (RFC 9113 §8.2.3).
fn one_cookie(fields: &HeaderMap) -> Option<HeaderValue> {
    let mut lines = fields.get_all(header::COOKIE).iter();
    let mut one = lines.next()?.as_bytes().to_vec();
    for line in lines {
        one.extend_from_slice(BETWEEN);
        one.extend_from_slice(line.as_bytes());
    }
    HeaderValue::from_maybe_shared(bytes::Bytes::from(one)).ok()
}
