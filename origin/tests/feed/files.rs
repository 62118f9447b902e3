//! The media bucket.

use bytes::Bytes;
use vitrine_load_tests::stack::TestStack;
use vitrine_origin::providers::file::{File, FileError, FileProvider as _, S3Files};

use crate::shop::config;

fn file(key: &str) -> File {
    File {
        key: key.to_owned(),
        content_type: "text/plain".to_owned(),
        cache_control: "public, max-age=60",
        content: Bytes::from_static(b"a shirt"),
    }
}

#[tokio::test]
async fn a_file_is_stored_and_deleted() {
    let stack = TestStack::start().await.unwrap();
    let files = S3Files::new(&config(&stack).files);
    let key = "1795255420327-a b.txt";
    assert!(!files.exists(key).await.unwrap());
    files.put(file(key)).await.unwrap();
    assert!(files.exists(key).await.unwrap());
    assert!(files.url(key).ends_with("/1795255420327-a%20b.txt"), "{}", files.url(key));
    files.delete(key).await.unwrap();
    assert!(!files.exists(key).await.unwrap());
    files.delete(key).await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_gone_is_an_error_that_says_so() {
    let mut stack = TestStack::start().await.unwrap();
    let files = S3Files::new(&config(&stack).files);
    stack.s3.stop_hard();
    let error = files.put(file("a.txt")).await.unwrap_err();
    assert!(matches!(error, FileError::Failed { action: "store a file", .. }), "{error}");
}
