//! What is done to uploaded files.
//!
//! The media bucket is no part of the transaction: the file is there, or gone, before its event is committed, so what an edge
//! fetches after the purge is what the event tells of.

use vitrine_shared::event::Change;

use super::{Done, Work};
use crate::modules::WriteError;
use crate::outbox::Outbox;
use crate::providers::file::{File, FileError, FileProvider};

/// An upload that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum FileWorkError {
    /// The media bucket failed.
    #[error(transparent)]
    Store(#[from] FileError),
    /// The event could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Stores files; their keys may have been asked for before, so that edges remember their absence.
pub async fn upload(outbox: &Outbox, store: &dyn FileProvider, files: Vec<File>) -> Result<Done<()>, FileWorkError> {
    let keys: Vec<String> = files.iter().map(|file| file.key.clone()).collect();
    for file in files {
        store.put(file).await?;
    }
    let mut work = Work::begin(outbox).await?;
    for key in keys {
        work.emit("file.created", Change::File { key }).await?;
    }
    Ok(work.commit(()).await?)
}

/// Removes a file, whether it is there or not: where an earlier try failed half way, its event still comes.
pub async fn delete(outbox: &Outbox, store: &dyn FileProvider, key: &str) -> Result<Done<()>, FileWorkError> {
    store.delete(key).await?;
    let mut work = Work::begin(outbox).await?;
    work.emit("file.deleted", Change::File { key: key.to_owned() }).await?;
    Ok(work.commit(()).await?)
}
