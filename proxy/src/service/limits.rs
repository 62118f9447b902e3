//! Limits on what a client may hold up within one request. Over HTTP/1 the connection itself is held to `[listen.limits]`
//! ([`crate::downstream`]); Pingora's own defaults are "for ever".

use std::time::Duration;

use pingora::protocols::http::ServerSession;

/// Longest wait, over HTTP/2, until the next [`WRITE_PIECE`] of a response is taken.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that are written under one write timeout: together they are the least rate at which a client must read.
pub(super) const WRITE_PIECE: usize = 64 * 1024;
/// Longest time for reading the rest of a request that was answered without it.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Sets them for one request.
pub(super) fn set(session: &mut ServerSession) {
    session.set_read_timeout(None);
    session.set_write_timeout(session.is_http2().then_some(WRITE_TIMEOUT));
    session.set_total_drain_timeout(Some(DRAIN_TIMEOUT));
}
