//! A bucket of our own S3, written without its API's signatures.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use s3s::dto::{PutObjectInput, StreamingBlob};
use s3s::{Body, S3, S3Request};
use s3s_fs::FileSystem;

use super::StackError;

/// One bucket.
pub(crate) struct S3Bucket {
    folder: PathBuf,
    store: FileSystem,
    name: &'static str,
}

impl S3Bucket {
    /// The bucket `name` of the store in `folder`.
    pub(super) fn open(folder: &Path, name: &'static str) -> Result<Self, StackError> {
        let unusable = |error| StackError::Invalid { what: folder.display().to_string(), reason: format!("{error:?}") };
        Ok(Self { folder: folder.to_owned(), store: FileSystem::new(folder).map_err(unusable)?, name })
    }

    /// Stores a file under its key, in place of the one that may be there.
    pub(crate) async fn put(&self, key: &str, content: Vec<u8>) -> Result<(), StackError> {
        let input = PutObjectInput {
            bucket: self.name.to_owned(),
            key: key.to_owned(),
            content_type: Some("text/plain".to_owned()),
            body: Some(StreamingBlob::from(Body::from(Bytes::from(content)))),
            ..PutObjectInput::default()
        };
        let request = S3Request {
            input,
            method: Method::PUT,
            uri: Uri::default(),
            headers: HeaderMap::new(),
            extensions: http::Extensions::new(),
            credentials: None,
            region: None,
            service: None,
            trailing_headers: None,
        };
        let failed = |error| StackError::Invalid {
            what: format!("the file {key} in {}", self.folder.display()),
            reason: format!("it could not be stored: {error}"),
        };
        self.store.put_object(request).await.map(drop).map_err(failed)
    }
}
