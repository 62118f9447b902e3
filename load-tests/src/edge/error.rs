//! What can go wrong with the bench of edges, each with the way out.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::stack::StackError;

/// Why the bench could not go on.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// A server could not be found, started or stopped.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// Server and load need a core each.
    #[error(
        "core {core} cannot be used: {source}; server and load need a core each, see --server-core and --load-core"
    )]
    Core {
        /// Which core.
        core: usize,
        /// The system's own words.
        source: nix::Error,
    },
    /// The system refused to tell what a process used.
    #[error("cannot read what process {pid} used: {source}")]
    Usage {
        /// Which process.
        pid: i32,
        /// The system's own words.
        source: std::io::Error,
    },
    /// A connection could not be made or used.
    #[error("{doing} {address}: {source}")]
    Network {
        /// What was tried, such as "connect to".
        doing: &'static str,
        /// The other side.
        address: SocketAddr,
        /// The system's own words.
        source: std::io::Error,
    },
    /// A server stopped answering.
    #[error("{address} has not answered for {seconds} s")]
    Silent {
        /// Which.
        address: SocketAddr,
        /// For how long.
        seconds: u64,
    },
    /// An answer was not what it must be.
    #[error("{0}")]
    Answer(String),
    /// A file could not be read or written.
    #[error("cannot use {path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// The command line names something that does not exist.
    #[error("there is no {kind} `{given}`; there are: {known}")]
    Unknown {
        /// A row or a contender.
        kind: &'static str,
        /// What was given.
        given: String,
        /// All there are.
        known: String,
    },
    /// Ctrl-C.
    #[error("stopped")]
    Stopped,
}

impl EdgeError {
    /// For `map_err`: the system's words about a file.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// For `map_err`: the system's words about a connection.
    pub(super) fn network(doing: &'static str, address: SocketAddr) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Network { doing, address, source }
    }
}
