//! One connection to an upstream: a request goes out in one write, and its response comes in.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::StatusCode;
use pingora::http::ResponseHeader;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::content::Content;
use super::head::{self, Head};
use super::stream::Stream;
use crate::upstream::{HeadError, MAX_INTERIM};

/// Bytes that are read at once while a head is to come: most heads, and a small response with its content.
const HEAD_READ: usize = 16 << 10;
/// Bytes that are read at once of content.
const CONTENT_READ: usize = 64 << 10;

thread_local! {
    /// Room to read into, for one connection after the other: what is held is as large as what came.
    static ROOM: RefCell<Vec<u8>> = RefCell::new(vec![0; CONTENT_READ]);
}

/// Why there is no response, or no more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The upstream took longer than its timeouts allow.
    #[error("it took too long")]
    TimedOut,
    /// The connection ended before a byte of the response came.
    #[error("the connection ended without a response")]
    Unanswered,
    /// The connection ended within the response.
    #[error("the connection ended before the response did")]
    Cut,
    /// What came does not begin as a response does (RFC 9112 §4): it may be what one before it has left behind.
    #[error("what came is not HTTP")]
    NotHttp,
    /// What came is not HTTP/1.x (RFC 9112 §4, §5), or is framed in no clear way (§6.3).
    #[error("what came is no response of HTTP/1.1")]
    Malformed,
    /// The head is longer than 1 MiB, or has more than 256 fields.
    #[error("the head of the response is too large")]
    HeadTooLarge,
    /// More than [`MAX_INTERIM`] interim responses.
    #[error("too many interim responses")]
    Interim,
    /// The head cannot be used.
    #[error(transparent)]
    Head(HeadError),
    /// The chunks of the content are malformed (RFC 9112 §7.1).
    #[error("the chunks of the response are malformed")]
    Chunks,
}

/// A connection on which nothing is under way.
pub(crate) struct Connection {
    stream: Stream,
    /// What came and is not used yet.
    received: BytesMut,
    /// One timer for all waiting, since setting it anew costs next to nothing.
    timer: Pin<Box<Sleep>>,
}

/// A response whose head has come, and whose content may be still to come.
pub struct Response {
    connection: Box<Connection>,
    content: Content,
    keeps_alive: bool,
    read_timeout: Duration,
    /// Room for the content's next bytes, in one piece as long as they are.
    room: BytesMut,
}

// === impl Connection ===

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, received: BytesMut::new(), timer: Box::pin(sleep(Duration::ZERO)) }
    }

    /// Whether the next request can be sent on it: it is open, and nothing came that nobody asked for.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.stream.is_quiet()
    }

    /// Sends a request without content, and waits for the head of its final response; hands interim ones on.
    pub(crate) async fn ask(
        mut self: Box<Self>,
        request: &[u8],
        timeouts: (Duration, Duration),
        interim: &mut (dyn FnMut(ResponseHeader) + Send),
    ) -> Result<(ResponseHeader, Response), Failure> {
        let (write_timeout, read_timeout) = timeouts;
        let Self { stream, timer, .. } = &mut *self;
        within(timer, || Instant::now() + write_timeout, stream.write_all(request)).await?.map_err(unanswered)?;
        if let Stream::Tls(_) = stream {
            within(timer, || Instant::now() + write_timeout, stream.flush()).await?.map_err(unanswered)?;
        }
        // A head that drips in must end too.
        let until = Instant::now() + read_timeout;
        let mut count = 0;
        loop {
            let Head { header, content, keeps_alive } = self.head(until).await?;
            if header.status.is_informational() {
                // The request has no content, so nobody waits for 100.
                if header.status != StatusCode::CONTINUE {
                    interim(header);
                }
                count += 1;
                if count == MAX_INTERIM {
                    return Err(Failure::Interim);
                }
                continue;
            }
            return Ok((
                header,
                Response { connection: self, content, keeps_alive, read_timeout, room: BytesMut::new() },
            ));
        }
    }

    async fn head(&mut self, until: Instant) -> Result<Head, Failure> {
        let Self { stream, received, timer } = self;
        loop {
            if !received.is_empty()
                && let Some(head) = head::take(received)?
            {
                return Ok(head);
            }
            match within(timer, || until, receive(stream, received, HEAD_READ)).await? {
                Ok(0) | Err(_) if received.is_empty() => return Err(Failure::Unanswered),
                Ok(0) | Err(_) => return Err(Failure::Cut),
                Ok(_) => {}
            }
        }
    }
}

