//! A request that the slow path answers: the connection is lent for it, and comes back.

use std::sync::Arc;

use parking_lot::Mutex;
use pingora::protocols::http::ServerSession;

use super::super::closing::Closing;
use super::super::connection::Connection;
use super::super::pingora_io::PingoraIo;
use super::lent::{Lent, Returned};
use super::requests::Request;

/// Where a lent connection is put back.
pub(super) type Back = Arc<Mutex<Option<Returned>>>;

/// What comes after the answer.
pub(super) enum After {
    /// The next request.
    Next(Box<Connection>),
    /// The connection's end.
    Close(Box<Connection>, Closing),
    /// Nothing: the connection is gone.
    Gone,
}

/// Has the slow path answer the request whose head is at the front of the buffer.
pub(super) async fn answer(mut connection: Box<Connection>, request: Request) -> After {
    let head = connection.buffer.split_to(request.length);
    if connection.buffer.is_empty() {
        connection.buffer = bytes::BytesMut::new();
    }
    let worker = connection.worker_handle();
    let back = Back::default();
    let lent = Lent::new(connection, &request, back.clone());
    let mut session = ServerSession::new_http1(Box::new(PingoraIo(lent)));
    session.set_pipelined_prefix(head);
    if request.is_last {
        session.set_keepalive_reuses_remaining(Some(0));
    }
    let goes_on = worker.slow.answer(session, &worker.stop).await;
    come_back(&back, goes_on, false)
}

/// Takes back a connection that was lent; whoever had it has dropped it. `goes_on` where it can serve another request, `is_whole` where
/// its last answer came to its end.
pub(super) fn come_back(back: &Back, goes_on: bool, is_whole: bool) -> After {
    let Some(Returned { mut connection, is_shut, is_content_ended, looks_whole }) = back.lock().take() else {
        return After::Gone;
    };
    connection.watch.clear();
    connection.outgoing.release();
    let is_quiet = is_content_ended && connection.buffer.is_empty();
    match (goes_on && is_content_ended && connection.outgoing.is_out(), is_shut || is_whole || goes_on) {
        (true, _) => After::Next(connection),
        (false, true) if is_quiet => After::Close(connection, Closing::Now),
        (false, true) => After::Close(connection, Closing::Linger),
        (false, false) if looks_whole => After::Close(connection, Closing::Reset),
        (false, false) => After::Close(connection, Closing::Cut),
    }
}
