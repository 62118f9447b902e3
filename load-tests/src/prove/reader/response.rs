//! An HTTP/1.1 response, as far as the checker needs it.

use memchr::{memchr, memmem};

/// A response that has come whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    /// Bytes of the head, the empty line included.
    pub(super) head: usize,
    /// Bytes of all of it.
    pub(super) length: usize,
    pub(super) etag: Option<std::ops::Range<usize>>,
    pub(super) cache_status: std::ops::Range<usize>,
    pub(super) gzip: bool,
    /// A body in chunks, put together.
    pub(super) joined: Option<Vec<u8>>,
    /// The server closes after it.
    pub(super) close: bool,
}

/// What cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) &'static str);

/// How the body is framed.
enum Framing {
    Length(usize),
    Chunked,
}

/// The response that these bytes begin with; `None` as long as it has not come whole.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Response>, Unreadable> {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let status = bytes.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = status.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    let Some(status) = status else { return Err(Unreadable("no HTTP/1.1 status line")) };
    let mut response = Response {
        status,
        head: end + 4,
        length: 0,
        etag: None,
        cache_status: 0..0,
        gzip: false,
        joined: None,
        close: false,
    };
    let framing = fields(bytes, end, &mut response)?;
    match framing {
        Framing::Length(length) => response.length = response.head + length,
        Framing::Chunked => match chunks(&bytes[response.head..])? {
            Some((length, joined)) => {
                response.length = response.head + length;
                response.joined = Some(joined);
            }
            None => return Ok(None),
        },
    }
    Ok((bytes.len() >= response.length).then_some(response))
}

fn fields(bytes: &[u8], end: usize, response: &mut Response) -> Result<Framing, Unreadable> {
    // Neither has a body, whatever it announces (RFC 9110 §6.4.1).
    let mut framing = matches!(response.status, 204 | 304).then_some(Framing::Length(0));
    let mut at = memchr(b'\n', bytes).map_or(end, |at| at + 1);
    while at < end {
        let line_end = memchr(b'\r', &bytes[at..]).map_or(end, |length| at + length);
        let line = &bytes[at..line_end];
        if let Some(colon) = memchr(b':', line) {
            let from = at + colon + 1 + line[colon + 1..].iter().take_while(|byte| **byte == b' ').count();
            let value = &bytes[from..line_end];
            match &line[..colon] {
                name if name.eq_ignore_ascii_case(b"content-length") && framing.is_none() => {
                    let length = super::super::marker::number(value).and_then(|length| usize::try_from(length).ok());
                    framing = Some(Framing::Length(length.ok_or(Unreadable("a Content-Length that is no number"))?));
                }
                name if name.eq_ignore_ascii_case(b"transfer-encoding") && framing.is_none() => {
                    framing = Some(Framing::Chunked);
                }
                name if name.eq_ignore_ascii_case(b"etag") => response.etag = Some(from..line_end),
                name if name.eq_ignore_ascii_case(b"cache-status") => response.cache_status = from..line_end,
                name if name.eq_ignore_ascii_case(b"content-encoding") => response.gzip = value == b"gzip",
                name if name.eq_ignore_ascii_case(b"connection") => {
                    response.close = value.eq_ignore_ascii_case(b"close");
                }
                _ => {}
            }
        }
        at = line_end + 2;
    }
    framing.ok_or(Unreadable("a body without a length"))
}

/// A body in chunks: how long it is on the wire, and its content; `None` as long as it has not come whole.
fn chunks(bytes: &[u8]) -> Result<Option<(usize, Vec<u8>)>, Unreadable> {
    let mut joined = Vec::new();
    let mut at = 0;
    loop {
        let Some(line) = memmem::find(&bytes[at..], b"\r\n") else { return Ok(None) };
        let digits = std::str::from_utf8(&bytes[at..at + line]).ok().and_then(|text| text.split(';').next());
        let size = digits.and_then(|digits| usize::from_str_radix(digits.trim(), 16).ok());
        let size = size.ok_or(Unreadable("a chunk without a size"))?;
        let from = at + line + 2;
        let Some(chunk) = bytes.get(from..from.saturating_add(size)) else { return Ok(None) };
        if bytes.len() < from + size + 2 {
            return Ok(None);
        }
        joined.extend_from_slice(chunk);
        at = from + size + 2;
        if size == 0 {
            return Ok(Some((at, joined)));
        }
    }
}

impl Response {
    /// Its body, of the bytes that it was read from.
    pub(super) fn body<'a>(&'a self, bytes: &'a [u8]) -> &'a [u8] {
        self.joined.as_deref().unwrap_or(&bytes[self.head..self.length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_found_once_all_has_come() {
        let text: &[u8] = b"HTTP/1.1 200 OK\r\nETag: \"a\"\r\nCache-Status: vitrine; hit\r\nContent-Encoding: gzip\r\n\
            content-length: 4\r\n\r\nbodyHTTP";
        for cut in 0..text.len() - 4 {
            assert_eq!(parse(&text[..cut]), Ok(None));
        }
        let response = parse(text).unwrap().unwrap();
        assert_eq!((response.status, response.gzip, response.body(text)), (200, true, &b"body"[..]));
        assert_eq!(&text[response.etag.clone().unwrap()], b"\"a\"");
        assert_eq!(&text[response.cache_status.clone()], b"vitrine; hit");
    }

    #[test]
    fn chunks_are_joined_and_304_has_no_body() {
        let text: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x\r\ncde\r\n0\r\n\r\n";
        for cut in 0..text.len() {
            assert_eq!(parse(&text[..cut]), Ok(None));
        }
        let response = parse(text).unwrap().unwrap();
        assert_eq!((response.body(text), response.length), (&b"abcde"[..], text.len()));
        let text = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n";
        assert_eq!(parse(text).unwrap().unwrap().length, text.len());
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