/// Waits for something to be done on a connection, in time.
async fn within<T>(
    timer: &mut Pin<Box<Sleep>>,
    until: impl Fn() -> Instant,
    done: impl Future<Output = io::Result<T>>,
) -> Result<io::Result<T>, Failure> {
    let mut done = pin!(done);
    let mut is_set = false;
    poll_fn(|cx| {
        if let Poll::Ready(result) = done.as_mut().poll(cx) {
            return Poll::Ready(Ok(result));
        }
        // What needs no waiting needs no timer.
        if !is_set {
            timer.as_mut().reset(until());
            is_set = true;
        }
        timer.as_mut().poll(cx).map(|()| Err(Failure::TimedOut))
    })
    .await
}

/// Reads more, at most so much at once; tells how much came.
fn receive<'r>(
    stream: &'r mut Stream,
    received: &'r mut BytesMut,
    most: usize,
) -> impl Future<Output = io::Result<usize>> + 'r {
    poll_fn(move |cx| {
        ROOM.with_borrow_mut(|room| {
            let most = most.min(room.len());
            let mut into = ReadBuf::new(&mut room[..most]);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut into))?;
            received.extend_from_slice(into.filled());
            Poll::Ready(Ok(into.filled().len()))
        })
    })
}

fn unanswered(_: io::Error) -> Failure {
    Failure::Unanswered
}

// === impl Response ===

impl Response {
    /// The next piece of the content; `None` at its end, an error where it ends short of what was announced.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let Connection { stream, received, timer } = &mut *self.connection;
        loop {
            if !received.is_empty() {
                let piece = self.content.take(received).map_err(|_| Failure::Chunks)?;
                if !piece.is_empty() {
                    return Ok(Some(piece));
                }
            }
            if self.content.is_ended() {
                return Ok(None);
            }
            let read_timeout = self.read_timeout;
            let until = || Instant::now() + read_timeout;
            if let Content::Length(left) = &mut self.content {
                let most = usize::try_from(*left).unwrap_or(usize::MAX).min(CONTENT_READ);
                if self.room.capacity() == 0 {
                    self.room = BytesMut::with_capacity(most);
                }
                let mut room = (&mut self.room).limit(most);
                let count = within(timer, until, stream.read_buf(&mut room)).await?.map_err(|_| Failure::Cut)?;
                if count == 0 {
                    return Err(Failure::Cut);
                }
                *left -= count as u64;
                return Ok(Some(filled(&mut self.room)));
            }
            match within(timer, until, receive(stream, received, CONTENT_READ)).await? {
                // RFC 9112 §8: an end in order is the content's end; a reset is none.
                Ok(0) if matches!(self.content, Content::ToTheEnd) => {
                    self.content = Content::Length(0);
                    self.keeps_alive = false;
                }
                Ok(0) | Err(_) => return Err(Failure::Cut),
                Ok(_) => {}
            }
        }
    }

    /// The connection, where it can take another request: all of this response came, and nothing more.
    pub(super) fn into_connection(self) -> Option<Box<Connection>> {
        let mut connection = self.connection;
        let is_reusable = self.keeps_alive && self.content.is_ended() && connection.received.is_empty();
        // An idle connection holds no buffer.
        connection.received = BytesMut::new();
        is_reusable.then_some(connection)
    }
}

/// What was read into the room; what is left of it stays for what comes next.
fn filled(room: &mut BytesMut) -> Bytes {
    if room.len() == room.capacity() { std::mem::take(room).freeze() } else { room.split().freeze() }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response").field("content", &self.content).finish_non_exhaustive()
    }
}
