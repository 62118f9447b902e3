//! Where a chunked content ends (RFC 9112 §7.1), strictly: what two servers could read in two ways is refused.

/// Longest extensions and trailers of a request's content together, or between two chunks of a response's, in bytes.
const MOST_EXTRA: usize = 8 << 10;
/// Most hexadecimal digits of a chunk's size: what no signed 64-bit reader overflows with.
const MOST_DIGITS: u8 = 15;

/// Follows a chunked content from its first byte.
#[derive(Clone, Debug)]
pub(crate) struct Chunked {
    state: State,
    /// Bytes of extensions and trailers so far; in a response, since the last data.
    extra: usize,
    /// Whether white space may follow a size.
    may_pad: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a chunk's size, of which so many digits came.
    Size { size: u64, digits: u8 },
    /// In its extension.
    Extension { size: u64 },
    /// Before the LF of that line.
    SizeEnd { size: u64 },
    /// In its data, of which so many bytes are left, at least one.
    Data { left: u64 },
    /// Before the CR that ends it.
    DataCr,
    /// Before the LF that ends it.
    DataLf,
    /// At the beginning of a trailer, or of the last line.
    Trailer,
    /// In a trailer's name.
    TrailerName,
    /// In its value.
    TrailerValue,
    /// Before its LF.
    TrailerEnd,
    /// Before the last LF.
    LastLf,
    /// Behind it.
    End,
}

/// It is no chunked content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content's chunks are malformed")]
pub(crate) struct BadChunk;

// === impl Chunked ===

impl Chunked {
    /// Of a request.
    pub(crate) fn new() -> Self {
        Self { state: State::Size { size: 0, digits: 0 }, extra: 0, may_pad: false }
    }

    /// Of a response, which is not sent on as it came: sizes may be padded with white space, as old servers do.
    pub(crate) fn of_response() -> Self {
        Self { may_pad: true, ..Self::new() }
    }

    /// Whether all of it came.
    pub(crate) fn is_ended(&self) -> bool {
        self.state == State::End
    }

    /// Follows it through `bytes`: how many of them belong to it, and how many of those are data.
    pub(crate) fn follow(&mut self, bytes: &[u8]) -> Result<(usize, usize), BadChunk> {
        let (mut used, mut data) = (0, 0);
        while used < bytes.len() && !self.is_ended() {
            let (framing, here) = self.run(&bytes[used..])?;
            used += framing + here;
            data += here;
        }
        Ok((used, data))
    }

    /// Follows it to the end of the first run of data in `bytes`: how many bytes of framing come first, and how many of data then.
    pub(crate) fn run(&mut self, bytes: &[u8]) -> Result<(usize, usize), BadChunk> {
        for (at, byte) in bytes.iter().enumerate() {
            if let State::Data { left } = self.state {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                let left = left - here as u64;
                self.state = if left == 0 { State::DataCr } else { State::Data { left } };
                return Ok((at, here));
            }
            if self.is_ended() {
                return Ok((at, 0));
            }
            self.state = self.next(*byte)?;
        }
        Ok((bytes.len(), 0))
    }

    /// The state behind a byte that is no data.
    fn next(&mut self, byte: u8) -> Result<State, BadChunk> {
        Ok(match (self.state, byte) {
            (State::Size { size, digits }, _) if digits < MOST_DIGITS && byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).ok_or(BadChunk)?;
                State::Size { size: size * 16 + u64::from(digit), digits: digits + 1 }
            }
            (State::Size { digits: 0, .. }, _) => return Err(BadChunk),
            // In a response what follows white space counts as one too.
            (State::Size { size, .. }, _) if byte == b';' || (self.may_pad && matches!(byte, b' ' | b'\t')) => {
                State::Extension { size }
            }
            (State::Size { size, .. } | State::Extension { size }, b'\r') => State::SizeEnd { size },
            (State::Extension { size }, _) if is_text(byte) => self.extra(State::Extension { size })?,
            (State::SizeEnd { size: 0 } | State::TrailerEnd, b'\n') => State::Trailer,
            (State::SizeEnd { size }, b'\n') => {
                // A long response of a server that pads each size may have more of it in all.
                self.extra = if self.may_pad { 0 } else { self.extra };
                State::Data { left: size }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { size: 0, digits: 0 },
            (State::Trailer, b'\r') => State::LastLf,
            (State::LastLf, b'\n') => State::End,
            (State::TrailerName, b':') => self.extra(State::TrailerValue)?,
            (State::Trailer | State::TrailerName, _) if is_token(byte) => self.extra(State::TrailerName)?,
            (State::TrailerValue, b'\r') => State::TrailerEnd,
            (State::TrailerValue, _) if is_text(byte) => self.extra(State::TrailerValue)?,
            _ => return Err(BadChunk),
        })
    }

    fn extra(&mut self, next: State) -> Result<State, BadChunk> {
        self.extra += 1;
        if self.extra > MOST_EXTRA { Err(BadChunk) } else { Ok(next) }
    }
}

