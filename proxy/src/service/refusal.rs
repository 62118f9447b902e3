//! Responses that this edge makes itself: a status and a short JSON object `{type, message}`, as the origin's errors have.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use pingora::http::ResponseHeader;

/// Seconds after which a client may ask again when the upstream cannot be reached.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// A response of this edge's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its status.
    pub status: StatusCode,
    /// A stable word for programs.
    pub kind: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl Refusal {
    /// One with this status, word and sentence.
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    /// Its head and body.
    pub fn response(&self) -> pingora::Result<(ResponseHeader, Bytes)> {
        let body = serde_json::json!({ "type": self.kind, "message": self.message }).to_string();
        let mut head = ResponseHeader::build(self.status, Some(6))?;
        head.insert_header(header::CONTENT_TYPE, "application/json")?;
        head.insert_header(header::CONTENT_LENGTH, body.len())?;
        head.insert_header(header::CACHE_CONTROL, "no-store")?;
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            head.insert_header(header::RETRY_AFTER, RETRY_AFTER)?;
        }
        Ok((head, Bytes::from(body)))
    }
}
