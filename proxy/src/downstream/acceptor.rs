//! Accepts connections, and hands each to the worker that has the fewest.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::admission::Admission;
use super::metrics::{DownstreamMetrics, Limit};
use super::worker::{Accepted, Running};
use crate::key::Scheme;
use crate::reload::Current;

/// Connections that wait to be accepted; the kernel's own bound may be lower.
const BACKLOG: i32 = 4096;
/// Bytes of a response that the kernel holds before they are sent: what a client does not read is not held here.
const UNSENT: u32 = 256 << 10;
/// Waiting when the process or the machine has no room for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What listeners share.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) workers: Vec<Running>,
    pub(super) admission: Arc<Admission>,
    pub(super) current: Current,
    pub(super) metrics: DownstreamMetrics,
}

/// A socket for clients.
pub(super) struct Listener {
    socket: Socket,
    scheme: Scheme,
    tls: Option<TlsAcceptor>,
}

// === impl Listener ===

impl Listener {
    /// Takes an address. Nobody can connect before the process is ready to serve.
    pub(super) fn bind(address: SocketAddr, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        // Those that are accepted have them too.
        socket.set_tcp_nodelay(true)?;
        socket.set_tcp_notsent_lowat(UNSENT)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let scheme = if tls.is_some() { Scheme::Https } else { Scheme::Http };
        Ok(Self { socket, scheme, tls })
    }

    /// The address, where there is one.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()?.as_socket()
    }

    fn listen(self) -> io::Result<TcpListener> {
        self.socket.listen(BACKLOG)?;
        TcpListener::from_std(self.socket.into())
    }
}

// === impl Acceptor ===

impl Acceptor {
    /// Accepts until it is to stop.
    pub(super) async fn run(&self, listener: Listener, mut stop: watch::Receiver<bool>) {
        let (scheme, tls, address) = (listener.scheme, listener.tls.clone(), listener.address());
        let socket = match listener.listen() {
            Ok(socket) => socket,
            Err(error) => {
                tracing::error!(?address, %error, "connections cannot be waited for");
                return;
            }
        };
        tokio::select! {
            () = self.accept(&socket, scheme, tls.as_ref()) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn accept(&self, socket: &TcpListener, scheme: Scheme, tls: Option<&TlsAcceptor>) {
        loop {
            match socket.accept().await {
                Ok((accepted, peer)) => self.hand_over(accepted, peer, scheme, tls),
                // accept(2): of a connection that is gone already.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
                    ) => {}
                // No file descriptors or no memory, in most cases: what waits stays in the kernel until there is room.
                Err(error) => {
                    self.metrics.accept_failed();
                    tracing::warn!(%error, "connections cannot be accepted now");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn hand_over(&self, socket: TcpStream, peer: SocketAddr, scheme: Scheme, tls: Option<&TlsAcceptor>) {
        let snapshot = self.current.load();
        let listen = &snapshot.config.listen;
        let admitted = match self.admission.admit(peer.ip(), listen.trusted.trusts(peer.ip()), &listen.limits) {
            Ok(admitted) => admitted,
            Err(limit) => {
                self.metrics.exceeded(limit);
                turn_away(&socket, scheme, limit);
                return;
            }
        };
        let Some(least) = self.workers.iter().min_by_key(|running| running.worker.open()) else {
            return;
        };
        // The worker has a runtime of its own, which has to watch it.
        let Ok(socket) = socket.into_std() else {
            return;
        };
        let place = least.worker.place(scheme, admitted);
        least.serve(Accepted {
            socket,
            peer,
            tls: tls.cloned(),
            h2c: listen.h2c,
            limits: listen.limits.clone(),
            place,
        });
    }
}

/// Tells who is one too many that it is so, where that needs no handshake. The kernel takes so few bytes at once, or never.
fn turn_away(socket: &TcpStream, scheme: Scheme, limit: Limit) {
    const FULL: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 5\r\n\r\n";
    if scheme == Scheme::Http && limit == Limit::Connections {
        let _ = socket.try_write(FULL);
    }
}