/// What may stand in a field's value (RFC 9110 §5.5).
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where it ends and how much of it is data, fed in pieces of `step` bytes; `None` where it does not end.
    fn end(bytes: &[u8], step: usize) -> Result<Option<(usize, usize)>, BadChunk> {
        let mut chunked = Chunked::new();
        let (mut at, mut data) = (0, 0);
        for piece in bytes.chunks(step) {
            let (used, more) = chunked.follow(piece)?;
            (at, data) = (at + used, data + more);
        }
        Ok(chunked.is_ended().then_some((at, data)))
    }

    #[test]
    fn contents_end_where_they_say() {
        for (content, data) in [
            ("0\r\n\r\n", 0),
            ("5\r\nhello\r\n0\r\n\r\n", 5),
            ("5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n", 5),
            ("00A\r\n0123456789\r\n00\r\n\r\n", 10),
            ("2\r\n\r\n\r\n0\r\n\r\n", 2),
            ("0\r\nX-Sum: 1\r\nY:\r\n\r\n", 0),
        ] {
            for step in 1..=content.len() {
                let behind = format!("{content}GET / HTTP/1.1\r\n");
                assert_eq!(end(behind.as_bytes(), step), Ok(Some((content.len(), data))), "{content:?} by {step}");
                assert_eq!(end(&content.as_bytes()[..content.len() - 1], step), Ok(None), "{content:?} by {step}");
            }
        }
    }

    #[test]
    fn what_servers_read_in_two_ways_is_refused() {
        for content in [
            "\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            " 5\r\nhello\r\n",
            "+5\r\nhello\r\n",
            "-1\r\n",
            "0x5\r\nhello\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5\rhello\r\n",
            "5\r\nhello0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello\r0\r\n",
            "5;a\nX\r\nhello\r\n",
            "5;\0\r\nhello\r\n",
            "0\n\n",
            "0\r\n\n",
            "0\r\nX\r\n\r\n",
            "0\r\n X: y\r\n\r\n",
            "0\r\nX: y\n\r\n",
            "0\r\nX : y\r\n\r\n",
            "0\r\nX: y\r\n folded\r\n\r\n",
            "0\r\n: y\r\n\r\n",
            "1000000000000000\r\n",
            "fffffffffffffffff\r\n",
            ";\r\n",
        ] {
            assert_eq!(end(content.as_bytes(), 64), Err(BadChunk), "{content:?}");
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let extension = format!("1;{}\r\nx\r\n", "e".repeat(1000));
        assert_eq!(end(extension.repeat(8).as_bytes(), 100), Ok(None));
        assert_eq!(end(extension.repeat(9).as_bytes(), 100), Err(BadChunk));
        assert_eq!(end(format!("0\r\nX: {}", "y".repeat(9000)).as_bytes(), 100), Err(BadChunk));
    }

    #[test]
    fn sizes_of_responses_may_be_padded() {
        let content = b"5  \r\nhello\r\n0 \r\n\r\n";
        assert_eq!(Chunked::of_response().follow(content), Ok((content.len(), 5)));
        assert_eq!(Chunked::new().follow(content), Err(BadChunk));
        // However many there are.
        let many = format!("{}0     \r\n\r\n", "1     \r\nx\r\n".repeat(10_000));
        assert_eq!(Chunked::of_response().follow(many.as_bytes()), Ok((many.len(), 10_000)));
    }

    proptest! {
        #[test]
        fn chunks_of_any_data_are_found_in_any_pieces(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5),
            rest in prop::collection::vec(any::<u8>(), 0..20),
            step in 1usize..50,
        ) {
            let mut content = Vec::new();
            for chunk in &chunks {
                content.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                content.extend_from_slice(chunk);
                content.extend_from_slice(b"\r\n");
            }
            content.extend_from_slice(b"0\r\n\r\n");
            let length = content.len();
            content.extend_from_slice(&rest);
            let data = chunks.iter().map(Vec::len).sum();
            prop_assert_eq!(end(&content, step), Ok(Some((length, data))));
        }
    }
}
