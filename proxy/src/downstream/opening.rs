//! The beginning of a connection: the handshake where there is one, and which version of HTTP is spoken.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::connection::Connection;
use super::deadline::millis;
use super::metrics::Limit;
use super::tls::Handshake;
use super::transport::Transport;
use super::worker::{Accepted, Worker};
use super::{Limits, h1, h2};
use crate::fast::ConnectionFacts;

/// HTTP/2, as ALPN names it (RFC 9113 §3.2).
const H2: &[u8] = b"h2";

/// Serves a connection from its beginning to its end.
pub(super) async fn open(accepted: Accepted) {
    let Accepted { socket, peer, tls, h2c, limits, place } = accepted;
    let worker = place.worker().clone();
    let facts = ConnectionFacts { peer: Some(peer.ip()), scheme: place.scheme(), worker: worker.id, last: false };
    let socket = match TcpStream::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::debug!(%error, "a connection cannot be served");
            return;
        }
    };
    let Some(tls) = tls else {
        let mut connection = Box::new(Connection::new(Transport::Clear(socket), peer, facts, limits, place));
        connection.knows_h2c = h2c;
        drop(worker);
        return h1::serve(connection).await;
    };
    // Boxed, since it is large and of no use afterwards.
    let stream = match Box::pin(shake_hands(&tls, socket, &worker, &limits)).await {
        Ok(stream) => stream,
        Err(error) => {
            worker.metrics.handshake_failed();
            tracing::debug!(%error, %peer, "a TLS handshake has failed");
            return;
        }
    };
    drop((tls, worker));
    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(H2);
    let connection = Box::new(Connection::new(Transport::Tls(Box::new(stream)), peer, facts, limits, place));
    if is_h2 { Box::pin(h2::serve(connection)).await } else { h1::serve(connection).await }
}

/// Makes the handshake within its time.
async fn shake_hands(
    tls: &TlsAcceptor,
    socket: TcpStream,
    worker: &Worker,
    limits: &Limits,
) -> io::Result<TlsStream<TcpStream>> {
    let watch = worker.deadlines.watch();
    watch.set(worker.deadlines.now(), millis(limits.handshake_timeout));
    let mut handshake = Handshake::new(tls, socket);
    poll_fn(|cx| {
        if let Poll::Ready(result) = handshake.poll(cx) {
            return Poll::Ready(result);
        }
        watch.register(cx.waker());
        if watch.is_due(worker.deadlines.now()) {
            worker.metrics.exceeded(Limit::HandshakeTimeout);
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if worker.is_stopping() {
            return Poll::Ready(Err(io::ErrorKind::Interrupted.into()));
        }
        Poll::Pending
    })
    .await
}
