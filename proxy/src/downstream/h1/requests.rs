//! A connection's requests, one after the other.

use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use http::{StatusCode, header};

use super::super::closing::Closing;
use super::super::connection::{Connection, Scratch};
use super::super::deadline::{Millis, millis};
use super::super::h2::PREFACE;
use super::super::metrics::Limit;
use super::frame::{Frame, Framing};
use super::head::{self, Head, Malformed};
use super::known::Known;
use super::sending::{Sending, Sent};
use crate::refusal::Refusal;

/// Answers after which other connections get their turn.
const TURN: usize = 64;

/// Where a connection stands between two requests, and within one that is answered from memory.
#[derive(Debug)]
pub(super) struct Requests {
    /// The answer that is being written.
    sending: Option<Sending>,
    /// Since when there is no request.
    idle_since: Millis,
    /// Since when a head is on its way.
    head_since: Option<Millis>,
    /// Bytes of the buffer that hold no whole head.
    seen: usize,
    /// Bytes of it when it was parsed last.
    parsed: usize,
    /// Whether an empty line came before the head.
    skipped: bool,
    /// How many there were.
    count: usize,
    /// Whether the deadline wakes this task.
    registered: bool,
}

/// What is to be done with the connection.
#[derive(Debug)]
pub(super) enum Next {
    /// The request at the front of its buffer is the slow path's.
    Slow(Request),
    /// It speaks HTTP/2, from the front of its buffer on.
    H2,
    /// It ends.
    Close(Closing),
}

/// A request whose head is whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// Bytes of its head.
    pub(super) length: usize,
    pub(super) framing: Framing,
    /// Whether it asks for another protocol.
    pub(super) upgrades: bool,
    /// Whether it is of HTTP/1.0.
    pub(super) is_http10: bool,
    /// Whether it is the connection's last.
    pub(super) is_last: bool,
}

/// What was found in what was read.
enum Found {
    /// No whole head.
    Part,
    /// Something that is being written.
    Answer,
    Next(Next),
}

// === impl Request ===

impl Request {
    fn of(head: &Head<'_>, is_last: bool) -> Self {
        let &Head { length, frame: Frame { framing, upgrades }, ref request } = head;
        Self { length, framing, upgrades, is_http10: request.minor_version == 0, is_last }
    }
}

// === impl Requests ===

impl Requests {
    pub(super) fn new(connection: &Connection) -> Self {
        Self {
            sending: None,
            idle_since: connection.now(),
            head_since: None,
            seen: 0,
            parsed: 0,
            skipped: false,
            count: 0,
            registered: false,
        }
    }

    /// Begins to wait for the next one, after the slow path has answered one.
    pub(super) fn begin(&mut self, connection: &Connection) {
        self.registered = false;
        self.next(connection.now());
    }

    fn next(&mut self, now: Millis) {
        (self.idle_since, self.head_since, self.skipped) = (now, None, false);
        self.unseen();
    }

    /// What is in the buffer is to be looked at from its front.
    fn unseen(&mut self) {
        (self.seen, self.parsed) = (0, 0);
    }

