//! Date as the origin sent it (RFC 9110 §6.6.1). Pingora's HTTP/1 writer puts its own clock's there and offers no way around
//! that, so the connection writes the right one in its place: it has the same length.
//!
//! It matters where an older cache or client takes freshness from Expires, which is counted from Date (RFC 9111 §4.2.1).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use http::HeaderValue;
use parking_lot::Mutex;
use pingora::apps::ServerApp;
use pingora::protocols::http::ServerSession;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::{SslDigest, TlsRef};
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, Stream, TimingDigest,
    UniqueID, UniqueIDType,
};
use pingora::server::ShutdownWatch;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Length of a date in the preferred form (RFC 9110 §5.6.7).
const LENGTH: usize = 29;
/// What stands before it, as Pingora writes it; compared without regard to case.
const FIELD: &[u8] = b"\r\ndate: ";

/// Lets the next response that this session writes carry this Date. Without effect over HTTP/2, where Pingora's clock stays.
pub(super) fn keep(session: &ServerSession, date: Option<&HeaderValue>) {
    let Some(date) = date.and_then(|date| <[u8; LENGTH]>::try_from(date.as_bytes()).ok()) else {
        return;
    };
    if let ServerSession::H1(session) = session
        && let Some(connection) = session.stream().as_ref().as_any().downcast_ref::<Connection>()
    {
        *connection.date.lock() = Some(Patch { date, next: Next::Head });
    }
}

/// An app whose connections can keep a Date.
pub(super) struct KeepsDate<A>(pub(super) Arc<A>);

/// A client's connection.
#[derive(Debug)]
struct Connection {
    inner: Stream,
    date: Mutex<Option<Patch>>,
}

/// The date that the next head gets.
#[derive(Clone, Copy, Debug)]
struct Patch {
    date: [u8; LENGTH],
    next: Next,
}

/// What is written next of a head.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// Its beginning.
    Head,
    /// So many bytes as they were given, and then the date.
    Before(usize),
    /// The date, from this byte of it.
    Date(usize),
}

#[async_trait]
impl<A: ServerApp + Send + Sync + 'static> ServerApp for KeepsDate<A> {
    async fn process_new(self: &Arc<Self>, stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        let connection = Connection { inner: stream, date: Mutex::new(None) };
        self.0.process_new(Box::new(connection), shutdown).await
    }

    async fn cleanup(&self) {
        self.0.cleanup().await;
    }
}

// === impl Connection ===

impl Connection {
    /// What is written now of `given`, which follows what was written before: so many bytes of it, or the date's from an offset.
    fn next(&mut self, given: &[u8]) -> Next {
        let slot = self.date.get_mut();
        if let Some(patch) = slot
            && let Next::Head = patch.next
        {
            match place(given) {
                Some(place) => patch.next = Next::Before(place),
                None => *slot = None,
            }
        }
        slot.map_or(Next::Before(given.len()), |patch| patch.next)
    }

    /// Notes that `count` bytes went out.
    fn wrote(&mut self, count: usize) {
        let slot = self.date.get_mut();
        if let Some(patch) = slot {
            patch.next = match patch.next {
                Next::Before(left) if count < left => Next::Before(left - count),
                Next::Date(from) => Next::Date(from + count),
                Next::Before(_) | Next::Head => Next::Date(0),
            };
            if matches!(patch.next, Next::Date(LENGTH..)) {
                *slot = None;
            }
        }
    }
}

/// Where the value of Date begins in a head that is whole.
fn place(head: &[u8]) -> Option<usize> {
    let end = memchr::memmem::find(head, b"\r\n\r\n").filter(|_| head.starts_with(b"HTTP/1."))?;
    let is_field = |at: &usize| head[*at..].get(..FIELD.len()).is_some_and(|field| field.eq_ignore_ascii_case(FIELD));
    let at = memchr::memchr_iter(b'\r', &head[..end]).find(is_field)?;
    let begin = at + FIELD.len();
    // One of another length stays.
    (head[begin..].get(LENGTH..LENGTH + 2) == Some(b"\r\n")).then_some(begin)
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, given: &[u8]) -> Poll<io::Result<usize>> {
        let patch = *self.date.get_mut();
        let count = match (self.next(given), patch) {
            (Next::Date(from), Some(patch)) => Pin::new(&mut self.inner).poll_write(cx, &patch.date[from..]),
            (Next::Before(count), _) => Pin::new(&mut self.inner).poll_write(cx, &given[..count.min(given.len())]),
            _ => Pin::new(&mut self.inner).poll_write(cx, given),
        };
        let count = ready!(count)?;
        self.wrote(count);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        given: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.date.get_mut().is_none() {
            return Pin::new(&mut self.inner).poll_write_vectored(cx, given);
        }
        let first = given.iter().find(|part| !part.is_empty()).map_or(&[][..], |part| part);
        self.poll_write(cx, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

// === the rest is the inner connection's ===

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, into)
    }
}

