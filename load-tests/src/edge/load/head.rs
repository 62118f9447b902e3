//! The head of a response, as far as the load needs it.

use memchr::memmem;

/// What a response's head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its length in bytes, the empty line included.
    pub(crate) length: usize,
    pub(crate) status: u16,
    /// How many bytes of body follow.
    pub(crate) body: usize,
}

/// Why a head cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadHead {
    #[error("no HTTP/1.1 status line")]
    StatusLine,
    #[error("a body whose length is not announced")]
    Length,
}

/// The head that these bytes begin with; `None` as long as it has not come whole.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Head>, BadHead> {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let (head, length) = (&bytes[..end], end + 4);
    let status = head.strip_prefix(b"HTTP/1.1 ").and_then(|rest| number(rest.get(..3)?)).ok_or(BadHead::StatusLine)?;
    let status = u16::try_from(status).map_err(|_| BadHead::StatusLine)?;
    // Neither has a body, whatever it announces (RFC 9110 §6.4.1).
    if status == 304 || status == 204 {
        return Ok(Some(Head { length, status, body: 0 }));
    }
    let body = content_length(head).ok_or(BadHead::Length)?;
    Ok(Some(Head { length, status, body }))
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let mut from = 0;
    while let Some(line_end) = memchr::memchr(b'\n', &head[from..]) {
        from += line_end + 1;
        let line = &head[from..];
        if line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME) {
            let value = &line[NAME.len()..];
            let value = &value[..memchr::memchr(b'\r', value).unwrap_or(value.len())];
            return number(value.trim_ascii());
        }
    }
    None
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let text = b"HTTP/1.1 200 OK\r\nDate: now\r\ncontent-LENGTH:  10 \r\n\r\n0123456789";
        assert_eq!(parse(text), Ok(Some(Head { length: text.len() - 10, status: 200, body: 10 })));
        assert_eq!(parse(&text[..text.len() - 11]), Ok(None));
        let not_modified = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n";
        assert_eq!(parse(not_modified), Ok(Some(Head { length: not_modified.len(), status: 304, body: 0 })));
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Err(BadHead::Length));
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nX-Content-Length: 3\r\n\r\n"), Err(BadHead::Length));
        for bad in [&b"HTTP/1.0 200 OK\r\n\r\n"[..], b"HTTP/1.1 2\r\n\r\n", b"SSH\r\n\r\n"] {
            assert_eq!(parse(bad), Err(BadHead::StatusLine));
        }
    }
}