    /// Answers requests until one is the slow path's, or the connection ends.
    pub(super) fn poll_next(&mut self, connection: &mut Connection, cx: &mut Context<'_>) -> Poll<Next> {
        let before = self.count;
        loop {
            if let Some(sending) = &mut self.sending {
                let sent = ready!(sending.poll(connection, cx));
                self.sending = None;
                match sent {
                    Sent::Next => self.next(connection.now()),
                    Sent::Last => return Poll::Ready(Next::Close(Closing::Linger)),
                    Sent::Failed => return Poll::Ready(Next::Close(Closing::Now)),
                }
            }
            if self.count - before >= TURN {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let found = if connection.buffer.len() > self.seen {
                let bytes = std::mem::take(&mut connection.buffer);
                Scratch::with(|scratch| self.look_in_buffer(connection, cx, bytes, &mut scratch.head))
            } else if connection.is_read_closed {
                return Poll::Ready(Next::Close(Closing::Now));
            } else {
                match self.poll_read(connection, cx) {
                    Poll::Ready(found) => found,
                    Poll::Pending => match self.wait(connection, cx) {
                        Some(found) => found,
                        None => return Poll::Pending,
                    },
                }
            };
            if let Found::Next(next) = found {
                return Poll::Ready(next);
            }
        }
    }

    /// Nothing comes: whether that lasts too long.
    fn wait(&mut self, connection: &Connection, cx: &Context<'_>) -> Option<Found> {
        let (watch, limits) = (&connection.watch, &connection.limits);
        if !self.registered {
            watch.register(cx.waker());
            self.registered = true;
        }
        match self.head_since {
            None => watch.set(self.idle_since, millis(limits.idle_timeout)),
            Some(since) => watch.set(since, millis(limits.head_timeout)),
        }
        let is_due = watch.is_due(connection.now());
        if self.head_since.is_none() {
            if is_due {
                connection.worker().metrics.exceeded(Limit::IdleTimeout);
            }
            let ends = is_due || connection.worker().is_stopping();
            return ends.then_some(Found::Next(Next::Close(Closing::Now)));
        }
        is_due.then(|| {
            connection.worker().metrics.exceeded(Limit::HeadTimeout);
            let message = "the request's head did not arrive in time";
            self.refuse(&Refusal::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message))
        })
    }

    fn poll_read(&mut self, connection: &mut Connection, cx: &mut Context<'_>) -> Poll<Found> {
        Scratch::with(|scratch| {
            let Ok((bytes, out)) = ready!(scratch.poll_read(&mut connection.transport, cx)) else {
                return Poll::Ready(Found::Next(Next::Close(Closing::Now)));
            };
            if bytes.is_empty() {
                connection.is_read_closed = true;
                return Poll::Ready(Found::Next(Next::Close(Closing::Now)));
            }
            if !connection.buffer.is_empty() {
                let mut buffer = std::mem::take(&mut connection.buffer);
                buffer.extend_from_slice(bytes);
                return Poll::Ready(self.look_in_buffer(connection, cx, buffer, out));
            }
            let (used, found) = Known::with(|known| self.look(connection, cx, bytes, known, out));
            if used < bytes.len() {
                connection.buffer = BytesMut::from(&bytes[used..]);
            }
            Poll::Ready(found)
        })
    }

    fn look_in_buffer(
        &mut self,
        connection: &mut Connection,
        cx: &mut Context<'_>,
        mut bytes: BytesMut,
        out: &mut Vec<u8>,
    ) -> Found {
        let (used, found) = Known::with(|known| self.look(connection, cx, &bytes, known, out));
        if used < bytes.len() {
            bytes.advance(used);
            connection.buffer = bytes;
        }
        found
    }

    /// Answers what it can of the requests in `bytes`. Returns how many of the bytes are done with: what is left begins with a head,
    /// where one is found.
    fn look(
        &mut self,
        connection: &mut Connection,
        cx: &mut Context<'_>,
        bytes: &[u8],
        known: &mut Known,
        out: &mut Vec<u8>,
    ) -> (usize, Found) {
        let mut used = 0;
        loop {
            let mut rest = &bytes[used..];
            // RFC 9112 §2.2: one empty line before a head is ignored.
            if !self.skipped && rest.starts_with(b"\r\n") {
                (self.skipped, used, rest) = (true, used + 2, &rest[2..]);
            }
            if connection.knows_h2c && self.count == 0 {
                match is_h2(rest) {
                    Some(true) => return (used, Found::Next(Next::H2)),
                    Some(false) => connection.knows_h2c = false,
                    None => {
                        self.head_since.get_or_insert(connection.now());
                        self.seen = rest.len();
                        return (used, Found::Part);
                    }
                }
            }
            let is_line_begun = !self.skipped && rest == b"\r";
            let is_worth = !is_line_begun && self.is_worth_parsing(rest);
            if is_line_begun {
                self.head_since.get_or_insert(connection.now());
            }
            self.seen = rest.len();
            if !is_worth {
                return (used, Found::Part);
            }
            let head = match head::parse(rest, known, &connection.limits) {
                Ok(Some(head)) => head,
                Ok(None) => {
                    self.head_since.get_or_insert(connection.now());
                    self.parsed = rest.len();
                    return (used, Found::Part);
                }
                Err(malformed) => return (used, self.refuse_malformed(connection, malformed)),
            };
            self.count += 1;
            let is_last = self.is_last(connection);
            let length = head.length;
            match Self::answer(connection, cx, &head, is_last, out) {
                None => return (used, Found::Next(Next::Slow(Request::of(&head, is_last)))),
                Some(Ok(Sent::Next)) => {
                    used += length;
                    self.next(connection.now());
                }
                Some(Ok(Sent::Last)) => return (used + length, Found::Next(Next::Close(Closing::Linger))),
                Some(Ok(Sent::Failed)) => return (used + length, Found::Next(Next::Close(Closing::Now))),
                Some(Err(sending)) => {
                    self.sending = Some(sending);
                    self.unseen();
                    return (used + length, Found::Answer);
                }
            }
            if self.count.is_multiple_of(TURN) {
                return (used, Found::Answer);
            }
        }
    }

