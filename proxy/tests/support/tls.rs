//! Certificates for tests, and a client by TLS that trusts them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_rustls::{TlsConnector, rustls};

/// An authority, and a folder for what it signs.
pub struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Another name than the default, which is that of what it signs.
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), issuer }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a certificate for `names` and its key as files called `file`, and returns both their bytes.
    pub fn sign(&self, file: &str, names: &[&str]) -> (PathBuf, PathBuf) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        let files = self.files(file);
        for (path, text) in [(&files.1, key.serialize_pem()), (&files.0, certificate.pem())] {
            let new = path.with_extension("new");
            std::fs::write(&new, text).unwrap();
            std::fs::rename(new, path).unwrap();
        }
        files
    }

    pub fn files(&self, file: &str) -> (PathBuf, PathBuf) {
        (self.folder().join(format!("{file}.pem")), self.folder().join(format!("{file}.key")))
    }

    /// Keys of `[listen]`: TLS at a free port, with these certificates.
    pub fn listen(&self, files: &[&str]) -> String {
        let entry = |file: &&str| {
            let (certificate, key) = self.files(file);
            format!("{{ certificate = \"{}\", key = \"{}\" }}", certificate.display(), key.display())
        };
        let entries: Vec<String> = files.iter().map(entry).collect();
        format!("https = \"127.0.0.1:0\"\ncertificates = [{}]\n", entries.join(", "))
    }

    /// The authority's own certificate, for programs.
    pub fn root(&self) -> PathBuf {
        let path = self.folder().join("root.crt");
        std::fs::write(&path, self.issuer.pem()).unwrap();
        path
    }

    /// What a client that trusts it speaks.
    pub fn client(&self, protocols: &[&str]) -> Arc<ClientConfig> {
        self.client_of(&[&TLS13, &TLS12], protocols)
    }

    pub fn client_of(&self, versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// Connects and shakes hands.
pub async fn connect(
    addr: SocketAddr,
    config: &Arc<ClientConfig>,
    name: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    TlsConnector::from(config.clone()).connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await
}

/// The certificate that the server showed.
pub fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}
