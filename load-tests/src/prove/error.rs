//! Why a run could not go on. What it found is no error: that is told in its report.

use crate::stack::StackError;

/// The run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// A server could not be started or reached.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The system refused something.
    #[error("cannot {what}: {source}")]
    System {
        /// What.
        what: String,
        /// Its own words.
        source: std::io::Error,
    },
    /// Something answered what it must not while the shop was prepared.
    #[error("while the shop was prepared: {0}")]
    Setup(String),
    /// A request failed while the shop was prepared.
    #[error("while the shop was prepared: {0}")]
    Http(#[from] reqwest::Error),
    /// The database failed while the shop was prepared.
    #[error("while the shop was prepared: {0}")]
    Database(#[from] sqlx::Error),
    /// The shipped configuration is no longer what the run changes.
    #[error("{file} no longer has the line {line:?}, which the run changes: change `prove/config.rs` with it")]
    Config {
        /// The file.
        file: String,
        /// What was looked for.
        line: String,
    },
    /// Another run has the namespaces.
    #[error("another `vitrine prove` is running ({lock} is locked): wait for it, or end it")]
    Running {
        /// The lock file.
        lock: String,
    },
    /// Being asked to stop.
    #[error("stopped before the end")]
    Stopped,
}

/// Wraps what the system said.
pub(super) fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> ProveError {
    let what = what.into();
    move |source| ProveError::System { what, source }
}