    /// The fast path's answer, written as far as it can be.
    fn answer(
        connection: &mut Connection,
        cx: &mut Context<'_>,
        head: &Head<'_>,
        is_last: bool,
        out: &mut Vec<u8>,
    ) -> Option<Result<Sent, Sending>> {
        if head.frame != Frame::EMPTY {
            return None;
        }
        out.clear();
        connection.facts.last = is_last;
        let answer = connection.worker().fast.answer(&head.request, &connection.facts, out)?;
        Some(Sending::begin(connection, cx, out, answer))
    }

    /// Whether there may be more in `rest` than there was when it was parsed last: a head that comes byte by byte is not parsed as
    /// often.
    fn is_worth_parsing(&self, rest: &[u8]) -> bool {
        let ends = || {
            let new = &rest[self.seen.saturating_sub(3)..];
            memchr::memmem::find(new, b"\n\r\n").is_some() || memchr::memmem::find(new, b"\n\n").is_some()
        };
        !rest.is_empty() && (self.parsed == 0 || rest.len() >= self.parsed * 2 || ends())
    }

    fn is_last(&self, connection: &Connection) -> bool {
        let is_last = self.count >= connection.limits.requests;
        if is_last {
            connection.worker().metrics.exceeded(Limit::Requests);
        }
        is_last || connection.worker().is_stopping()
    }

    fn refuse_malformed(&mut self, connection: &Connection, malformed: Malformed) -> Found {
        connection.worker().metrics.malformed(malformed);
        self.refuse(&malformed.refusal())
    }

    /// Answers with a refusal, and then ends the connection: what comes behind is not known to be a request.
    fn refuse(&mut self, refusal: &Refusal) -> Found {
        self.sending = Some(Sending::last(response(refusal)));
        Found::Answer
    }
}

/// Whether these bytes begin HTTP/2 in clear text (RFC 9113 §3.3); `None` where too few of them came.
fn is_h2(bytes: &[u8]) -> Option<bool> {
    let count = bytes.len().min(PREFACE.len());
    match bytes[..count] == PREFACE[..count] {
        true if count < PREFACE.len() && count > 0 => None,
        is_same => Some(is_same && count > 0),
    }
}

/// A refusal as it is sent, and with it the end of the connection.
fn response(refusal: &Refusal) -> Vec<u8> {
    let (fields, body) = refusal.response();
    let mut bytes = format!("HTTP/1.1 {} \r\n", refusal.status.as_str());
    if let Some(reason) = refusal.status.canonical_reason() {
        bytes = format!("HTTP/1.1 {} {reason}\r\n", refusal.status.as_str());
    }
    let mut bytes = bytes.into_bytes();
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    let own = [(header::DATE.as_str(), date.as_bytes()), (header::CONNECTION.as_str(), b"close")];
    let given = fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    for (name, value) in own.into_iter().chain(given) {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}
