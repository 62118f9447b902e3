//! Where uploaded files go.

mod s3;

use async_trait::async_trait;
use bytes::Bytes;

pub use s3::S3Files;

/// A file as it is stored.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name in the store; also its id.
    pub key: String,
    /// Its media type.
    pub content_type: String,
    /// How long browsers and edges may keep it.
    pub cache_control: &'static str,
    /// Its content.
    pub content: Bytes,
}

/// The store cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It has no such file.
    #[error("there is no file {0}")]
    NotFound(String),
    /// It cannot be reached or refuses.
    #[error("the file store failed to {action}: {cause}")]
    Failed {
        /// What it was to do.
        action: &'static str,
        /// What it said.
        cause: String,
    },
}

/// A store of files.
#[async_trait]
pub trait FileProvider: Send + Sync {
    /// Stores a file, in place of an older one of that key.
    async fn put(&self, file: File) -> Result<(), FileError>;

    /// Removes a file; a file that is not there is removed.
    async fn delete(&self, key: &str) -> Result<(), FileError>;

    /// Whether there is such a file.
    async fn exists(&self, key: &str) -> Result<bool, FileError>;

    /// Its public URL.
    fn url(&self, key: &str) -> String;
}
