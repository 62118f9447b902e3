//! How each contender is started, from its files under `load-tests/peers`.

mod floor;
mod haproxy;
mod nginx;
mod template;
mod traffic_server;
mod varnish;
mod vitrine;

use self::vitrine::Feed;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::EdgeError;
use super::contender::Contender;
use crate::stack::{DataDir, Program, StackError, free_port};

/// The addresses that a contender listens on, of which it may leave some.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    pub(super) http: SocketAddr,
    /// HTTP/1.1 and h2 over TLS.
    pub(super) tls: SocketAddr,
    /// h2 with prior knowledge.
    pub(super) h2c: SocketAddr,
    /// For operators.
    pub(super) ops: SocketAddr,
}

impl Addresses {
    /// Free ones. Ours takes h2 where it takes HTTP/1.1.
    pub(super) fn free(contender: Contender) -> Result<Self, StackError> {
        let local = || Ok::<_, StackError>(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)));
        let http = local()?;
        let h2c = if contender.is_ours() { http } else { local()? };
        Ok(Self { http, tls: local()?, h2c, ops: local()? })
    }
}

/// What a contender is told.
#[derive(Debug)]
pub(super) struct Setup<'a> {
    /// The folder `load-tests/peers`.
    pub(super) peers: &'a Path,
    /// Where logs and pid files lie.
    pub(super) data: &'a DataDir,
    /// A folder of its own, for configurations and what it writes.
    pub(super) place: PathBuf,
    /// A folder of its own for stored objects; in memory, but for the row that restarts.
    pub(super) cache: PathBuf,
    pub(super) addresses: Addresses,
    /// The origin, with or without tags.
    pub(super) origin: SocketAddr,
    /// Where ours has its feed.
    pub(super) feed: SocketAddr,
    /// What it may store, in bytes.
    pub(super) budget: u64,
    /// What an object has on average, in bytes, for those who must know.
    pub(super) average: u64,
    /// Whether what it stores is to be found again after a restart.
    pub(super) on_disk: bool,
    /// How many files it may have open.
    pub(super) files: u64,
    pub(super) certificate: Certificate,
    /// What changes anything at the operators' port needs it.
    pub(super) ops_token: String,
}

/// The files of a certificate.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
    /// Both in one file.
    pub(super) both: PathBuf,
}

/// The program of a contender with its files in place.
pub(super) fn program(contender: Contender, setup: &Setup) -> Result<Program, EdgeError> {
    match contender {
        Contender::Vitrine => vitrine::program(setup, Feed::Followed),
        Contender::Leaseless => vitrine::program(setup, Feed::None),
        Contender::Nginx => nginx::program(setup),
        Contender::Varnish => varnish::program(setup),
        Contender::Ats => traffic_server::program(setup),
        Contender::Haproxy => haproxy::program(setup),
        Contender::Floor => floor::program(setup),
    }
}

/// A program of the system.
fn installed(program: &'static str, package: &'static str) -> Result<PathBuf, EdgeError> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = || path.split(':').chain(["/usr/sbin", "/usr/local/sbin"]);
    let found = folders().map(|folder| Path::new(folder).join(program)).find(|file| file.is_file());
    let missing = || StackError::ProgramMissing { program, looked: folders().collect::<Vec<_>>().join(":"), package };
    Ok(found.ok_or_else(missing)?)
}

impl Setup<'_> {
    /// Puts a file of `load-tests/peers` into the contender's own folder, with all names filled in.
    fn place_file(&self, from: &str, to: &str) -> Result<PathBuf, EdgeError> {
        let source = self.peers.join(from);
        let text = std::fs::read_to_string(&source).map_err(EdgeError::file(&source))?;
        let text = template::fill(&text, &self.names())
            .map_err(|name| EdgeError::Answer(format!("{} names @{name}@, which is nothing", source.display())))?;
        let target = self.place.join(to);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(EdgeError::file(folder))?;
        }
        std::fs::write(&target, text).map_err(EdgeError::file(&target))?;
        Ok(target)
    }

    fn names(&self) -> Vec<(&'static str, String)> {
        let Addresses { http, tls, h2c, .. } = self.addresses;
        let shown = |path: &Path| path.display().to_string();
        vec![
            ("PLACE", shown(&self.place)),
            ("CACHE", shown(&self.cache)),
            ("HTTP", http.to_string()),
            ("HTTP_PORT", http.port().to_string()),
            ("TLS", tls.to_string()),
            ("TLS_PORT", tls.port().to_string()),
            ("H2C", h2c.to_string()),
            ("ORIGIN", self.origin.to_string()),
            ("ORIGIN_HOST", self.origin.ip().to_string()),
            ("ORIGIN_PORT", self.origin.port().to_string()),
            ("BUDGET", self.budget.to_string()),
            ("BUDGET_MIB", (self.budget >> 20).to_string()),
            ("AVERAGE", self.average.to_string()),
            // Sixty is what it does by itself.
            ("DIRECTORY_EVERY", if self.on_disk { "5" } else { "60" }.to_owned()),
            ("FILES", self.files.to_string()),
            // Connections need some too.
            ("CACHED_FILES", self.files.saturating_sub(self.files / 4).to_string()),
            ("CERTIFICATE", shown(&self.certificate.chain)),
            ("KEY", shown(&self.certificate.key)),
            ("CERTIFICATE_AND_KEY", shown(&self.certificate.both)),
        ]
    }
}
