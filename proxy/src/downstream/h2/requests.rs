//! One connection's requests, as they come: what is fresh in memory is answered at once, all else by the slow path in a task of its
//! own.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use h2::Reason;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::{H2Accept, H2Options, HttpSession, default_h2_options, handshake};
use pingora::protocols::{Digest, Stream};

use super::super::closing::Closing;
use super::super::connection::Connection;
use super::super::worker::Worker;
use super::{Windows, head, writing};
use crate::downstream::Limits;
use crate::fast::ConnectionFacts;

/// Fewest and most bytes of a response that wait in a stream to be sent.
const LEAST_UNSENT: u32 = 8 << 10;
const MOST_UNSENT: u32 = 256 << 10;
/// Requests of one connection that are malformed (RFC 9113 §8.1.1) and of which the stream alone is refused; the next one ends the
/// connection.
const MOST_MALFORMED: usize = 32;

/// What a connection and the loop over its requests tell each other; both are of one task.
#[derive(Debug, Default)]
pub(super) struct Signals {
    /// No more requests are to come.
    is_ending: AtomicBool,
    /// More may be written soon: what is written is held back.
    is_corked: AtomicBool,
}

/// Answers a connection's requests.
pub(super) struct Requests {
    worker: Arc<Worker>,
    facts: ConnectionFacts,
    limits: Arc<Limits>,
    signals: Arc<Signals>,
}

// === impl Signals ===

impl Signals {
    /// Has no more requests come. Returns whether it was the first to say so.
    pub(super) fn end(&self) -> bool {
        !self.is_ending.swap(true, Ordering::Relaxed)
    }

    pub(super) fn is_corked(&self) -> bool {
        self.is_corked.load(Ordering::Relaxed)
    }

    fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }

    fn cork(&self, is_corked: bool) {
        self.is_corked.store(is_corked, Ordering::Relaxed);
    }
}

// === impl Requests ===

impl Requests {
    pub(super) fn new(connection: &Connection, signals: Arc<Signals>) -> Self {
        let (worker, limits) = (connection.worker_handle(), connection.limits.clone());
        Self { worker, facts: connection.facts, limits, signals }
    }

    /// Answers what comes by `io`, to the connection's end; how it is to be closed.
    pub(super) async fn answer(self, io: Stream) -> Closing {
        let digest = Arc::new(Digest {
            ssl_digest: io.get_ssl_digest(),
            timing_digest: io.get_timing_digest(),
            proxy_digest: io.get_proxy_digest(),
            socket_digest: io.get_socket_digest(),
        });
        let Ok(mut connection) = handshake(io, Some(self.options())).await else {
            return Closing::Now;
        };
        let (mut is_ending, mut malformed) = (false, 0);
        loop {
            let next = poll_fn(|cx| {
                let mut next = || pin!(HttpSession::from_h2_conn(&mut connection, digest.clone())).poll(cx);
                // As long as there are requests their answers are held back, to be written together.
                self.signals.cork(true);
                let mut found = next();
                if found.is_pending() {
                    self.signals.cork(false);
                    found = next();
                }
                match found {
                    Poll::Ready(found) => Poll::Ready(Some(found)),
                    Poll::Pending if !is_ending && self.signals.is_ending() => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }
            });
            match next.await {
                None => {
                    is_ending = true;
                    connection.graceful_shutdown();
                }
                Some(Ok(Some(H2Accept::Session(session)))) => malformed += usize::from(!self.begin(session)),
                Some(Ok(Some(H2Accept::Rejected))) => malformed += 1,
                // Who was told that it ends may still be sending.
                Some(Ok(None) | Err(_)) if is_ending || malformed > MOST_MALFORMED => return Closing::Linger,
                Some(Ok(None) | Err(_)) => return Closing::Now,
            }
            if malformed > MOST_MALFORMED {
                connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
            }
        }
    }

    /// Answers, or has answered what takes its time; false where it is no request.
    fn begin(&self, mut session: HttpSession) -> bool {
        if let Err(malformed) = head::settle(session.req_header_mut(), &self.limits) {
            self.worker.metrics.malformed(malformed);
            writing::refuse(session, &malformed.refusal());
            return false;
        }
        let answer =
            if session.is_body_empty() { self.worker.fast.answer_map(session.req_header(), &self.facts) } else { None };
        let worker = &self.worker;
        if let Some(answer) = answer {
            writing::begin(worker, session, answer, self.unsent().into());
            return true;
        }
        let worker = worker.clone();
        tokio::spawn(async move { worker.slow.answer(ServerSession::new_http2(session), &worker.stop).await });
        true
    }

    /// Bytes of a response that may wait in a stream to be sent.
    fn unsent(&self) -> u32 {
        let limits = &self.limits.h2;
        (Windows::of(limits).connection / limits.streams.max(1)).clamp(LEAST_UNSENT, MOST_UNSENT)
    }

    fn options(&self) -> H2Options {
        let limits = self.limits.h2;
        let windows = Windows::of(&limits);
        let mut options = default_h2_options();
        options
            .max_header_list_size(u32::try_from(self.limits.head).unwrap_or(u32::MAX))
            .max_concurrent_streams(limits.streams)
            .initial_connection_window_size(windows.connection)
            .initial_window_size(windows.stream)
            .max_send_buffer_size(self.unsent() as usize)
            .max_concurrent_reset_streams(limits.streams as usize)
            // In the connection's whole life, also of those that wait for a client that does not read.
            .max_local_error_reset_streams(Some(limits.resets.saturating_mul(2) as usize));
        options
    }
}
