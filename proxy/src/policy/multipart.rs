//! How several ranges go into one response: the framing of `multipart/byteranges` (RFC 9110 §14.6, §15.3.7.2; RFC 2046 §5.1).

use bytes::Bytes;
use http::HeaderValue;

use super::range::ByteRange;

/// A multipart response: each part's head, then that part's bytes; and behind all, the tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipart {
    /// Parts, in the order in which they are sent.
    pub parts: Vec<Part>,
    /// What ends the content.
    pub tail: Bytes,
    /// The length of all, for Content-Length.
    pub length: u64,
    /// The Content-Type of the response.
    pub content_type: HeaderValue,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What goes before its bytes: the boundary and the part's own fields.
    pub head: Bytes,
    /// Its bytes.
    pub range: ByteRange,
}

// === impl Multipart ===

impl Multipart {
    /// Frames ranges of a representation of `length` bytes and of this media type, with a `boundary` that the caller has drawn at
    /// random: letters and digits, at most 70, and enough of them that no content holds it by chance or by design.
    pub fn new(ranges: &[ByteRange], length: u64, content_type: Option<&HeaderValue>, boundary: &str) -> Self {
        let mut parts = Vec::with_capacity(ranges.len());
        let mut total = 0u64;
        for (index, &range) in ranges.iter().enumerate() {
            let mut head = Vec::with_capacity(128);
            if index > 0 {
                head.extend_from_slice(b"\r\n");
            }
            head.extend_from_slice(b"--");
            head.extend_from_slice(boundary.as_bytes());
            if let Some(content_type) = content_type {
                head.extend_from_slice(b"\r\nContent-Type: ");
                head.extend_from_slice(content_type.as_bytes());
            }
            head.extend_from_slice(b"\r\nContent-Range: ");
            head.extend_from_slice(range.content_range(length).as_bytes());
            head.extend_from_slice(b"\r\n\r\n");
            total = total.saturating_add(head.len() as u64).saturating_add(range.size());
            parts.push(Part { head: head.into(), range });
        }
        let tail = Bytes::from(format!("\r\n--{boundary}--\r\n"));
        let content_type = format!("multipart/byteranges; boundary={boundary}");
        Self {
            parts,
            length: total.saturating_add(tail.len() as u64),
            tail,
            content_type: HeaderValue::from_str(&content_type)
                .unwrap_or(HeaderValue::from_static("multipart/byteranges")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framing_is_that_of_the_rfc() {
        let content = b"0123456789";
        let ranges = [ByteRange { start: 0, end: 2 }, ByteRange { start: 7, end: 10 }];
        let html = HeaderValue::from_static("text/html");
        let framed = Multipart::new(&ranges, 10, Some(&html), "SEP");
        let mut sent = Vec::new();
        for part in &framed.parts {
            sent.extend_from_slice(&part.head);
            let bytes = usize::try_from(part.range.start).unwrap()..usize::try_from(part.range.end).unwrap();
            sent.extend_from_slice(&content[bytes]);
        }
        sent.extend_from_slice(&framed.tail);
        let expected = "--SEP\r\nContent-Type: text/html\r\nContent-Range: bytes 0-1/10\r\n\r\n01\
            \r\n--SEP\r\nContent-Type: text/html\r\nContent-Range: bytes 7-9/10\r\n\r\n789\r\n--SEP--\r\n";
        assert_eq!(String::from_utf8(sent).unwrap(), expected, "RFC 9110 §15.3.7.2");
        assert_eq!(framed.length, expected.len() as u64);
        assert_eq!(framed.content_type, "multipart/byteranges; boundary=SEP");
    }

    #[test]
    fn a_part_of_no_known_type_says_none() {
        let framed = Multipart::new(&[ByteRange { start: 0, end: 1 }], 1, None, "SEP");
        assert_eq!(framed.parts[0].head, "--SEP\r\nContent-Range: bytes 0-0/1\r\n\r\n");
    }
}
