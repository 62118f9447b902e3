//! What is to be written to a client: small writes are held back until they make a large one, or are flushed.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use smallvec::SmallVec;
use tokio::io::AsyncWrite;

use super::transport::Transport;

/// Bytes that are copied and held back rather than written at once.
const HELD: usize = 4 << 10;
/// Parts that one call writes.
const PARTS: usize = 16;

/// What is held back.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    held: Vec<u8>,
    /// Bytes of it that are written already.
    written: usize,
    /// Whether the transport may hold something back itself.
    unflushed: bool,
    /// Bytes that the transport took, of what was held and of what was not.
    taken: u64,
}

// === impl Outgoing ===

impl Outgoing {
    /// Whether nothing is held back, here or by the transport.
    pub(super) fn is_out(&self) -> bool {
        self.held.is_empty() && !self.unflushed
    }

    /// Bytes that are held back here.
    pub(super) fn left(&self) -> usize {
        self.held.len() - self.written
    }

    /// Bytes that the transport took so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Gives its memory back: an idle connection holds none.
    pub(super) fn release(&mut self) {
        if self.is_out() {
            self.held = Vec::new();
        }
    }

    /// Holds all of it back, to be written before what follows.
    pub(super) fn hold(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The bytes that were held last, to be changed in place.
    pub(super) fn last(&mut self, count: usize) -> &mut [u8] {
        let at = self.held.len().saturating_sub(count);
        &mut self.held[at..]
    }

    /// Writes or holds bytes of `parts`, as many as it returns.
    pub(super) fn poll_write(
        &mut self,
        transport: &mut Transport,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if self.left() + length <= HELD {
            for part in parts {
                self.held.extend_from_slice(part);
            }
            return Poll::Ready(Ok(length));
        }
        loop {
            let held = self.left();
            let all: SmallVec<[IoSlice<'_>; PARTS]> = std::iter::once(IoSlice::new(&self.held[self.written..]))
                .chain(parts.iter().map(|part| IoSlice::new(part)))
                .filter(|part| !part.is_empty())
                .take(PARTS)
                .collect();
            let count = ready!(Pin::new(&mut *transport).poll_write_vectored(cx, &all))?;
            drop(all);
            self.took(count)?;
            self.wrote(count.min(held));
            if count > held {
                return Poll::Ready(Ok(count - held));
            }
        }
    }

    /// Writes all that is held back.
    pub(super) fn poll_flush(&mut self, transport: &mut Transport, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.left() > 0 {
            let count = ready!(Pin::new(&mut *transport).poll_write(cx, &self.held[self.written..]))?;
            self.took(count)?;
            self.wrote(count);
        }
        if self.unflushed {
            ready!(Pin::new(transport).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn took(&mut self, count: usize) -> io::Result<()> {
        self.unflushed = true;
        self.taken += count as u64;
        if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
    }

    fn wrote(&mut self, count: usize) {
        self.written += count;
        if self.written == self.held.len() {
            self.written = 0;
            self.held.clear();
        }
    }
}
