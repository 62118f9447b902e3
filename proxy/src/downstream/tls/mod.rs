//! TLS: certificates by name, which are read again when their files change, and the handshake.

mod certificate;
mod certificates;
mod choice;
mod expiry;
mod handshake;
mod watch;

pub use certificate::{CertificateError, CertificateFiles, Key};
pub use certificates::{CertificateMetrics, Certificates};
pub(super) use handshake::{Handshake, acceptor};
pub(super) use watch::watch;
