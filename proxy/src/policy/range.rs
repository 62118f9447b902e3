//! Which bytes a client asked for, of a response that is whole at hand (RFC 9110 §14, §13.1.5, §15.3.7, §15.5.17).

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::conditional::is_strongly_equal;
use super::freshness::http_date;

/// Most ranges that one request is answered with, after those that overlap or touch are joined. A request for more is answered
/// whole: many small ranges make a response larger than what they select (§14.2, §17.15).
const MAX_RANGES: usize = 16;
/// Most ranges that are read before they are joined; a request that names more is answered whole.
const MAX_NAMED: usize = 128;

/// Bytes of a representation: from `start` to before `end`, never none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte, counted from zero.
    pub start: u64,
    /// The byte after the last.
    pub end: u64,
}

/// What a request's Range makes of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// 200 with everything: there is no Range, or it is ignored.
    Whole,
    /// 206 with these bytes and [`ByteRange::content_range`].
    Single(ByteRange),
    /// 206 with these, in the order that the client asked, as a [`Multipart`](super::Multipart): at least two, none of which
    /// overlap or touch.
    Multi(Vec<ByteRange>),
    /// 416 with [`unsatisfied_range`].
    Unsatisfiable,
}

// === impl ByteRange ===

impl ByteRange {
    /// How many bytes it is.
    pub fn size(self) -> u64 {
        self.end - self.start
    }

    /// The Content-Range field that says so, of a representation of `length` bytes (§14.4).
    pub fn content_range(self, length: u64) -> HeaderValue {
        ascii(&format!("bytes {}-{}/{length}", self.start, self.end - 1))
    }
}

/// The Content-Range of a 416, of a representation of `length` bytes (§14.4, §15.5.17).
pub fn unsatisfied_range(length: u64) -> HeaderValue {
    ascii(&format!("bytes */{length}"))
}

/// What the request's Range and If-Range select of a response with this status, these stored fields and `length` bytes of content.
///
/// To be asked after the preconditions ([`is_not_modified`](super::is_not_modified)), which come first (§13.2.2). Ranges are for
/// GET and a 200 only (§14.2). A Range that is given twice, has another unit or breaks the grammar is ignored, and so is one whose
/// If-Range does not hold, and any on an empty representation (§14.2).
pub fn select(method: &Method, request: &HeaderMap, status: StatusCode, stored: &HeaderMap, length: u64) -> Selected {
    if method != Method::GET || status != StatusCode::OK || length == 0 {
        return Selected::Whole;
    }
    let Ok(Some(field)) = only(request, &header::RANGE) else {
        return Selected::Whole;
    };
    let holds = match only(request, &header::IF_RANGE) {
        Ok(None) => true,
        Ok(Some(condition)) => if_range_holds(condition, stored),
        Err(Repeated) => false,
    };
    match byte_ranges(field.as_bytes(), length).filter(|_| holds) {
        Some(ranges) => joined(ranges),
        None => Selected::Whole,
    }
}

/// A field that must stand once is there more than once.
struct Repeated;

fn only<'h>(fields: &'h HeaderMap, name: &header::HeaderName) -> Result<Option<&'h HeaderValue>, Repeated> {
    let mut lines = fields.get_all(name).iter();
    let first = lines.next();
    if lines.next().is_some() { Err(Repeated) } else { Ok(first) }
}

/// Whether the representation that the client has part of is the stored one: by strong comparison of entity tags, or by the
/// exact date of a Last-Modified that is a strong validator (§13.1.5, §8.8.2.2).
fn if_range_holds(condition: &HeaderValue, stored: &HeaderMap) -> bool {
    if condition.as_bytes().contains(&b'"') {
        return is_strongly_equal(Some(condition), stored.get(header::ETAG));
    }
    let modified = stored.get(header::LAST_MODIFIED).and_then(http_date);
    let date = stored.get(header::DATE).and_then(http_date);
    // A second of Last-Modified may hold two versions, so it is strong only once Date is past that second.
    matches!((http_date(condition), modified, date),
        (Some(asked), Some(modified), Some(date)) if asked == modified && date >= modified.saturating_add(1000))
}

