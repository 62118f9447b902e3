//! HTTP/2: the h2 crate keeps the connection and its streams; what is fresh in memory is answered at once, all else by Pingora's
//! sessions. All frames are looked at on their way, for the limits that only they show.

mod frames;
mod head;
mod lent;
mod requests;
mod streams;
mod writing;

#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use frames::Frame;
use lent::{Back, Lent, Returned};
use requests::{Requests, Signals};

use super::H2Limits;
use super::closing::{self, Closing};
use super::connection::Connection;
use super::pingora_io::PingoraIo;

/// What a client sends first, in clear text too (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Most bytes of a stream's content that may come unasked for.
const MOST_WINDOW: u32 = 1 << 20;

/// Bytes of contents that may come unasked for.
#[derive(Clone, Copy, Debug)]
struct Windows {
    /// In all streams together.
    connection: u32,
    /// In one.
    stream: u32,
}

/// Serves a connection to its end.
pub(super) async fn serve(connection: Box<Connection>) {
    let (back, signals) = (Back::default(), Arc::new(Signals::default()));
    let requests = Requests::new(&connection, signals.clone());
    let lent = Lent::new(connection, back.clone(), signals);
    let closing = requests.answer(Box::new(PingoraIo(lent))).await;
    // It is dropped by now.
    let Some(Returned { mut connection, goaway }) = back.lock().take() else {
        return;
    };
    connection.watch.clear();
    let Some((last, reason)) = goaway else {
        return closing::close(&mut connection, closing).await;
    };
    connection.outgoing.hold(&Frame::goaway(last, reason));
    // So few bytes are taken at once, or the client does not read.
    poll_fn(|cx| {
        let Connection { transport, outgoing, .. } = &mut *connection;
        let _ = outgoing.poll_flush(transport, cx).is_ready();
        Poll::Ready(())
    })
    .await;
    closing::close(&mut connection, Closing::Linger).await;
}

// === impl Windows ===

impl Windows {
    fn of(limits: &H2Limits) -> Self {
        // Half for what comes, half for what goes.
        let connection = limits.memory / 2;
        Self { connection, stream: (connection / 2).min(MOST_WINDOW) }
    }
}
