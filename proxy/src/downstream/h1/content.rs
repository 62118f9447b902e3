//! Which bytes of the connection are a request's content.

use super::frame::Framing;
use crate::chunked::{BadChunk, Chunked};

/// What is left of a request's content.
#[derive(Clone, Debug)]
pub(in crate::downstream) enum Content {
    /// So many bytes; where it is zero, what follows is another request.
    Length(u64),
    /// Chunks.
    Chunked(Chunked),
    /// All that comes: the connection has switched to another protocol (RFC 9110 §7.8).
    Switched,
}

// === impl Content ===

impl Content {
    pub(in crate::downstream) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Chunked::new()),
        }
    }

    /// Whether all of it came, so that what follows is another request.
    pub(in crate::downstream) fn is_ended(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.is_ended(),
            Self::Switched => false,
        }
    }

    /// Takes what belongs to it from the front of `bytes`: how many bytes, and how many of those are no framing.
    pub(in crate::downstream) fn take(&mut self, bytes: &[u8]) -> Result<(usize, usize), BadChunk> {
        match self {
            Self::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= here as u64;
                Ok((here, here))
            }
            Self::Chunked(chunked) => chunked.follow(bytes),
            Self::Switched => Ok((bytes.len(), bytes.len())),
        }
    }
}
