//! Limits on what a client may hold up. Pingora's own defaults are "for ever" for all of these.

use std::time::Duration;

use pingora::protocols::http::ServerSession;

/// Seconds that an idle connection is kept; Pingora also lets a later request's head take this long.
const KEEPALIVE_SECONDS: u64 = 60;
/// Longest wait for the next bytes of a request.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait until the next [`WRITE_PIECE`] of a response is taken.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes that are written under one write timeout: together they are the least rate at which a client must read.
pub(super) const WRITE_PIECE: usize = 64 * 1024;
/// Longest time for reading the rest of a request that was answered without it.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Sets them for one request.
pub(super) fn set(session: &mut ServerSession) {
    // A client that asked to close gets no keep-alive by this: only the time of one that has it is bounded.
    if session.get_keepalive().is_some() {
        session.set_keepalive(Some(KEEPALIVE_SECONDS));
    }
    session.set_read_timeout(Some(READ_TIMEOUT));
    session.set_write_timeout(Some(WRITE_TIMEOUT));
    session.set_total_drain_timeout(Some(DRAIN_TIMEOUT));
}
