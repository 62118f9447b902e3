//! The contenders of some rows, all running at once, and the origin of them all.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};

use super::catalog::Object;
use super::client::Client;
use super::contender::Contender;
use super::cores::start_on;
use super::hot::{SIZES, hot};
use super::launch::{Addresses, Certificate, Setup};
use super::load::Job;
use super::origin::COUNT;
use super::server::Server;
use super::{EdgeBenchOptions, EdgeError, certificate};
use crate::stack::{Program, Scratch, ServerProcess, free_port, log_tail, random_hex, workspace_root};

/// Where everything lies that is in memory.
const IN_MEMORY: &str = "/dev/shm";

/// What all rows need.
pub(super) struct Bench {
    pub(super) options: EdgeBenchOptions,
    pub(super) contenders: Vec<Contender>,
    pub(super) stop: Arc<AtomicBool>,
    /// Where the origin listens: without tags, with tags.
    plain: SocketAddr,
    tagged: SocketAddr,
    certificate: Certificate,
    peers: PathBuf,
    // The process ends before its folder goes.
    _origin: ServerProcess,
    scratch: Scratch,
    /// What is to lie on a disk.
    disk: Scratch,
}

/// How the servers of some rows are set up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// What each may store, in bytes.
    pub(super) budget: u64,
    /// What an object has on average, in bytes.
    pub(super) average: u64,
    /// Whether ours gets tags; others have no use for them.
    pub(super) tags: bool,
    /// Whether objects are stored on the disk, to be found after a restart; else in memory.
    pub(super) on_disk: bool,
}

impl Bench {
    pub(super) fn start(options: EdgeBenchOptions, stop: Arc<AtomicBool>) -> Result<Self, EdgeError> {
        let contenders = Contender::chosen(&options.peers)?;
        let scratch = Scratch::below(IN_MEMORY.as_ref())?;
        let certificate = certificate::make(scratch.path())?;
        let local = || Ok::<_, EdgeError>(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)));
        let (plain, tagged) = (local()?, local()?);
        let own = std::env::current_exe().map_err(EdgeError::file("/proc/self/exe"))?;
        let program = Program::new("origin", own, scratch.data()).args([
            "edge-origin".to_owned(),
            "--listen".to_owned(),
            plain.to_string(),
            "--listen-tagged".to_owned(),
            tagged.to_string(),
        ]);
        let origin = start_on(options.load_core, || ServerProcess::spawn(program))??;
        let peers = workspace_root()?.join("load-tests/peers");
        Ok(Self {
            options,
            contenders,
            stop,
            plain,
            tagged,
            certificate,
            peers,
            _origin: origin,
            scratch,
            disk: Scratch::new()?,
        })
    }

    /// A folder for files of the bench itself.
    pub(super) fn place(&self) -> &std::path::Path {
        self.scratch.path()
    }

    /// Shows how the logs of all servers end, for who looks for the reason of a failure.
    pub(super) fn show_logs(&self) {
        let logs = std::fs::read_dir(self.scratch.data().logs()).into_iter().flatten().flatten();
        for log in logs.map(|entry| entry.path()) {
            let tail = log_tail(&log);
            if !tail.is_empty() {
                eprintln!("{} ends:\n{tail}\n", log.display());
            }
        }
    }

    /// Starts a server.
    pub(super) fn server(&self, contender: Contender, terms: Terms) -> Result<Server, EdgeError> {
        let own = format!("{}-{}", contender.name(), random_hex(3));
        let place = self.scratch.path().join(&own);
        let cache = if terms.on_disk { self.disk.path().join(&own) } else { place.join("cache") };
        let setup = Setup {
            peers: &self.peers,
            data: self.scratch.data(),
            place,
            cache,
            addresses: Addresses::free(contender)?,
            origin: if terms.tags && contender.is_ours() { self.tagged } else { self.plain },
            feed: self.tagged,
            on_disk: terms.on_disk,
            budget: terms.budget,
            files: open_files(),
            average: terms.average,
            certificate: self.certificate.clone(),
            ops_token: random_hex(16),
        };
        let first = hot(SIZES[0]).next().unwrap_or(Object { id: 0, bytes: SIZES[0] });
        Server::start(contender, &setup, self.options.server_core, first, &self.stop)
    }

    /// Starts one of each.
    pub(super) fn fleet(&self, terms: Terms) -> Result<Vec<Server>, EdgeError> {
        self.contenders.iter().map(|contender| self.server(*contender, terms)).collect()
    }

    /// Asks a server for so long after a sixth of that; or until the script ends.
    pub(super) fn job(&self, server: &Server, measured: Option<Duration>) -> Result<Job, EdgeError> {
        let warm_up = measured.map_or(Duration::ZERO, |measured| measured / 6);
        let connections = self.options.connections;
        Ok(Job { address: server.addresses.http, connections, pid: server.pid()?, warm_up, measured })
    }

    /// How often the origin was asked so far.
    pub(super) fn origin_count(&self) -> Result<u64, EdgeError> {
        let body = Client::connect(self.plain)?.get("origin", COUNT)?;
        let count = std::str::from_utf8(&body).ok().and_then(|count| count.parse().ok());
        count.ok_or_else(|| EdgeError::Answer("the origin does not tell its count".to_owned()))
    }
}

/// How many files a process may have open here.
fn open_files() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1_024, |(_, most)| most)
}
