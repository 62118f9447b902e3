//! A connection as the slow path has it for one request: it reads this request's content and no byte of the next one, however Pingora
//! reads, and it must come and go as fast as the limits say.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf as _;
use http::HeaderValue;
use parking_lot::Mutex;
use pingora::protocols::ALPN;
use pingora::protocols::http::ServerSession;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::connection::Connection;
use super::super::deadline::{Millis, Watch, millis};
use super::super::metrics::Limit;
use super::super::pacing::Pacing;
use super::super::pingora_io::{Lending, PingoraIo};
use super::content::Content;
use super::requests::Request;
use super::slow::Back;
use crate::chunked::BadChunk;

/// Most bytes of later requests that are read while one is answered, to see whether the client is still there.
const AHEAD: usize = 16 << 10;
/// Length of a date in the preferred form (RFC 9110 §5.6.7).
const DATE_LENGTH: usize = 29;
/// What stands before it, as Pingora writes it; compared without regard to case.
const DATE_FIELD: &[u8] = b"\r\ndate: ";

/// Lets the next response that this session writes carry this Date: as the origin sent it (RFC 9110 §6.6.1), where Pingora's HTTP/1
/// writer puts its own clock's. Without effect over HTTP/2, where that stays.
///
/// It matters where an older cache or client takes freshness from Expires, which is counted from Date (RFC 9111 §4.2.1).
pub(crate) fn keep_date(session: &ServerSession, date: Option<&HeaderValue>) {
    let Some(date) = date.and_then(|date| <[u8; DATE_LENGTH]>::try_from(date.as_bytes()).ok()) else {
        return;
    };
    if let ServerSession::H1(session) = session
        && let Some(PingoraIo(lent)) = session.stream().as_ref().as_any().downcast_ref::<PingoraIo<Lent>>()
    {
        *lent.date.lock() = Some(date);
    }
}

/// Why a request's content ends before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ContentError {
    /// It is malformed.
    #[error(transparent)]
    Malformed(#[from] BadChunk),
    /// It comes too slowly.
    #[error("the request's content comes too slowly")]
    Slow,
}

/// A connection, for one request.
#[derive(Debug)]
pub(super) struct Lent {
    /// Always there; taken when this is dropped.
    connection: Option<Box<Connection>>,
    back: Back,
    content: Content,
    receiving: Pacing,
    sending: Pacing,
    /// Bytes written that are accounted for.
    sent: u64,
    /// When all content has to have come.
    content_until: Millis,
    /// The deadlines of reading and of writing; whichever is earlier is watched.
    deadlines: [Millis; 2],
    /// The Date that the next head gets.
    date: Mutex<Option<[u8; DATE_LENGTH]>>,
    head: NextHead,
    /// Whether the client knows no chunks, so that the connection's end may be the content's.
    is_http10: bool,
    is_shut: bool,
}

/// A connection that comes back.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) connection: Box<Connection>,
    /// Whether its end was asked for, so that the last answer is whole.
    pub(super) is_shut: bool,
    /// Whether all of the request's content was read, so that what follows is another request.
    pub(super) is_content_ended: bool,
    /// Whether its end could be taken for that of a response's content.
    pub(super) looks_whole: bool,
}

/// What is known of the response's head, which Pingora writes in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NextHead {
    /// It is to come; 101 (Switching Protocols) was asked for or not.
    Awaited { upgrades: bool },
    /// It was written.
    Written,
}

/// Index of a deadline.
#[derive(Clone, Copy)]
enum Way {
    In = 0,
    Out = 1,
}

// === impl ContentError ===

impl ContentError {
    /// The one that made reading fail, where one did.
    pub(crate) fn of(error: &pingora::Error) -> Option<Self> {
        error.root_cause().downcast_ref::<io::Error>()?.get_ref()?.downcast_ref().copied()
    }
}

