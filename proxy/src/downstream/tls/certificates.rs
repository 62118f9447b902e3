//! The certificates in force.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::certificate::Certificate;
use super::choice::Choice;
use super::{CertificateError, CertificateFiles, handshake};

pub use super::expiry::CertificateMetrics;

/// The certificates in force, all of them or none swapped at once. Handshakes under way keep what they have.
#[derive(Debug)]
pub struct Certificates {
    provider: Arc<CryptoProvider>,
    in_force: ArcSwap<InForce>,
    metrics: CertificateMetrics,
}

/// What is chosen from.
#[derive(Debug, Default)]
struct InForce {
    certificates: Vec<Certificate>,
    choice: Choice,
}

// === impl Certificates ===

impl Certificates {
    /// Reads the certificates, of which the first is for names that no other is for.
    ///
    /// # Errors
    ///
    /// The first that cannot be used.
    pub fn load(files: &[CertificateFiles], metrics: CertificateMetrics) -> Result<Self, CertificateError> {
        let certificates =
            Self { provider: handshake::provider(), in_force: ArcSwap::from_pointee(InForce::default()), metrics };
        certificates.swap(files)?;
        Ok(certificates)
    }

    /// Reads them again, and takes all of them or, where one cannot be used, none: then what was there stays in force, and the log and
    /// the metrics tell.
    pub fn reload(&self, files: &[CertificateFiles]) {
        match self.swap(files) {
            Ok(()) => tracing::info!(certificates = files.len(), "certificates were read"),
            Err(error) => {
                self.metrics.failed();
                tracing::error!("{error}; the certificates that were there stay in force");
            }
        }
    }

    fn swap(&self, files: &[CertificateFiles]) -> Result<(), CertificateError> {
        let certificates: Vec<Certificate> =
            files.iter().map(|files| files.load(&self.provider)).collect::<Result<_, _>>()?;
        let choice = Choice::new(certificates.iter().map(|certificate| &certificate.names[..]));
        self.metrics.loaded(&certificates);
        self.in_force.store(Arc::new(InForce { certificates, choice }));
        Ok(())
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let in_force = self.in_force.load();
        let mut fitting = in_force.choice.find(hello.server_name()).iter().map(|&place| &in_force.certificates[place]);
        let first = fitting.clone().next()?;
        // There may be one of each kind of key, for clients that know but one.
        let is_known =
            |certificate: &&Certificate| certificate.certified.key.choose_scheme(hello.signature_schemes()).is_some();
        let chosen = fitting.find(is_known).unwrap_or(first);
        Some(chosen.certified.clone())
    }
}
