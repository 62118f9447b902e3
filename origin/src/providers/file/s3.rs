//! Files in an S3 bucket.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::error::{DisplayErrorContext, SdkError};
use aws_sdk_s3::primitives::ByteStream;

use super::{File, FileError, FileProvider};
use crate::config::Files;

/// Longest time to connect to the store.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time for one operation, attempts included.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
/// Attempts for one operation.
const ATTEMPTS: u32 = 2;

/// An S3 bucket, addressed by path (as self-hosted stores want it).
#[derive(Debug, Clone)]
pub struct S3Files {
    client: Client,
    bucket: String,
    base_url: String,
}

// === impl S3Files ===

impl S3Files {
    /// Connects to nothing yet.
    pub fn new(config: &Files) -> Self {
        let credentials = Credentials::new(
            config.access_key_id.expose(),
            config.secret_access_key.expose(),
            None,
            None,
            "vitrine-configuration",
        );
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(OPERATION_TIMEOUT).build();
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(aws_smithy_http_client::tls::Provider::Rustls(
                aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
            ))
            .build_https();
        let sdk = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .endpoint_url(&config.endpoint)
            .region(Region::new(config.region.clone()))
            .credentials_provider(credentials)
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts)
            .build();
        Self {
            client: Client::from_conf(sdk),
            bucket: config.bucket.clone(),
            base_url: config.base_url.trim_end_matches('/').to_owned(),
        }
    }
}

#[async_trait]
impl FileProvider for S3Files {
    async fn put(&self, file: File) -> Result<(), FileError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(&file.key)
            .content_type(&file.content_type)
            .cache_control(file.cache_control)
            .body(ByteStream::from(file.content))
            .send()
            .await
            .map_err(failed("store a file"))?;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), FileError> {
        self.client.delete_object().bucket(&self.bucket).key(key).send().await.map_err(failed("delete a file"))?;
        Ok(())
    }

    async fn exists(&self, key: &str) -> Result<bool, FileError> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) if error.err().is_not_found() => Ok(false),
            Err(error) => Err(failed("look up a file")(error)),
        }
    }

    fn url(&self, key: &str) -> String {
        let key = percent_encoding::utf8_percent_encode(key, &KEY_CHARACTERS);
        format!("{}/{key}", self.base_url)
    }
}

/// What is encoded in the key part of a URL: all but letters, digits, `-._~` and the slash.
const KEY_CHARACTERS: percent_encoding::AsciiSet =
    percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

fn failed<E: std::error::Error + Send + Sync + 'static>(action: &'static str) -> impl FnOnce(E) -> FileError {
    move |error| FileError::Failed { action, cause: DisplayErrorContext(&error).to_string() }
}