impl From<ContentError> for io::Error {
    fn from(error: ContentError) -> Self {
        let kind = match error {
            ContentError::Malformed(_) => io::ErrorKind::InvalidData,
            ContentError::Slow => io::ErrorKind::TimedOut,
        };
        Self::new(kind, error)
    }
}

// === impl Lent ===

impl Lent {
    pub(super) fn new(connection: Box<Connection>, request: &Request, back: Back) -> Self {
        Self {
            back,
            content: Content::new(request.framing),
            receiving: Pacing::default(),
            sending: Pacing::default(),
            sent: connection.outgoing.taken(),
            content_until: connection.now().saturating_add(millis(connection.limits.body_timeout)),
            deadlines: [Millis::MAX; 2],
            date: Mutex::new(None),
            head: NextHead::Awaited { upgrades: request.upgrades },
            is_http10: request.is_http10,
            is_shut: false,
            connection: Some(connection),
        }
    }

    /// The connection; an error where it was given back, which nobody sees.
    fn connection(&mut self) -> io::Result<&mut Connection> {
        self.connection.as_deref_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Waits for the client, in one way: whether that lasted too long.
    fn wait(&mut self, way: Way, cx: &Context<'_>) -> bool {
        let Some(connection) = &mut self.connection else {
            return false;
        };
        let now = connection.now();
        let (pacing, pace) = match way {
            Way::In => (&mut self.receiving, &connection.limits.body),
            Way::Out => (&mut self.sending, &connection.limits.response),
        };
        let mut at = pacing.wait(now, pace);
        if matches!(way, Way::In) {
            at = at.min(self.content_until);
        }
        self.deadlines[way as usize] = at;
        connection.watch.register(cx.waker());
        connection.watch.set(self.deadlines[0].min(self.deadlines[1]), 0);
        let is_due = Watch::is_over(at, now);
        if is_due {
            let limit = match way {
                Way::In if at == self.content_until => Limit::BodyTimeout,
                Way::In => Limit::BodyRate,
                Way::Out => Limit::ResponseRate,
            };
            connection.worker().metrics.exceeded(limit);
        }
        is_due
    }

    /// The client went on by so many bytes.
    fn go_on(&mut self, way: Way, bytes: u64) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let (pacing, pace) = match way {
            Way::In => (&mut self.receiving, &connection.limits.body),
            Way::Out => (&mut self.sending, &connection.limits.response),
        };
        pacing.go_on(connection.now(), pace, bytes);
        if self.deadlines[way as usize] != Millis::MAX {
            self.deadlines[way as usize] = Millis::MAX;
            connection.watch.set(self.deadlines[0].min(self.deadlines[1]), 0);
        }
    }

    /// The content's next bytes, from what was read before or from the transport.
    fn poll_content(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let content = &mut self.content;
        let Some(connection) = &mut self.connection else {
            return Poll::Ready(Ok(()));
        };
        if into.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let data = if connection.buffer.is_empty() {
            let before = into.filled().len();
            ready!(Pin::new(&mut connection.transport).poll_read(cx, into))?;
            let new = &into.filled()[before..];
            if new.is_empty() {
                connection.is_read_closed = true;
                return Poll::Ready(Ok(()));
            }
            let (used, data) = content.take(new).map_err(ContentError::from)?;
            connection.buffer.extend_from_slice(&new[used..]);
            into.set_filled(before + used);
            data
        } else {
            let here = connection.buffer.len().min(into.remaining());
            let (used, data) = content.take(&connection.buffer[..here]).map_err(ContentError::from)?;
            into.put_slice(&connection.buffer[..used]);
            connection.buffer.advance(used);
            if connection.buffer.is_empty() {
                connection.buffer = bytes::BytesMut::new();
            }
            data
        };
        self.go_on(Way::In, data as u64);
        Poll::Ready(Ok(()))
    }

