//! The end of a connection.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::connection::{Connection, Scratch};
use super::deadline::millis;
use super::transport::Transport;

/// How long the other end may take to read the last answer and to close its half.
const LINGER: Duration = Duration::from_secs(3);
/// Bytes that it may send meanwhile.
const MOST: usize = 1 << 20;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// Nothing is under way.
    Now,
    /// The last answer is whole, and the client may still be sending: closed at once, its bytes would have the answer thrown away
    /// unread (RFC 9112 §9.6).
    Linger,
    /// The last answer is not whole, which its framing tells.
    Cut,
    /// The last answer is not whole, and its content has no other end than the connection's: a reset is none (RFC 9112 §8).
    Reset,
}

/// Ends it.
pub(super) async fn close(connection: &mut Connection, closing: Closing) {
    connection.watch.set(connection.now(), millis(LINGER));
    let mut left = MOST;
    poll_fn(|cx| {
        connection.watch.register(cx.waker());
        if poll_close(connection, closing, &mut left, cx).is_ready() || connection.watch.is_due(connection.now()) {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

fn poll_close(
    connection: &mut Connection,
    closing: Closing,
    left: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<std::io::Result<()>> {
    if closing == Closing::Now && matches!(connection.transport, Transport::Clear(_)) {
        return Poll::Ready(Ok(()));
    }
    let Connection { transport, outgoing, .. } = connection;
    if let (Closing::Reset, Transport::Clear(stream)) = (closing, &*transport) {
        return Poll::Ready(stream.set_zero_linger());
    }
    ready!(outgoing.poll_flush(transport, cx))?;
    ready!(transport.poll_close(!matches!(closing, Closing::Cut | Closing::Reset), cx))?;
    if closing == Closing::Now {
        return Poll::Ready(Ok(()));
    }
    while !connection.is_read_closed {
        let count =
            Scratch::with(|scratch| scratch.poll_read(&mut connection.transport, cx).map_ok(|(bytes, _)| bytes.len()));
        let count = ready!(count)?;
        connection.is_read_closed = count == 0;
        *left = left.saturating_sub(count);
        if *left == 0 {
            break;
        }
    }
    Poll::Ready(Ok(()))
}
