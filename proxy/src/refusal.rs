//! Responses that this edge makes itself: a status and a short JSON object `{type, message}`, as the origin's errors have.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Seconds after which a client may ask again when nothing can be had now.
const RETRY_AFTER: u64 = 1;

/// A response of this edge's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its status.
    pub status: StatusCode,
    /// A stable word for programs.
    pub kind: &'static str,
    /// A sentence for people.
    pub message: String,
    /// Seconds after which the client may ask again.
    pub retry_after: Option<u64>,
}

impl Refusal {
    /// One with this status, word and sentence.
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER);
        Self { status, kind, message: message.into(), retry_after }
    }

    /// Its fields, Content-Length included, and its body.
    pub fn response(&self) -> (HeaderMap, Bytes) {
        let body = serde_json::json!({ "type": self.kind, "message": self.message }).to_string();
        let mut fields = HeaderMap::new();
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        fields.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            fields.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        (fields, Bytes::from(body))
    }
}