    /// No more content is to come: ready only when the client has closed its half.
    fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let connection = self.connection()?;
        while !connection.is_read_closed {
            if connection.buffer.len() >= AHEAD {
                return Poll::Pending;
            }
            ready!(connection.poll_more(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what is held back; the client must take it in time.
    fn poll_out(&mut self, cx: &mut Context<'_>, parts: Option<&[IoSlice<'_>]>) -> Poll<io::Result<usize>> {
        let connection = self.connection()?;
        let Connection { transport, outgoing, .. } = connection;
        let written = match parts {
            Some(parts) => outgoing.poll_write(transport, cx, parts),
            None => outgoing.poll_flush(transport, cx).map_ok(|()| 0),
        };
        let taken = outgoing.taken();
        if taken > self.sent {
            self.go_on(Way::Out, taken - self.sent);
            self.sent = taken;
        }
        if written.is_pending() && self.wait(Way::Out, cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }

    /// Looks at a write, which may be a head: it gets its Date and is held back whole. Tells whether it is one.
    fn hold_head(&mut self, given: &[u8]) -> bool {
        let (NextHead::Awaited { upgrades }, Some(status)) = (self.head, status(given)) else {
            return false;
        };
        let Some(connection) = &mut self.connection else {
            return false;
        };
        connection.outgoing.hold(given);
        match status {
            b"101" if upgrades => self.content = Content::Switched,
            [b'1', ..] => return true,
            _ => {}
        }
        self.head = NextHead::Written;
        if let Some(date) = self.date.get_mut().take()
            && let Some(at) = date_place(given)
        {
            connection.outgoing.last(given.len())[at..at + DATE_LENGTH].copy_from_slice(&date);
        }
        true
    }
}

/// The status of a head.
fn status(given: &[u8]) -> Option<&[u8]> {
    given.strip_prefix(b"HTTP/1.")?.get(2..5)
}

/// Where the value of Date begins in a head that is whole.
fn date_place(head: &[u8]) -> Option<usize> {
    let end = memchr::memmem::find(head, b"\r\n\r\n")?;
    let is_field =
        |at: &usize| head[*at..].get(..DATE_FIELD.len()).is_some_and(|field| field.eq_ignore_ascii_case(DATE_FIELD));
    let at = memchr::memchr_iter(b'\r', &head[..end]).find(is_field)?;
    let begin = at + DATE_FIELD.len();
    // One of another length stays.
    (head[begin..].get(DATE_LENGTH..DATE_LENGTH + 2) == Some(b"\r\n")).then_some(begin)
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let is_content_ended = self.content.is_ended();
            let looks_whole = self.is_http10 && self.head == NextHead::Written;
            *self.back.lock() = Some(Returned { connection, is_shut: self.is_shut, is_content_ended, looks_whole });
        }
    }
}

impl AsyncRead for Lent {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // Who waits for the client has nothing to write for now, so what is held back goes out.
        if self.connection.as_ref().is_some_and(|connection| !connection.outgoing.is_out())
            && let Poll::Ready(Err(error)) = self.poll_out(cx, None)
        {
            return Poll::Ready(Err(error));
        }
        if self.content.is_ended() {
            return self.poll_closed(cx);
        }
        match self.poll_content(cx, into) {
            Poll::Ready(read) => Poll::Ready(read),
            // Who has switched protocols may be silent.
            Poll::Pending if matches!(self.content, Content::Switched) => Poll::Pending,
            Poll::Pending if self.wait(Way::In, cx) => Poll::Ready(Err(ContentError::Slow.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for Lent {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, given: &[u8]) -> Poll<io::Result<usize>> {
        if self.hold_head(given) {
            return Poll::Ready(Ok(given.len()));
        }
        self.poll_out(cx, Some(&[IoSlice::new(given)]))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        given: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_out(cx, Some(given))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_out(cx, None).map_ok(|_| ())
    }

    /// The end itself comes when the connection is given back.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_shut = true;
        self.poll_flush(cx)
    }
}

impl Lending for Lent {
    const PROTOCOL: ALPN = ALPN::H1;

    fn lent(&self) -> Option<&Connection> {
        self.connection.as_deref()
    }
}
