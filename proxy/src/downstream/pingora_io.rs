//! What Pingora wants of a connection besides its bytes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use async_trait::async_trait;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::SslDigest;
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl, TimingDigest, UniqueID,
    UniqueIDType, l4,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use super::connection::Connection;

/// Says no more than that there is TLS.
static ENCRYPTED: LazyLock<Arc<SslDigest>> = LazyLock::new(|| Arc::new(SslDigest::new("", "", None, None, Vec::new())));

/// A connection, for Pingora.
#[derive(Debug)]
pub(super) struct PingoraIo<T>(pub(super) T);

/// A connection that is lent.
pub(super) trait Lending {
    /// The version of HTTP that is spoken.
    const PROTOCOL: ALPN;

    /// The connection; `None` where it was given back, which nobody sees.
    fn lent(&self) -> Option<&Connection>;
}

impl<T: AsyncRead + Unpin> AsyncRead for PingoraIo<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for PingoraIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[async_trait]
impl<T: AsyncWrite + Unpin + Send> Shutdown for PingoraIo<T> {
    async fn shutdown(&mut self) {
        // What cannot be written is told by the next attempt, of which there is none.
        let _ = self.0.shutdown().await;
    }
}

impl<T: Lending> UniqueID for PingoraIo<T> {
    fn id(&self) -> UniqueIDType {
        self.0.lent().map_or(-1, |connection| connection.transport.fd())
    }
}

impl<T: Lending> Ssl for PingoraIo<T> {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        let is_encrypted = self.0.lent().is_some_and(|connection| connection.transport.is_encrypted());
        is_encrypted.then(|| ENCRYPTED.clone())
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        Some(T::PROTOCOL)
    }
}

impl<T> Peek for PingoraIo<T> {}

impl<T> GetTimingDigest for PingoraIo<T> {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        Vec::new()
    }
}

impl<T> GetProxyDigest for PingoraIo<T> {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }

    fn set_proxy_digest(&mut self, _: ProxyDigest) {}
}

impl<T: Lending> GetSocketDigest for PingoraIo<T> {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        let socket = SocketDigest::from_raw_fd(self.id());
        // It is known, so the kernel need not be asked.
        let peer = self.0.lent().map(|connection| connection.peer);
        let _ = socket.peer_addr.set(peer.map(l4::socket::SocketAddr::Inet));
        Some(Arc::new(socket))
    }

    fn set_socket_digest(&mut self, _: SocketDigest) {}
}
