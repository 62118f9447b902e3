//! The grammar of Cache-Control, for requests and responses alike (RFC 9111 §5.2, §1.2.2).

use http::HeaderName;

use crate::fields::FieldLines;

/// Delta-seconds above this are this (RFC 9111 §1.2.2).
pub const MAX_DELTA_SECONDS: u32 = 1 << 31;

/// One cache directive as it stands in the field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directive<'h> {
    /// Its name, in the sender's case.
    pub(super) name: &'h [u8],
    /// What stands behind `=`: a token, or a quoted string with its quotes.
    pub(super) argument: Option<&'h [u8]>,
}

/// All directives on all lines of a field.
pub(super) fn directives<'h>(
    fields: impl Into<FieldLines<'h>>,
    name: &HeaderName,
) -> impl Iterator<Item = Directive<'h>> {
    fields.into().get_all(name).flat_map(|line| {
        let (mut rest, mut quotes) = (line, Quotes::Hold);
        std::iter::from_fn(move || {
            (!rest.is_empty()).then(|| {
                let (piece, after) = split_directive(rest, &mut quotes);
                rest = after;
                Directive::of(piece)
            })
        })
    })
}

// === impl Directive ===

impl<'h> Directive<'h> {
    fn of(piece: &'h [u8]) -> Self {
        let equals = memchr::memchr(b'=', piece);
        Self {
            name: piece[..equals.unwrap_or(piece.len())].trim_ascii(),
            argument: equals.map(|at| piece[at + 1..].trim_ascii()),
        }
    }

    /// Whether it has this name, in any case.
    pub(super) fn is(&self, known: &str) -> bool {
        self.name.eq_ignore_ascii_case(known.as_bytes())
    }
}

/// Delta-seconds as the argument of a directive: a token or a quoted string (§5.2).
pub(super) fn seconds_argument(argument: &[u8]) -> Option<u32> {
    delta_seconds(match argument.strip_prefix(b"\"") {
        Some(inner) => inner.strip_suffix(b"\"")?,
        None => argument,
    })
}

/// Delta-seconds: digits only; too large a number is [`MAX_DELTA_SECONDS`] (§1.2.2).
pub fn delta_seconds(text: &[u8]) -> Option<u32> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = text.iter().fold(0u64, |sum, &digit| (sum * 10 + u64::from(digit - b'0')).min(1 << 40));
    u32::try_from(value.min(u64::from(MAX_DELTA_SECONDS))).ok()
}

/// What quotes mean on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    /// They hold commas.
    Hold,
    /// Nothing: one was not closed. This is found once for a line, or reading one full of them would take the square of its length.
    MeanNothing,
}

/// Up to the next comma outside quotes, and what follows it. Where a quote is not closed, quotes mean nothing from there on, so
/// that a directive behind it is not missed.
fn split_directive<'l>(line: &'l [u8], quotes: &mut Quotes) -> (&'l [u8], &'l [u8]) {
    let mut quoted = false;
    let mut escaped = false;
    let read = if *quotes == Quotes::Hold { line } else { &[] };
    for (at, &byte) in read.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return (&line[..at], &line[at + 1..]),
            _ => {}
        }
    }
    if quoted {
        *quotes = Quotes::MeanNothing;
    }
    match memchr::memchr(b',', line).filter(|_| *quotes == Quotes::MeanNothing) {
        Some(comma) => (&line[..comma], &line[comma + 1..]),
        None => (line, &[]),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn names(line: &str) -> Vec<String> {
        let fields: HeaderMap =
            [(http::header::CACHE_CONTROL, HeaderValue::from_str(line).unwrap())].into_iter().collect();
        let found = directives(&fields, &http::header::CACHE_CONTROL);
        found.map(|directive| String::from_utf8(directive.name.to_vec()).unwrap()).collect()
    }

    #[test]
    fn quotes_hold_commas_until_one_is_not_closed() {
        assert_eq!(names("a=\"x, y\", b"), ["a", "b"]);
        assert_eq!(names("a=\"x, y\", b=\"z, c, d=\"e\\\",f"), ["a", "b", "c", "d", "f"]);
    }

    #[test]
    fn a_line_of_quotes_that_are_never_closed_costs_no_more_than_its_length() {
        // A mebibyte, as much as a request's head may be: read anew from each comma, this takes minutes.
        let line = "\"\\\",".repeat((1 << 20) / 4);
        assert_eq!(names(&line).len(), (1 << 20) / 4);
    }
}