#[async_trait]
impl Shutdown for Connection {
    async fn shutdown(&mut self) {
        self.inner.shutdown().await;
    }
}

#[async_trait]
impl Peek for Connection {
    async fn try_peek(&mut self, into: &mut [u8]) -> io::Result<bool> {
        self.inner.try_peek(into).await
    }
}

impl UniqueID for Connection {
    fn id(&self) -> UniqueIDType {
        self.inner.id()
    }
}

impl Ssl for Connection {
    fn get_ssl(&self) -> Option<&TlsRef> {
        self.inner.get_ssl()
    }

    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.inner.get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.inner.selected_alpn_proto()
    }
}

impl GetTimingDigest for Connection {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.inner.get_timing_digest()
    }

    fn get_read_pending_time(&self) -> std::time::Duration {
        self.inner.get_read_pending_time()
    }

    fn get_write_pending_time(&self) -> std::time::Duration {
        self.inner.get_write_pending_time()
    }
}

impl GetProxyDigest for Connection {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.inner.get_proxy_digest()
    }

    fn set_proxy_digest(&mut self, digest: ProxyDigest) {
        self.inner.set_proxy_digest(digest);
    }
}

impl GetSocketDigest for Connection {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.inner.get_socket_digest()
    }

    fn set_socket_digest(&mut self, digest: SocketDigest) {
        self.inner.set_socket_digest(digest);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const ORIGIN: &[u8; LENGTH] = b"Sun, 06 Nov 1994 08:49:37 GMT";

    /// What arrives when `written` is written with a Date to keep, the connection taking `room` bytes at a time.
    async fn arrives(written: &[&[u8]], room: usize) -> String {
        let (inner, mut client) = tokio::io::duplex(room);
        let mut connection =
            Connection { inner: Box::new(inner), date: Mutex::new(Some(Patch { date: *ORIGIN, next: Next::Head })) };
        let read = tokio::spawn(async move {
            let mut all = String::new();
            client.read_to_string(&mut all).await.unwrap();
            all
        });
        for part in written {
            connection.write_all(part).await.unwrap();
        }
        AsyncWriteExt::shutdown(&mut connection).await.unwrap();
        drop(connection);
        read.await.unwrap()
    }

    #[tokio::test]
    async fn the_first_head_gets_the_date_and_nothing_else_changes() {
        let head = |date: &str| format!("HTTP/1.1 200 OK\r\nServer: x\r\nDate: {date}\r\nAge: 3\r\n\r\n");
        let now = head("Sat, 21 Nov 2026 14:25:18 GMT");
        let kept = head(std::str::from_utf8(ORIGIN).unwrap());
        for room in [1, 7, 28, 29, 30, 64, 4096] {
            let body = b"x\r\ndate: Sat, 21 Nov 2026 14:25:18 GMT\r\n\r\n";
            let arrived = arrives(&[now.as_bytes(), body, now.as_bytes()], room).await;
            let expected = format!("{kept}{}{now}", std::str::from_utf8(body).unwrap());
            assert_eq!(arrived, expected, "{room} bytes at a time");
        }
    }

    #[tokio::test]
    async fn a_head_without_a_place_for_it_stays() {
        for head in [
            "HTTP/1.1 200 OK\r\nDate: Saturday, 21-Nov-26 14:25:18 GMT\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX-Date: Sat, 21 Nov 2026 14:25:18 GMT\r\n\r\n",
            "no head\r\ndate: Sat, 21 Nov 2026 14:25:18 GMT\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nx\r\ndate: Sat, 21 Nov 2026 14:25:18 GMT\r\n\r\n",
            "",
        ] {
            assert_eq!(arrives(&[head.as_bytes()], 64).await, head);
        }
    }
}
