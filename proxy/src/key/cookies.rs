//! The Cookie field, read as browsers write it (RFC 6265 §4.2.1 and §5.4).

use http::header;

use crate::fields::FieldLines;

/// A cookie of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie<'h> {
    /// Its name; capitals matter. Empty for `=value`, which browsers may be made to send.
    pub name: &'h [u8],
    /// Its value, quotes included. Empty where there is no `=`.
    pub value: &'h [u8],
}

/// The cookies of all Cookie lines (HTTP/2 may split the field: RFC 9113 §8.2.3), in order.
///
/// A piece without `=` is a cookie without a value, so that a rule which names it errs towards bypass.
pub fn cookies<'h>(headers: impl Into<FieldLines<'h>>) -> impl Iterator<Item = Cookie<'h>> {
    headers.into().get_all(&header::COOKIE).flat_map(|rest| Pieces { rest }).filter_map(|piece| {
        let piece = piece.trim_ascii();
        let equals = memchr::memchr(b'=', piece).unwrap_or(piece.len());
        let name = piece[..equals].trim_ascii();
        let value = piece.get(equals + 1..).unwrap_or_default().trim_ascii();
        (!(name.is_empty() && value.is_empty())).then_some(Cookie { name, value })
    })
}

/// What stands between the semicolons of a line.
struct Pieces<'h> {
    rest: &'h [u8],
}

impl<'h> Iterator for Pieces<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b';', self.rest).unwrap_or(self.rest.len());
        let piece = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn names_are_found_exactly_in_all_lines() {
        let mut headers = HeaderMap::new();
        for line in ["a=1; medusa_session=s%3A; xconnect.sid=2", "connect.sid = \"q\" ;; =x; = ;bare", "b=c=d"] {
            headers.append(header::COOKIE, HeaderValue::from_static(line));
        }
        let found: Vec<(&str, &str)> = cookies(&headers)
            .map(|cookie| (std::str::from_utf8(cookie.name).unwrap(), std::str::from_utf8(cookie.value).unwrap()))
            .collect();
        let expected = [
            ("a", "1"),
            ("medusa_session", "s%3A"),
            ("xconnect.sid", "2"),
            ("connect.sid", "\"q\""),
            ("", "x"),
            ("bare", ""),
            ("b", "c=d"),
        ];
        assert_eq!(found, expected);
    }
}
