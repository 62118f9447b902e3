//! Why a load stopped.

use crate::providers::file::FileError;

/// A failed load. Whatever was loaded before it is whole, and the next load goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The database refused a step.
    #[error("seed: could not {step}")]
    Database {
        /// What was being done.
        step: String,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// A table of facts that is compiled in does not read.
    #[error("seed: {file}, line {line}: {reason}")]
    Facts {
        /// The table.
        file: &'static str,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The administrator's password could not be hashed.
    #[error("seed: could not hash the administrator's password: {0}")]
    Password(String),
    /// A picture could not be drawn.
    #[error("seed: could not draw the picture {key}: {reason}")]
    Draw {
        /// The picture's key.
        key: String,
        /// Why.
        reason: String,
    },
    /// A picture could not be stored.
    #[error("seed: could not store a picture")]
    Store(#[from] FileError),
    /// Another load runs on this database.
    #[error("seed: another load is running on this database; wait for its end and try again")]
    Busy,
    /// The database holds a shop that was not loaded by this program.
    #[error("seed: this database holds a shop of its own; load the demo shop into an empty one")]
    NotEmpty,
    /// More products than there are ids for.
    #[error("seed: {asked} products are too many; at most {limit}")]
    TooMany {
        /// How many were asked for.
        asked: u64,
        /// How many there can be.
        limit: u64,
    },
}

/// For `map_err`: says which step the database refused.
pub(super) fn database(step: &str) -> impl FnOnce(sqlx::Error) -> SeedError {
    move |source| SeedError::Database { step: step.to_owned(), source }
}
