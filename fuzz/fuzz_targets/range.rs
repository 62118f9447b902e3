//! Range and If-Range against a content of a length (RFC 9110 §14), and the framing of several ranges.
//!
//! Input: eight bytes of length, a byte of choices, the request's fields, an empty line, the stored response's fields.
#![no_main]

use http::{HeaderMap, Method, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use vitrine_fuzz::{fields, section};
use vitrine_proxy::policy::{ByteRange, Multipart, Selected, select, unsatisfied_range};

/// Up to this length contents are looked at byte by byte.
const SMALL: u64 = 300;
const BOUNDARY: &str = "b0undary";

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first_chunk() else { return };
    let Some((&choices, rest)) = rest.split_first() else { return };
    let (request, stored) = section(rest);
    let (request, stored) = (fields(request), fields(stored));
    let mut length = u64::from_le_bytes(*length);
    if choices & 1 == 0 {
        length %= SMALL;
    }
    let method = if choices & 6 == 6 { Method::HEAD } else { Method::GET };
    let status = if choices & 24 == 24 { StatusCode::NOT_FOUND } else { StatusCode::OK };
    let selected = select(&method, &request, status, &stored, length);
    let ranges = match &selected {
        Selected::Whole => vec![],
        Selected::Single(range) => vec![*range],
        Selected::Multi(ranges) => ranges.clone(),
        Selected::Unsatisfiable => {
            assert_eq!(unsatisfied_range(length).as_bytes(), format!("bytes */{length}").as_bytes());
            vec![]
        }
    };
    within(&ranges, length);
    if method != Method::GET || status != StatusCode::OK || !request.contains_key(header::RANGE) {
        assert_eq!(selected, Selected::Whole);
    } else if selected != Selected::Whole {
        only_what_was_asked(&request, &stored, &selected, &ranges, length);
    }
    if ranges.len() > 1 {
        framed(&ranges, length, &stored);
    }
});

fn within(ranges: &[ByteRange], length: u64) {
    for (index, range) in ranges.iter().enumerate() {
        assert!(range.start < range.end && range.end <= length, "{range:?} of {length}");
        let text = range.content_range(length);
        assert_eq!(text.as_bytes(), format!("bytes {}-{}/{length}", range.start, range.start + range.size() - 1).as_bytes());
        for other in &ranges[index + 1..] {
            assert!(range.end < other.start || other.end < range.start, "{range:?} and {other:?} overlap or touch");
        }
    }
    assert!(ranges.len() <= 16);
}

/// By the grammar of §14.1.1, one member after the other, as far as numbers fit.
fn only_what_was_asked(request: &HeaderMap, stored: &HeaderMap, selected: &Selected, ranges: &[ByteRange], length: u64) {
    assert_eq!(request.get_all(header::RANGE).iter().count(), 1);
    let text = request[header::RANGE].to_str().unwrap_or_default();
    let Some((unit, members)) = text.split_once('=') else { panic!("{text} is no range") };
    assert!(unit.eq_ignore_ascii_case("bytes"));
    let number = |text: &str| text.parse::<u128>().unwrap_or(u128::MAX);
    let mut asked: Vec<(u128, u128)> = Vec::new();
    for member in members.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty()) {
        let (first, last) = member.split_once('-').expect("a range has a dash");
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        assert!(is_number(first) && is_number(last) && !(first.is_empty() && last.is_empty()), "{member}");
        let length = u128::from(length);
        let (start, end) = match (first, last) {
            ("", last) => (length.saturating_sub(number(last)), length),
            (first, "") => (number(first), length),
            (first, last) => (number(first), number(last).saturating_add(1)),
        };
        assert!(first.is_empty() || last.is_empty() || end > start, "{member} ends before it begins");
        asked.push((start, end.min(length)));
    }
    let is_asked = |byte: u64| asked.iter().any(|&(start, end)| (start..end).contains(&u128::from(byte)));
    let is_sent = |byte: u64| ranges.iter().any(|range| (range.start..range.end).contains(&byte));
    let edges = ranges.iter().flat_map(|range| [range.start, range.end - 1, range.end, range.start.saturating_sub(1)]);
    let named = asked.iter().flat_map(|&(start, end)| [start, end.saturating_sub(1)]).filter_map(|at| u64::try_from(at).ok());
    let looked_at: Vec<u64> = (0..length.min(SMALL)).chain(edges).chain(named).filter(|&byte| byte < length).collect();
    for byte in looked_at {
        assert_eq!(is_sent(byte), is_asked(byte), "byte {byte} of {length} for {text}");
    }
    assert_eq!(*selected == Selected::Unsatisfiable, ranges.is_empty());
    // §13.1.5: If-Range held, which a weak entity tag never does.
    if let Some(condition) = request.get(header::IF_RANGE) {
        let of = |name| stored.get(name).map(|value: &http::HeaderValue| value.as_bytes());
        if condition.as_bytes().contains(&b'"') {
            assert_eq!(of(header::ETAG), Some(condition.as_bytes()));
            assert!(!condition.as_bytes().starts_with(b"W/"));
        } else {
            assert!(of(header::LAST_MODIFIED).is_some());
        }
    }
}

fn framed(ranges: &[ByteRange], length: u64, stored: &HeaderMap) {
    let framed = Multipart::new(ranges, length, stored.get(header::CONTENT_TYPE), BOUNDARY);
    assert_eq!(framed.parts.iter().map(|part| part.range).collect::<Vec<_>>(), ranges);
    let heads: u128 = framed.parts.iter().map(|part| part.head.len() as u128 + u128::from(part.range.size())).sum();
    let total = heads + framed.tail.len() as u128;
    assert_eq!(u128::from(framed.length), total.min(u128::from(u64::MAX)));
    let sent: u128 = ranges.iter().map(|range| u128::from(range.size())).sum();
    assert!(sent <= u128::from(length));
    if length > SMALL {
        return;
    }
    // As a client reads it: from delimiter to delimiter (RFC 2046 §5.1.1).
    let content: Vec<u8> = (0..length).map(|at| b'0' + (at % 10) as u8).collect();
    let mut body = Vec::new();
    for part in &framed.parts {
        body.extend_from_slice(&part.head);
        body.extend_from_slice(&content[part.range.start as usize..part.range.end as usize]);
    }
    body.extend_from_slice(&framed.tail);
    let delimiter = format!("\r\n--{BOUNDARY}");
    let text = [b"\r\n", &body[..]].concat();
    let finder = |from: usize| text[from..].windows(delimiter.len()).position(|w| w == delimiter.as_bytes()).map(|at| from + at);
    let mut at = finder(0).expect("a first delimiter");
    assert_eq!(at, 0);
    for range in ranges {
        at += delimiter.len();
        let next = finder(at).expect("a delimiter behind each part");
        let part = &text[at..next];
        let head_end = part.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
        let head = String::from_utf8_lossy(&part[..head_end]);
        assert!(head.contains(&format!("Content-Range: bytes {}-{}/{length}\r\n", range.start, range.end - 1)));
        assert_eq!(&part[head_end..], &content[range.start as usize..range.end as usize]);
        at = next;
    }
    assert_eq!(&text[at..], format!("{delimiter}--\r\n").as_bytes());
}