/// The satisfiable ranges in their order; empty where none is, `None` where the field is to be ignored.
fn byte_ranges(field: &[u8], length: u64) -> Option<Vec<ByteRange>> {
    let equals = memchr::memchr(b'=', field)?;
    if !field[..equals].eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let mut ranges = Vec::new();
    let mut named = 0;
    let members = field[equals + 1..].split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    for spec in members.filter(|spec| !spec.is_empty()) {
        named += 1;
        if named > MAX_NAMED {
            return None;
        }
        ranges.extend(satisfiable(spec, length)?);
    }
    (named > 0).then_some(ranges)
}

/// One range-spec (§14.1.1): the bytes that it means, `Some(None)` where there are none of those, `None` where it is no range.
#[expect(clippy::option_option, reason = "outer: is it a range; inner: is there any of it")]
fn satisfiable(spec: &[u8], length: u64) -> Option<Option<ByteRange>> {
    let dash = memchr::memchr(b'-', spec)?;
    let (first, last) = (&spec[..dash], &spec[dash + 1..]);
    let range = if first.is_empty() {
        ByteRange { start: length.saturating_sub(position(last)?), end: length }
    } else {
        let start = position(first)?;
        let end = if last.is_empty() { length } else { position(last)?.saturating_add(1) };
        if end <= start && !last.is_empty() {
            return None;
        }
        ByteRange { start, end: end.min(length) }
    };
    Some((range.start < range.end).then_some(range))
}

/// Digits; a number too large to hold is the largest, which is past every end.
fn position(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(digits.iter().fold(0, add))
}

/// Joins ranges that overlap or touch; each stands where the first of its parts was asked for (§15.3.7.2).
fn joined(ranges: Vec<ByteRange>) -> Selected {
    let mut by_start: Vec<(usize, ByteRange)> = ranges.into_iter().enumerate().collect();
    by_start.sort_unstable_by_key(|(_, range)| range.start);
    let mut parts: Vec<(usize, ByteRange)> = Vec::new();
    for (place, range) in by_start {
        match parts.last_mut() {
            Some((first, last)) if range.start <= last.end => {
                *first = place.min(*first);
                last.end = last.end.max(range.end);
            }
            _ => parts.push((place, range)),
        }
    }
    if parts.len() > MAX_RANGES {
        return Selected::Whole;
    }
    parts.sort_unstable_by_key(|(place, _)| *place);
    match parts[..] {
        [] => Selected::Unsatisfiable,
        [(_, range)] => Selected::Single(range),
        _ => Selected::Multi(parts.into_iter().map(|(_, range)| range).collect()),
    }
}

