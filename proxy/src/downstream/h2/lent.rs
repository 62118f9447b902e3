//! A connection as Pingora's HTTP/2 has it.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf as _, BytesMut};
use parking_lot::Mutex;
use pingora::protocols::ALPN;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::super::connection::Connection;
use super::super::deadline::{Millis, Watch};
use super::super::metrics::Limit;
use super::super::pacing::Pacing;
use super::super::pingora_io::Lending;
use super::Windows;
use super::frames::Frames;
use super::requests::Signals;
use super::streams::Streams;

/// Between two looks at what the client is waited for.
const CHECK_EVERY: Millis = 1000;
/// Most bytes that are held back while more may be written soon: as many as are sealed together by TLS.
const HELD: usize = 16 << 10;
/// Reasons of a GOAWAY (RFC 9113 §7).
const NO_ERROR: u32 = 0x0;
const ENHANCE_YOUR_CALM: u32 = 0xb;

/// Where a lent connection is put back.
pub(super) type Back = Arc<Mutex<Option<Returned>>>;

/// A connection that is lent.
#[derive(Debug)]
pub(super) struct Lent {
    /// Always there; taken when this is dropped.
    connection: Option<Box<Connection>>,
    back: Back,
    signals: Arc<Signals>,
    coming: Frames,
    going: Frames,
    streams: Streams,
    /// The client's taking what is written, whatever it is.
    writing: Pacing,
    /// Until when it must take some of it.
    write_until: Option<Millis>,
    /// When [`Streams::check`] is due, where the client is waited for, or was.
    check_at: Option<Millis>,
    /// What it has exceeded.
    exceeded: Option<Limit>,
}

/// A connection that comes back.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) connection: Box<Connection>,
    /// The last stream and the reason, where the client is to be told why the connection ends and can be.
    pub(super) goaway: Option<(u32, u32)>,
}

// === impl Lent ===

impl Lent {
    pub(super) fn new(connection: Box<Connection>, back: Back, signals: Arc<Signals>) -> Self {
        let windows = Windows::of(&connection.limits.h2);
        let streams = Streams::new(connection.now(), windows.connection.into(), windows.stream.into());
        Self {
            connection: Some(connection),
            back,
            signals,
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
            // To the end, also where the client has exceeded something: what went, went, and a GOAWAY comes behind it.
            let followed: Result<(), Infallible> = going.follow(&part[..here], |event| {
                seen = seen.and(streams.went(now, &connection.limits, event));
                Ok(())
            });
            let Ok(()) = followed;
        }
        self.heed(seen)
    }

    /// No more requests are to come.
    fn end(&self, limit: Option<Limit>) {
        if let (true, Some(limit), Some(connection)) = (self.signals.end(), limit, &self.connection) {
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
        if self.check_at.is_none() && self.streams.is_waiting() {
            self.check_at = Some(now + CHECK_EVERY);
        }
        // Once it is set it stays: a client that goes on a little between any two looks is looked at too.
        if self.check_at.is_some_and(|at| at <= now) {
            self.check_at = self.streams.is_waiting().then_some(now + CHECK_EVERY);
            let checked = self.streams.check(now, &connection.limits);
            self.heed(checked)?;
            if let Some(connection) = &mut self.connection {
                connection.outgoing.release();
            }
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
            self.write_until = Some(self.writing.wait(connection.now(), &connection.limits.response));
        }
        self.wait(cx)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let can_be_told = self.exceeded.is_some() && self.going.is_between();
            let reason = if self.exceeded == Some(Limit::IdleTimeout) { NO_ERROR } else { ENHANCE_YOUR_CALM };
            let goaway = can_be_told.then(|| (self.streams.last(), reason));
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
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let is_corked = self.signals.is_corked();
        let Connection { transport, outgoing, .. } = self.connection()?;
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let written = if is_corked && outgoing.left() + length <= HELD {
            for part in parts {
                outgoing.hold(part);
            }
            Poll::Ready(Ok(length))
        } else {
            outgoing.poll_write(transport, cx, parts)
        };
        self.wrote(cx, written, parts.iter().map(|part| &**part))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.signals.is_corked() {
            return Poll::Ready(Ok(()));
        }
        self.poll_shutdown(cx)
    }

    /// The end itself comes when the connection is given back.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Connection { transport, outgoing, .. } = self.connection()?;
        let flushed = outgoing.poll_flush(transport, cx);
        if flushed.is_pending() {
            self.wait_to_write(cx)?;
        }
        flushed
    }
}

impl Lending for Lent {
    const PROTOCOL: ALPN = ALPN::H2;

    fn lent(&self) -> Option<&Connection> {
        self.connection.as_deref()
    }
}
