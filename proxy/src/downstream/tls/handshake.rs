//! The handshake: TLS 1.2 and 1.3, HTTP/2 or HTTP/1.1 by ALPN (RFC 7301), and sessions that the client keeps (RFC 8446 §2.2).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use super::Certificates;

/// What is spoken, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A handshake under way.
pub(in crate::downstream) struct Handshake(Accept<TcpStream>);

/// The cryptography, the same as Pingora's.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Makes handshakes with these certificates.
pub(in crate::downstream) fn acceptor(certificates: Arc<Certificates>) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    // Clients hold their sessions themselves, so that they take no memory here. The keys change every few hours.
    config.ticketer = ring::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(TlsAcceptor::from(Arc::new(config)))
}

// === impl Handshake ===

impl Handshake {
    pub(in crate::downstream) fn new(acceptor: &TlsAcceptor, socket: TcpStream) -> Self {
        Self(acceptor.accept(socket))
    }

    pub(in crate::downstream) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TlsStream<TcpStream>>> {
        Pin::new(&mut self.0).poll(cx)
    }
}
