//! An answer from memory on its way to the client.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use smallvec::SmallVec;
use tokio::io::AsyncWrite;

use super::super::connection::Connection;
use super::super::metrics::Limit;
use super::super::pacing::Pacing;
use super::super::transport::Transport;
use crate::fast::FastAnswer;
use crate::store::StoredBody;

/// Bodies up to this size are written in one piece with their head.
const SMALL: u64 = 4 << 10;
/// Parts of a body that one call writes.
const PARTS: usize = 16;

/// An answer of which a part is written.
#[derive(Debug)]
pub(super) struct Sending {
    head: Vec<u8>,
    /// Absent where the head is all, such as a refusal's, which holds its content.
    answer: Option<FastAnswer>,
    /// Bytes that are written, of the head and of the body behind it.
    sent: u64,
    pacing: Pacing,
}

/// What comes after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The next request.
    Next,
    /// The connection's end.
    Last,
    /// The connection's end, since the answer could not be written.
    Failed,
}

// === impl Sending ===

impl Sending {
    /// Nothing but these bytes, and then the connection's end.
    pub(super) fn last(bytes: Vec<u8>) -> Self {
        Self { head: bytes, answer: None, sent: 0, pacing: Pacing::default() }
    }

    /// Writes an answer, as far as the client takes it at once; what is left of it is to be [polled](Self::poll) on.
    pub(super) fn begin(
        connection: &mut Connection,
        cx: &mut Context<'_>,
        head: &mut Vec<u8>,
        answer: FastAnswer,
    ) -> Result<Sent, Self> {
        let mut sent = 0;
        if let Poll::Ready(result) =
            poll_send_small(&mut connection.transport, cx, head, answer.body.as_ref(), &mut sent)
        {
            return Ok(end(connection, Some(answer), head.len(), sent, &result));
        }
        match poll_send(&mut connection.transport, cx, head, answer.body.as_ref(), &mut sent) {
            Poll::Ready(result) => Ok(end(connection, Some(answer), head.len(), sent, &result)),
            Poll::Pending => Err(Self { head: head.clone(), answer: Some(answer), sent, pacing: Pacing::default() }),
        }
    }

    /// Writes on, as fast as the client takes it, and ends where that is too slow.
    pub(super) fn poll(&mut self, connection: &mut Connection, cx: &mut Context<'_>) -> Poll<Sent> {
        let before = self.sent;
        let body = self.answer.as_ref().and_then(|answer| answer.body.as_ref());
        let mut result = poll_send(&mut connection.transport, cx, &self.head, body, &mut self.sent);
        let now = connection.now();
        if self.sent > before {
            self.pacing.go_on(now, &connection.limits.response, self.sent - before);
        }
        if result.is_pending() {
            connection.watch.set(self.pacing.wait(now, &connection.limits.response), 0);
            connection.watch.register(cx.waker());
            if connection.watch.is_due(now) {
                connection.worker().metrics.exceeded(Limit::ResponseRate);
                result = Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        let result = ready!(result);
        connection.watch.clear();
        Poll::Ready(end(connection, self.answer.take(), self.head.len(), self.sent, &result))
    }
}

/// Counts an answer that is over.
fn end(connection: &Connection, answer: Option<FastAnswer>, head: usize, sent: u64, result: &io::Result<()>) -> Sent {
    let keep_alive = answer.as_ref().is_some_and(|answer| answer.keep_alive);
    if let Some(answer) = answer {
        connection.worker().fast.ended(answer, sent.saturating_sub(head as u64), result.is_err());
    }
    match result {
        Ok(()) if keep_alive => Sent::Next,
        Ok(()) => Sent::Last,
        Err(_) => Sent::Failed,
    }
}

/// Writes head and body in one piece, where they are short, and nothing where they are not. Copying some kilobytes costs less than what the
/// kernel takes for more than one piece, and over TLS they then are one record.
fn poll_send_small(
    transport: &mut Transport,
    cx: &mut Context<'_>,
    head: &mut Vec<u8>,
    body: Option<&StoredBody>,
    sent: &mut u64,
) -> Poll<io::Result<()>> {
    if body.is_some_and(|body| body.len() > SMALL) {
        return Poll::Pending;
    }
    let of_head = head.len();
    body.into_iter().flat_map(StoredBody::slices).for_each(|slice| head.extend_from_slice(slice));
    let all = head.len();
    let written = Pin::new(&mut *transport).poll_write(cx, head);
    head.truncate(of_head);
    *sent = match ready!(written)? {
        0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        count => count as u64,
    };
    if *sent < all as u64 {
        return Poll::Pending;
    }
    Pin::new(transport).poll_flush(cx)
}

/// Writes head and body from `sent` on.
fn poll_send(
    transport: &mut Transport,
    cx: &mut Context<'_>,
    head: &[u8],
    body: Option<&StoredBody>,
    sent: &mut u64,
) -> Poll<io::Result<()>> {
    loop {
        let mut skip = *sent;
        let mut parts: SmallVec<[IoSlice<'_>; PARTS]> = SmallVec::new();
        let chunks = body.into_iter().flat_map(StoredBody::slices);
        for part in std::iter::once(head).chain(chunks) {
            let length = part.len() as u64;
            if skip < length {
                // It lies within the part, so it fits.
                parts.push(IoSlice::new(&part[usize::try_from(skip).unwrap_or(0)..]));
                if parts.len() == PARTS {
                    break;
                }
            }
            skip = skip.saturating_sub(length);
        }
        if parts.is_empty() {
            return Pin::new(transport).poll_flush(cx);
        }
        match ready!(Pin::new(&mut *transport).poll_write_vectored(cx, &parts))? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            count => *sent += count as u64,
        }
    }
}
