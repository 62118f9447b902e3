//! A bucket of our own S3, written without its API's signatures.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use s3s::dto::{PutObjectInput, StreamingBlob};
use s3s::{Body, S3, S3Request};
use s3s_fs::FileSystem;

use super::StackError;
use super::s3::Whole;

/// One bucket.
pub(crate) struct S3Bucket {
    folder: PathBuf,
    store: FileSystem,
    whole: Whole,
    name: &'static str,
}

impl S3Bucket {
    /// The bucket `name` of the store in `folder`.
    pub(super) fn open(folder: &Path, name: &'static str, whole: Whole) -> Result<Self, StackError> {
        let unusable = |error| StackError::Invalid { what: folder.display().to_string(), reason: format!("{error:?}") };
        Ok(Self { folder: folder.to_owned(), store: FileSystem::new(folder).map_err(unusable)?, whole, name })
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
        let _whole = self.whole.write().await;
        self.store.put_object(request).await.map(drop).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{S3 as Server, S3Keys, Scratch};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_entity_tag_stands_for_one_content_while_files_are_replaced() {
        let scratch = Scratch::new().unwrap();
        let s3 = Server::start(scratch.data(), S3Keys::generate()).unwrap();
        let bucket = s3.bucket().unwrap();
        bucket.put("x", b"version 0".to_vec()).await.unwrap();
        let url = format!("{}/vitrine-media/x", s3.endpoint());
        let readers = (0..4).map(|_| async {
            let mut seen = Vec::new();
            for _ in 0..100 {
                let response = reqwest::get(&url).await.unwrap();
                let tag = response.headers()["etag"].to_str().unwrap().to_owned();
                seen.push((tag, response.text().await.unwrap()));
            }
            seen
        });
        let writer = async {
            for version in 1..200 {
                bucket.put("x", format!("version {version}").into_bytes()).await.unwrap();
            }
        };
        let (seen, ()) = tokio::join!(futures_util::future::join_all(readers), writer);
        let mut contents = BTreeMap::new();
        for (tag, content) in seen.into_iter().flatten() {
            assert_eq!(contents.entry(tag).or_insert_with(|| content.clone()), &content);
        }
        assert!(contents.len() > 1);
    }
}
