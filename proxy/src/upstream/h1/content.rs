//! A response's content as it comes: pieces that hold nothing else, so that what is stored is as large as it says.

use bytes::{Buf as _, Bytes, BytesMut};

use crate::chunked::{BadChunk, Chunked};

/// What is left of a response's content.
#[derive(Debug)]
pub(super) enum Content {
    /// So many bytes.
    Length(u64),
    /// Chunks (RFC 9112 §7.1); their trailers are dropped (RFC 9110 §6.5.1).
    Chunked(Chunked),
    /// All that comes before the connection's end (RFC 9112 §8).
    ToTheEnd,
}

impl Content {
    /// Whether all of it came.
    pub(super) fn is_ended(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.is_ended(),
            Self::ToTheEnd => false,
        }
    }

    /// Takes what belongs to it off the front of what was received; may be empty.
    pub(super) fn take(&mut self, received: &mut BytesMut) -> Result<Bytes, BadChunk> {
        match self {
            Self::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(received.len());
                *left -= here as u64;
                Ok(copied(received, here))
            }
            Self::Chunked(chunked) => {
                let mut data = Vec::new();
                while !received.is_empty() && !chunked.is_ended() {
                    let (framing, here) = chunked.run(received)?;
                    received.advance(framing);
                    if data.is_empty() && here > 0 {
                        data.reserve_exact(here);
                    }
                    data.extend_from_slice(&received[..here]);
                    received.advance(here);
                }
                Ok(data.into_boxed_slice().into())
            }
            Self::ToTheEnd => Ok(copied(received, received.len())),
        }
    }
}

fn copied(received: &mut BytesMut, count: usize) -> Bytes {
    let piece = Bytes::copy_from_slice(&received[..count]);
    received.advance(count);
    piece
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_it_is_taken_and_what_follows_stays() {
        for (mut content, data) in [
            (Content::Length(5), "hello"),
            (Content::Chunked(Chunked::of_response()), "2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n"),
        ] {
            let behind = format!("{data}HTTP/1.1");
            let (mut received, mut all) = (BytesMut::new(), Vec::new());
            for byte in behind.bytes() {
                received.extend_from_slice(&[byte]);
                all.extend_from_slice(&content.take(&mut received).unwrap());
            }
            assert_eq!((all.as_slice(), &received[..], content.is_ended()), (&b"hello"[..], &b"HTTP/1.1"[..], true));
        }
        let mut received = BytesMut::from("hello");
        assert_eq!(Content::ToTheEnd.take(&mut received).unwrap(), "hello");
        assert!(Content::Chunked(Chunked::of_response()).take(&mut BytesMut::from("x")).is_err());
    }
}
