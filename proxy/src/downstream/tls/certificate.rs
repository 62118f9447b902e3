//! One certificate with its key, from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use crate::config::Secret;

/// What a PEM file begins with (`-----BEGIN`), in base64.
const BASE64: &str = "LS0tLS1CRUdJT";
/// Largest file that is read.
const MOST: u64 = 1 << 20;

/// Where a certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain in PEM, the certificate itself first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: Key,
}

/// Where a private key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// In a file, in PEM.
    File(PathBuf),
    /// Here, such a file's content in base64: by a variable of the environment, which holds one line.
    Here(Secret),
}

/// A certificate as it can be used.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    /// Its file, by which operators know it.
    pub(super) file: Box<Path>,
    /// What is sent, and the key.
    pub(super) certified: Arc<CertifiedKey>,
    /// The names that it is for, in lower case; the first label may be `*`.
    pub(super) names: Vec<Box<str>>,
    /// When it ends.
    pub(super) not_after: SystemTime,
}

/// A certificate or its key cannot be used. Says no more of a key than where it is.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{} cannot be read: {error}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A file holds no certificate in PEM.
    #[error("{} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", .0.display())]
    NoCertificate(PathBuf),
    /// The first certificate of a file cannot be understood.
    #[error("{} holds a certificate that cannot be understood", .0.display())]
    Malformed(PathBuf),
    /// There is no private key in PEM.
    #[error("{0} holds no private key in PEM (-----BEGIN PRIVATE KEY-----)")]
    NoKey(String),
    /// The key is of a kind that is not known.
    #[error("{0} holds a private key that cannot be used; ECDSA, Ed25519 and RSA keys can")]
    UnknownKey(String),
    /// The key is another certificate's.
    #[error("{} is not the certificate of the key in {key}", certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: String,
    },
}

// === impl CertificateFiles ===

impl CertificateFiles {
    /// Reads them, to find out whether they can be used.
    pub fn check(&self) -> Result<(), CertificateError> {
        self.load(&super::handshake::provider()).map(drop)
    }

    /// Reads them.
    pub(super) fn load(&self, provider: &CryptoProvider) -> Result<Certificate, CertificateError> {
        let file = &self.certificate;
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(file)?)
            .collect::<Result<_, _>>()
            .map_err(|_| CertificateError::NoCertificate(file.clone()))?;
        let first = chain.first().ok_or_else(|| CertificateError::NoCertificate(file.clone()))?;
        let (names, not_after) = describe(first).ok_or_else(|| CertificateError::Malformed(file.clone()))?;
        let key = self.key.load()?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                CertificateError::Mismatch { certificate: file.clone(), key: self.key.place() }
            }
            rustls::Error::InvalidCertificate(_) => CertificateError::Malformed(file.clone()),
            _ => CertificateError::UnknownKey(self.key.place()),
        })?;
        Ok(Certificate { file: file.as_path().into(), certified: Arc::new(certified), names, not_after })
    }

    /// All files of it.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let key = match &self.key {
            Key::File(file) => Some(file.as_path()),
            Key::Here(_) => None,
        };
        std::iter::once(self.certificate.as_path()).chain(key)
    }
}

// === impl Key ===

impl Key {
    /// What a configuration says: a key, or the path of one.
    pub fn of(text: &Secret) -> Self {
        if text.expose().starts_with(BASE64) { Self::Here(text.clone()) } else { Self::File(text.expose().into()) }
    }

    fn load(&self) -> Result<PrivateKeyDer<'static>, CertificateError> {
        let parsed = match self {
            Self::File(file) => PrivateKeyDer::from_pem_slice(&read(file)?),
            Self::Here(text) => {
                let pem = BASE64_STANDARD.decode(text.expose().trim_end()).unwrap_or_default();
                PrivateKeyDer::from_pem_slice(&pem)
            }
        };
        parsed.map_err(|_| CertificateError::NoKey(self.place()))
    }

    fn place(&self) -> String {
        match self {
            Self::File(file) => file.display().to_string(),
            Self::Here(_) => "`key`".to_owned(),
        }
    }
}

fn read(file: &Path) -> Result<Vec<u8>, CertificateError> {
    let read = || {
        let mut bytes = Vec::new();
        let mut bounded = std::io::Read::take(std::fs::File::open(file)?, MOST);
        std::io::Read::read_to_end(&mut bounded, &mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| CertificateError::Read { file: file.to_owned(), error })
}

/// The names of a certificate (RFC 9525 §6.3: of its subjectAltName alone), and when it ends.
fn describe(certificate: &[u8]) -> Option<(Vec<Box<str>>, SystemTime)> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    let alternatives = parsed.subject_alternative_name().ok()?;
    let names = alternatives.iter().flat_map(|alternatives| &alternatives.value.general_names);
    let names = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase().into()),
        _ => None,
    });
    let seconds = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
    Some((names.collect(), SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))
}