fn ascii(text: &str) -> HeaderValue {
    // Words and digits always make a value.
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH: u64 = 100;
    const EARLY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATE: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn fields(lines: &[(header::HeaderName, &str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        fields
    }

    fn of(range: &str, length: u64) -> Selected {
        select(&Method::GET, &fields(&[(header::RANGE, range)]), StatusCode::OK, &HeaderMap::new(), length)
    }

    fn part(start: u64, end: u64) -> ByteRange {
        ByteRange { start, end }
    }

    fn one(start: u64, end: u64) -> Selected {
        Selected::Single(part(start, end))
    }

    #[test]
    fn one_range() {
        for (range, expected, why) in [
            ("bytes=0-0", one(0, 1), "RFC 9110 §14.1.2: both ends are in it"),
            ("bytes=0-", one(0, 100), "to the end"),
            ("bytes=99-", one(99, 100), "the last byte"),
            ("bytes=10-1000", one(10, 100), "no more than there is"),
            ("bytes=10-99999999999999999999999", one(10, 100), "a number too large to hold"),
            ("bytes=-5", one(95, 100), "a suffix"),
            ("bytes=-500", one(0, 100), "a suffix longer than all"),
            ("Bytes=1-2", one(1, 3), "§14.1: units in any case"),
            ("bytes=, 1-2 ,", one(1, 3), "§5.6.1: empty members"),
            ("bytes=001-0002", one(1, 3), "1*DIGIT"),
            ("bytes=100-", Selected::Unsatisfiable, "§14.1.2: past the end"),
            ("bytes=100-200", Selected::Unsatisfiable, "past the end"),
            ("bytes=99999999999999999999999-", Selected::Unsatisfiable, "far past the end"),
            ("bytes=-0", Selected::Unsatisfiable, "a suffix of nothing"),
        ] {
            assert_eq!(of(range, LENGTH), expected, "{range}: {why}");
        }
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for range in [
            "bytes=2-1",
            "bytes=0-1, 5-4",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=1",
            "bytes=a-b",
            "bytes=1-2-3",
            "bytes=-1-2",
            "bytes=+1-2",
            "bytes=1 - 2",
            "bytes =1-2",
            "lines=1-2",
            "",
        ] {
            assert_eq!(of(range, LENGTH), Selected::Whole, "RFC 9110 §14.2: {range}");
        }
        assert_eq!(of("bytes=-1", 0), Selected::Whole, "§14.2: no content to take a range of");
        let request = fields(&[(header::RANGE, "bytes=0-1")]);
        let none = HeaderMap::new();
        assert_eq!(select(&Method::HEAD, &request, StatusCode::OK, &none, LENGTH), Selected::Whole, "§14.2: GET only");
        assert_eq!(select(&Method::GET, &request, StatusCode::NOT_FOUND, &none, LENGTH), Selected::Whole, "§14.2");
        let twice = fields(&[(header::RANGE, "bytes=0-1"), (header::RANGE, "bytes=0-1")]);
        assert_eq!(select(&Method::GET, &twice, StatusCode::OK, &none, LENGTH), Selected::Whole, "§5.3: no list field");
    }

    #[test]
    fn several_ranges_are_joined_where_they_meet() {
        let multi =
            |parts: &[(u64, u64)]| Selected::Multi(parts.iter().map(|&(start, end)| part(start, end)).collect());
        for (range, expected, why) in [
            ("bytes=0-1,4-5", multi(&[(0, 2), (4, 6)]), "two"),
            ("bytes=50-51,0-1,-1", multi(&[(50, 52), (0, 2), (99, 100)]), "§15.3.7.2: in the order asked"),
            ("bytes=0-1,2-3", one(0, 4), "they touch"),
            ("bytes=0-50,10-20", one(0, 51), "one in another"),
            ("bytes=90-,0-9,5-19", multi(&[(90, 100), (0, 20)]), "§15.3.7.2: overlapping ones are joined"),
            ("bytes=60-69,0-9,65-79", multi(&[(60, 80), (0, 10)]), "where the first of them stood"),
            ("bytes=0-1,200-", one(0, 2), "§14.1.2: one that can be had is enough"),
            ("bytes=200-,300-,-0", Selected::Unsatisfiable, "none can be had"),
        ] {
            assert_eq!(of(range, LENGTH), expected, "{range}: {why}");
        }
        let apart = |count: usize| {
            let specs: Vec<String> = (0..count).map(|n| format!("{0}-{0}", n * 2)).collect();
            format!("bytes={}", specs.join(","))
        };
        assert!(matches!(of(&apart(MAX_RANGES), 1000), Selected::Multi(parts) if parts.len() == MAX_RANGES));
        assert_eq!(of(&apart(MAX_RANGES + 1), 1000), Selected::Whole, "§17.15");
        let same = vec!["0-1"; MAX_NAMED];
        assert_eq!(of(&format!("bytes={}", same.join(",")), LENGTH), one(0, 2));
        assert_eq!(of(&format!("bytes={},0-1", same.join(",")), LENGTH), Selected::Whole, "§17.15");
    }

    #[test]
    fn if_range_asks_for_the_very_same_bytes() {
        let etag = |value| (header::ETAG, value);
        let dated = |date| vec![(header::LAST_MODIFIED, EARLY), (header::DATE, date)];
        for (condition, stored, holds, why) in [
            ("\"a\"", vec![etag("\"a\"")], true, "RFC 9110 §13.1.5"),
            ("\"a\"", vec![etag("\"b\"")], false, "another"),
            ("\"a\"", vec![], false, "no entity tag"),
            ("W/\"a\"", vec![etag("W/\"a\"")], false, "§8.8.3.2: strong comparison"),
            ("\"a\"", vec![etag("W/\"a\"")], false, "§8.8.3.2"),
            ("\"a\", \"b\"", vec![etag("\"a\"")], false, "no list"),
            (EARLY, dated(LATE), true, "§8.8.2.2: Date is past that second"),
            (EARLY, dated(EARLY), false, "§8.8.2.2: it may have changed again within the second"),
            (LATE, dated(LATE), false, "§13.1.5: exact match"),
            (EARLY, vec![(header::DATE, LATE)], false, "no Last-Modified"),
            ("a", vec![etag("\"a\"")], false, "neither"),
            ("*", vec![etag("\"a\"")], false, "no any"),
            ("", vec![etag("\"a\"")], false, "empty"),
        ] {
            let request = fields(&[(header::RANGE, "bytes=0-1"), (header::IF_RANGE, condition)]);
            let selected = select(&Method::GET, &request, StatusCode::OK, &fields(&stored), LENGTH);
            assert_eq!(selected == one(0, 2), holds, "{condition}: {why}");
            assert_eq!(selected == Selected::Whole, !holds, "{condition}: {why}");
        }
    }

    #[test]
    fn content_range_names_the_last_byte() {
        assert_eq!(part(0, 2).content_range(10), "bytes 0-1/10");
        assert_eq!(unsatisfied_range(10), "bytes */10");
    }

    /// Whether a byte is asked for, straight from the grammar's meaning.
    fn asked(specs: &[(Option<u64>, Option<u64>)], length: u64, byte: u64) -> bool {
        specs.iter().any(|spec| match *spec {
            (Some(first), Some(last)) => (first..=last).contains(&byte),
            (Some(first), None) => byte >= first,
            (None, Some(suffix)) => byte >= length.saturating_sub(suffix),
            (None, None) => false,
        })
    }

    proptest! {
        #[test]
        fn no_field_panics(range in "[ -~]{0,40}", length: u64) {
            let _ = of(&range, length);
            let _ = of(&format!("bytes={range}"), length);
        }

        /// The answer holds every byte that was asked for, once, and no other.
        #[test]
        fn what_is_asked_is_what_is_sent(
            pairs in proptest::collection::vec((0u64..60, 0u64..20, 0u8..3), 1..8), length in 1u64..50,
        ) {
            let specs: Vec<_> = pairs.iter().map(|&(first, more, kind)| match kind {
                0 => (Some(first), Some(first + more)),
                1 => (Some(first), None),
                _ => (None, Some(more)),
            }).collect();
            let text: Vec<String> = specs.iter().map(|(first, last)| {
                let show = |end: &Option<u64>| end.map(|end| end.to_string()).unwrap_or_default();
                format!("{}-{}", show(first), show(last))
            }).collect();
            let parts = match of(&format!("bytes={}", text.join(",")), length) {
                Selected::Single(part) => vec![part],
                Selected::Multi(parts) => parts,
                Selected::Unsatisfiable => Vec::new(),
                Selected::Whole => return Err(TestCaseError::fail("a valid Range was ignored")),
            };
            for byte in 0..length {
                let times = parts.iter().filter(|part| (part.start..part.end).contains(&byte)).count();
                prop_assert_eq!(times, usize::from(asked(&specs, length, byte)));
            }
            prop_assert!(parts.iter().all(|part| part.start < part.end && part.end <= length));
        }
    }
}
