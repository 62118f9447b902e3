//! What can go wrong with a private server, each with the way out.

use std::path::{Path, PathBuf};

/// Why a server of the stack could not be found, started, reached or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A program of the system is not installed.
    #[error(
        "{program} was not found in {looked}: run docker/install-packages.sh run, or install the package {package}"
    )]
    ProgramMissing {
        /// The program looked for.
        program: &'static str,
        /// Where it was looked for.
        looked: String,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// One of Vitrine's own programs was not built.
    #[error(
        "{binary} was not found at {looked}: run `cargo build --workspace` first (`make test` does), or name it with {variable}"
    )]
    BinaryMissing {
        /// The program looked for.
        binary: &'static str,
        /// Where it was looked for.
        looked: PathBuf,
        /// The variable that names another place.
        variable: &'static str,
    },
    /// The operating system refused something.
    #[error("could not {doing} {path}: {source}")]
    Io {
        /// What was tried, such as "write".
        doing: &'static str,
        /// The file or folder concerned.
        path: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// A program could not be started at all.
    #[error("could not start {program}: {source}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's own words.
        source: std::io::Error,
    },
    /// A server ended, or did not answer in time.
    #[error("{name} {what}; its log is {log}, which ends:\n{tail}")]
    Server {
        /// Which server.
        name: String,
        /// What happened.
        what: String,
        /// Its log file.
        log: PathBuf,
        /// The last lines of that log.
        tail: String,
    },
    /// The user that a server must run as cannot reach its folder.
    #[error(
        "the user {user}, as whom {server} must run because you are root, cannot enter {folder}: \
         choose another data folder (--data, or TMPDIR for tests) or let others pass (chmod o+x) on it and the folders above it"
    )]
    Unreachable {
        /// The user the server runs as.
        user: String,
        /// The server.
        server: &'static str,
        /// The folder that cannot be entered.
        folder: PathBuf,
    },
    /// Root has no other user to run Postgres as.
    #[error(
        "Postgres refuses to run as root and there is neither a user postgres nor nobody: create one, or run as another user"
    )]
    NoServerUser,
    /// The data folder was made by another major version of Postgres.
    #[error(
        "the data in {folder} was written by Postgres {found} and this machine has {installed}: \
         install postgresql-{found}, or remove the data with `make clean-data`"
    )]
    WrongVersion {
        /// The data folder.
        folder: PathBuf,
        /// The version that wrote it.
        found: String,
        /// The version installed.
        installed: String,
    },
    /// A port is taken.
    #[error(
        "port {port}, for {purpose}, is in use: end the program that has it (ss -ltnp shows which), or set {variable} to another"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// What it was wanted for.
        purpose: String,
        /// The variable that changes it.
        variable: String,
    },
    /// No free port was found.
    #[error("found no free TCP port on 127.0.0.1 in {tries} tries: end programs that listen there")]
    NoFreePort {
        /// How many were tried.
        tries: u32,
    },
    /// Postgres refused a statement.
    #[error("Postgres, when asked to {doing}: {source}")]
    Database {
        /// What was asked.
        doing: String,
        /// Its answer.
        source: sqlx::Error,
    },
    /// The code that fills a template database failed.
    #[error("preparing the template database {template} failed: {reason}")]
    Template {
        /// The template.
        template: String,
        /// What its code said.
        reason: String,
    },
    /// A name, key or address is unusable.
    #[error("{what} is unusable: {reason}")]
    Invalid {
        /// Which setting.
        what: String,
        /// Why.
        reason: String,
    },
    /// The data folder is in use.
    #[error(
        "{folder} is in use by process {holder}: stop it first (Ctrl-C, or kill {holder}), or choose another folder with --data"
    )]
    Locked {
        /// The data folder.
        folder: PathBuf,
        /// The process that has it.
        holder: String,
    },
    /// A condition did not come true in time.
    #[error("waited {seconds} s in vain until {what}")]
    Timeout {
        /// The condition, in words.
        what: String,
        /// How long was waited.
        seconds: u64,
    },
}

impl StackError {
    /// An [`StackError::Io`] for `map_err`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// A [`StackError::Database`] for `map_err`.
    pub(crate) fn database(doing: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Database { doing, source }
    }
}
