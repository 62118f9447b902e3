//! A line as JSON, with the fields and in the form of `tracing`'s own.

use std::cell::Cell;
use std::io::Write as _;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

use super::{Line, truncated};

/// Length of a second in RFC 3339, without its fraction: `2026-11-21T18:41:20`.
const SECOND: usize = 19;

/// Appends a line with its end.
pub(super) fn append(line: &Line<'_>, at: SystemTime, into: &mut Vec<u8>) {
    into.extend_from_slice(b"{\"timestamp\":\"");
    timestamp(at, into);
    into.extend_from_slice(b"\",\"level\":\"INFO\"");
    if let Some(client) = line.client {
        into.extend_from_slice(b",\"client\":\"");
        address(client, into);
        into.push(b'"');
    }
    text("method", line.method, into);
    text("host", line.host, into);
    text("path", truncated(line.target), into);
    number("status", u64::from(line.status), into);
    number("bytes", line.bytes, into);
    text("rule", line.rule, into);
    text("outcome", line.outcome.label(), into);
    text("reason", line.outcome.reason(), into);
    number("duration_us", u64::try_from(line.took.as_micros()).unwrap_or(u64::MAX), into);
    text("request_id", line.request_id, into);
    into.extend_from_slice(if line.failed { b",\"failed\":true" } else { b",\"failed\":false" });
    into.extend_from_slice(b",\"target\":\"access\"}\n");
}

/// RFC 3339 in UTC, with microseconds; the second is formatted once for all its lines.
fn timestamp(at: SystemTime, into: &mut Vec<u8>) {
    thread_local! {
        static LAST: Cell<(u64, [u8; SECOND])> = const { Cell::new((0, *b"1970-01-01T00:00:00")) };
    }
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (mut second, mut text) = LAST.get();
    if second != since.as_secs() {
        second = since.as_secs();
        let time = i64::try_from(second).ok().and_then(|second| DateTime::<Utc>::from_timestamp(second, 0));
        let _ = write!(&mut text[..], "{}", time.unwrap_or_default().format("%Y-%m-%dT%H:%M:%S"));
        LAST.set((second, text));
    }
    into.extend_from_slice(&text);
    // A seventh digit in front keeps the zeros, and gives its place to the point.
    let place = into.len();
    digits(1_000_000 + u64::from(since.subsec_micros()), into);
    into[place] = b'.';
    into.push(b'Z');
}

fn address(address: IpAddr, into: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => {
            for (place, octet) in address.octets().into_iter().enumerate() {
                if place > 0 {
                    into.push(b'.');
                }
                digits(u64::from(octet), into);
            }
        }
        // Writing to a Vec cannot fail, here and below.
        IpAddr::V6(address) => drop(write!(into, "{address}")),
    }
}

fn number(name: &str, value: u64, into: &mut Vec<u8>) {
    into.extend_from_slice(b",\"");
    into.extend_from_slice(name.as_bytes());
    into.extend_from_slice(b"\":");
    digits(value, into);
}

#[allow(clippy::cast_possible_truncation, reason = "a digit fits into a byte")]
fn digits(mut value: u64, into: &mut Vec<u8>) {
    // As many as the largest has.
    let mut text = [0; 20];
    let mut from = text.len();
    loop {
        from -= 1;
        text[from] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break into.extend_from_slice(&text[from..]);
        }
    }
}

/// A member whose name needs no escapes.
fn text(name: &str, value: &str, into: &mut Vec<u8>) {
    into.extend_from_slice(b",\"");
    into.extend_from_slice(name.as_bytes());
    into.extend_from_slice(b"\":\"");
    let needs_escape = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    let mut rest = value.as_bytes();
    // Looked at without a way out of the loop, which is many at once.
    if !rest.iter().fold(false, |needs, &byte| needs | needs_escape(byte)) {
        into.extend_from_slice(rest);
        into.push(b'"');
        return;
    }
    // Bytes of longer characters are none of these (RFC 8259 §7).
    while let Some(place) = rest.iter().position(|&byte| needs_escape(byte)) {
        into.extend_from_slice(&rest[..place]);
        match rest[place] {
            byte @ (b'"' | b'\\') => into.extend_from_slice(&[b'\\', byte]),
            control => drop(write!(into, "\\u{control:04x}")),
        }
        rest = &rest[place + 1..];
    }
    into.extend_from_slice(rest);
    into.push(b'"');
}
