//! A connection as Pingora's HTTP/2 has it.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf as _, BytesMut};
use parking_lot::Mutex;
use pingora::protocols::ALPN;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use super::super::connection::Connection;
use super::super::deadline::{Millis, Watch};
use super::super::metrics::Limit;
use super::super::pacing::Pacing;
use super::super::pingora_io::Described;
use super::Windows;
use super::frames::Frames;
use super::streams::Streams;

/// Between two looks at what the client is waited for.
const CHECK_EVERY: Millis = 1000;

/// Where a lent connection is put back.
pub(super) type Back = Arc<Mutex<Option<Returned>>>;

/// A connection that is lent.
#[derive(Debug)]
pub(super) struct Lent {
    /// Always there; taken when this is dropped.
    connection: Option<Box<Connection>>,
    back: Back,
    /// Told when no more requests are to come.
    ending: watch::Sender<bool>,
    coming: Frames,
    going: Frames,
    streams: Streams,
    /// The client's taking what is written, whatever it is.
    writing: Pacing,
    /// Until when it must take some of it.
    write_until: Option<Millis>,
    /// When [`Streams::check`] is due, where the client is waited for.
    check_at: Option<Millis>,
    /// What it has exceeded.
    exceeded: Option<Limit>,
}

/// A connection that comes back.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) connection: Box<Connection>,
    /// The last stream, where the client is to be told why the connection ends and can be.
    pub(super) goaway: Option<u32>,
}

// === impl Lent ===

impl Lent {
    pub(super) fn new(connection: Box<Connection>, back: Back, ending: watch::Sender<bool>) -> Self {
        let windows = Windows::of(&connection.limits.h2);
        let streams = Streams::new(connection.now(), windows.connection.into(), windows.stream.into());
        Self {
            connection: Some(connection),
            back,
            ending,
            coming: Frames::coming(),
            going: Frames::going(),
            streams,
            writing: Pacing::default(),
            write_until: None,
            check_at: None,
            exceeded: None,
        }
    }

    /// The connection; an error where it was given back, or is to end.
    fn connection(&mut self) -> io::Result<&mut Connection> {
        match (&mut self.connection, self.exceeded) {
            (Some(connection), None) => Ok(connection),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Ends the connection where a limit is exceeded.
    fn heed(&mut self, result: Result<(), Limit>) -> io::Result<()> {
        let Err(limit) = result else {
            return Ok(());
        };
        self.exceeded = Some(limit);
        if let Some(connection) = &self.connection {
            connection.worker().metrics.exceeded(limit);
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    /// Looks at what came.
    fn came(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Self { connection: Some(connection), coming, streams, .. } = self else {
            return Ok(());
        };
        let now = connection.now();
        let seen = coming.follow(bytes, |event| streams.came(now, &connection.limits, event));
        if streams.requests() >= connection.limits.requests as u64 {
            self.end(Some(Limit::Requests));
        }
        self.heed(seen)
    }

    /// Looks at what went.
    fn went<'p>(&mut self, parts: impl Iterator<Item = &'p [u8]>, mut count: usize) -> io::Result<()> {
        let Self { connection: Some(connection), going, streams, writing, .. } = self else {
            return Ok(());
        };
        let now = connection.now();
        writing.go_on(now, &connection.limits.response, count as u64);
        self.write_until = None;
        let mut seen = Ok(());
        for part in parts {
            let here = part.len().min(count);
            count -= here;
            seen =
                seen.and_then(|()| going.follow(&part[..here], |event| streams.went(now, &connection.limits, event)));
        }
        self.heed(seen)
    }

    /// No more requests are to come.
    fn end(&self, limit: Option<Limit>) {
        let is_first = self.ending.send_if_modified(|ending| !std::mem::replace(ending, true));
        if let (true, Some(limit), Some(connection)) = (is_first, limit, &self.connection) {
            connection.worker().metrics.exceeded(limit);
        }
    }

    /// Nothing comes, or nothing goes: sees whether the client has had its time.
    fn wait(&mut self, cx: &Context<'_>) -> io::Result<()> {
        let Some(connection) = &self.connection else {
            return Ok(());
        };
        if connection.worker().is_stopping() {
            self.end(None);
        }
        let now = connection.now();
        if !self.streams.is_waiting() {
            self.check_at = None;
        } else if *self.check_at.get_or_insert(now + CHECK_EVERY) <= now {
            self.check_at = Some(now + CHECK_EVERY);
            let checked = self.streams.check(now, &connection.limits);
            self.heed(checked)?;
        }
        if self.write_until.is_some_and(|until| Watch::is_over(until, now)) {
            self.heed(Err(Limit::ResponseRate))?;
        }
        if let Some(connection) = &self.connection {
            connection.watch.register(cx.waker());
            let next = self.check_at.unwrap_or(Millis::MAX).min(self.write_until.unwrap_or(Millis::MAX));
            connection.watch.set(next, 0);
        }
        Ok(())
    }

    /// After a write: accounts for what went, or waits.
    fn wrote<'p>(
        &mut self,
        cx: &Context<'_>,
        written: Poll<io::Result<usize>>,
        parts: impl Iterator<Item = &'p [u8]>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => self.went(parts, count)?,
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.wait_to_write(cx)?,
        }
        written
    }

    fn wait_to_write(&mut self, cx: &Context<'_>) -> io::Result<()> {
        if let Some(connection) = &self.connection {
            let (since, longest) = self.writing.wait(connection.now(), &connection.limits.response);
            self.write_until = Some(since.saturating_add(longest));
        }
        self.wait(cx)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let can_be_told = self.exceeded.is_some() && self.going.is_between();
            let goaway = can_be_told.then(|| self.streams.last());
            *self.back.lock() = Some(Returned { connection, goaway });
        }
    }
}

impl AsyncRead for Lent {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let connection = self.connection()?;
        let before = into.filled().len();
        let read = if connection.buffer.is_empty() {
            Pin::new(&mut connection.transport).poll_read(cx, into)
        } else {
            let count = connection.buffer.len().min(into.remaining());
            into.put_slice(&connection.buffer[..count]);
            connection.buffer.advance(count);
            if connection.buffer.is_empty() {
                connection.buffer = BytesMut::new();
            }
            Poll::Ready(Ok(()))
        };
        match read {
            Poll::Ready(Ok(())) => self.came(&into.filled()[before..])?,
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.wait(cx)?,
        }
        read
    }
}

impl AsyncWrite for Lent {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection()?.transport).poll_write(cx, bytes);
        self.wrote(cx, written, std::iter::once(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection()?.transport).poll_write_vectored(cx, parts);
        self.wrote(cx, written, parts.iter().map(|part| &**part))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.connection()?.transport).poll_flush(cx);
        if flushed.is_pending() {
            self.wait_to_write(cx)?;
        }
        flushed
    }

    /// The end itself comes when the connection is given back.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl Described for Lent {
    fn fd(&self) -> RawFd {
        self.connection.as_ref().map_or(-1, |connection| connection.transport.fd())
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.connection.as_ref().map(|connection| connection.peer)
    }

    fn is_encrypted(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.transport.is_encrypted())
    }

    fn protocol(&self) -> ALPN {
        ALPN::H2
    }
}
