//! What can go wrong with the launcher, each with the way out.

use std::path::PathBuf;

use crate::bench::BenchError;
use crate::edge::EdgeError;
use crate::prove::ProveError;
use crate::soak::SoakError;
use crate::stack::StackError;

/// Why the launcher gave up.
#[derive(Debug, thiserror::Error)]
pub enum LauncherError {
    /// A server could not be started, found or reached.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The bench failed, or found what must not be.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The soak failed, or found what must not be.
    #[error(transparent)]
    Soak(#[from] SoakError),
    /// The bench of edges failed.
    #[error(transparent)]
    Edge(#[from] EdgeError),
    /// The proof could not go on.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// A variable that holds a port holds something else.
    #[error("{variable} is {value:?}: set it to a port from 1 to 65535, or unset it to use {default}")]
    BadPort {
        /// The variable.
        variable: &'static str,
        /// What it holds.
        value: String,
        /// What would be used without it.
        default: u16,
    },
    /// Two servers would share a port.
    #[error("{first} and {second} would both listen on port {port}: set {variable} to another port")]
    PortClash {
        /// One of the two.
        first: String,
        /// The other.
        second: String,
        /// The port.
        port: u16,
        /// The variable that changes it for the second.
        variable: &'static str,
    },
    /// A server is given, but not what is needed to use it.
    #[error("{given} is set, so {missing} must be set too")]
    MissingVariable {
        /// What was given.
        given: &'static str,
        /// What is missing.
        missing: &'static str,
    },
    /// A folder that does not look like ours was to be removed.
    #[error("{folder} does not look like a data folder of Vitrine (it has no vitrine.lock), so it is left alone")]
    NotOurs {
        /// The folder.
        folder: PathBuf,
    },
    /// The command of `test-stack` could not be started.
    #[error("could not run {command}: {source}")]
    Command {
        /// Its name.
        command: String,
        /// The system's own words.
        source: std::io::Error,
    },
    /// The migrations could not be applied.
    #[error("could not apply the migrations in {folder}: {source}")]
    Migrate {
        /// Their folder.
        folder: PathBuf,
        /// What sqlx said.
        source: sqlx::migrate::MigrateError,
    },
    /// Signals cannot be received.
    #[error("could not listen for signals: {source}")]
    Signals {
        /// The system's own words.
        source: std::io::Error,
    },
}
