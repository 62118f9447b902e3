//! What a caller is told when it cannot have what it asked for: Medusa's `{type, message, code?}`.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// An answer that is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    kind: ErrorKind,
    message: String,
    code: Option<&'static str>,
    /// In seconds.
    retry_after: Option<u64>,
}

/// Medusa's error types, with the status of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request cannot be understood or breaks a rule: 400.
    InvalidData,
    /// Understood, and against what the shop allows: 400.
    NotAllowed,
    /// Wrong credentials: 401.
    Unauthorized,
    /// No credentials on a guarded route: 401 with a message alone, as Medusa's guard answers.
    Unauthenticated,
    /// 404.
    NotFound,
    /// Another write is under way: 409.
    Conflict,
    /// The body is longer than allowed: 413.
    TooLarge,
    /// It is there already: 422.
    Duplicate,
    /// Tried too often: 429, to be tried again later.
    TooMany,
    /// Something that the shop needs cannot be reached just now: 503, to be tried again.
    Unavailable,
    /// A fault of ours: 500.
    Unknown,
}

#[derive(Serialize)]
struct Body<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'e str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'e str>,
    message: &'e str,
}

/// As Express writes it.
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
/// Seconds after which a caller may try again what was unavailable.
const RETRY_AFTER_S: u64 = 1;

// === impl ApiError ===

impl ApiError {
    /// An error of a kind, with a sentence for the caller.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), code: None, retry_after: None }
    }

    /// 400 `invalid_data`.
    pub fn invalid_data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidData, message)
    }

    /// 400 `not_allowed`.
    pub fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotAllowed, message)
    }

    /// 404 `not_found`.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// 401 `unauthorized`, as for a wrong password.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unauthorized, message)
    }

    /// 401 `{"message":"Unauthorized"}`, as for a missing bearer token.
    pub fn unauthenticated() -> Self {
        Self::new(ErrorKind::Unauthenticated, "Unauthorized")
    }

    /// 503 `unavailable`.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { retry_after: Some(RETRY_AFTER_S), ..Self::new(ErrorKind::Unavailable, message) }
    }

    /// 429 `too_many_requests`, to be tried again after a while.
    pub fn too_many(message: impl Into<String>, after: Duration) -> Self {
        let seconds = u64::try_from(after.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX);
        Self { retry_after: Some(seconds.max(1)), ..Self::new(ErrorKind::TooMany, message) }
    }

    /// 500 for a fault of ours; what happened goes to the log and not to the caller.
    pub fn unknown(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "request failed");
        Self::new(ErrorKind::Unknown, "An unknown error occurred.").with_code("unknown_error")
    }

    /// Adds Medusa's `code`.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// The sentence for the caller.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The body that it is sent with.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self.body()).unwrap_or_default()
    }

    fn body(&self) -> Body<'_> {
        Body { code: self.code, kind: self.kind.name(), message: &self.message }
    }
}

impl ErrorKind {
    /// Medusa's name of it; absent where Medusa sends none.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidData => "invalid_data",
            Self::NotAllowed => "not_allowed",
            Self::Unauthorized => "unauthorized",
            Self::Unauthenticated => return None,
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::TooLarge => "payload_too_large",
            Self::Duplicate => "duplicate_error",
            Self::TooMany => "too_many_requests",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown_error",
        })
    }

    /// The status that it is sent with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidData | Self::NotAllowed => StatusCode::BAD_REQUEST,
            Self::Unauthorized | Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Duplicate => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.body())).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Postgres's errors: what is unreachable, overloaded or restarting is 503, the rest is a fault of ours.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if is_unavailable(&error) {
            tracing::warn!(cause = %error, "database unavailable");
            return Self::unavailable("The database cannot be reached just now; try again.");
        }
        Self::unknown(&error)
    }
}

/// SQLSTATE classes that say "not now": connection, resources, operator intervention (restart, timeout).
const TRANSIENT_CLASSES: [&str; 4] = ["08", "53", "57", "40"];

/// Whether trying again later may help: no connection, no room, shutting down, cancelled, serialisation or deadlock.
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| TRANSIENT_CLASSES.iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shown(error: ApiError) -> (StatusCode, String) {
        let response = error.into_response();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn errors_have_medusas_shape() {
        assert_eq!(
            shown(ApiError::not_found("Product with id: x was not found")).await,
            (StatusCode::NOT_FOUND, r#"{"type":"not_found","message":"Product with id: x was not found"}"#.to_owned())
        );
        assert_eq!(
            shown(ApiError::unauthenticated()).await,
            (StatusCode::UNAUTHORIZED, r#"{"message":"Unauthorized"}"#.to_owned())
        );
        assert_eq!(
            shown(ApiError::not_allowed("no").with_code("insufficient_inventory")).await.1,
            r#"{"code":"insufficient_inventory","type":"not_allowed","message":"no"}"#
        );
    }

    #[tokio::test]
    async fn an_unreachable_database_is_503_and_says_when_to_try_again() {
        let response = ApiError::from(sqlx::Error::PoolTimedOut).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
    }

    #[tokio::test]
    async fn a_fault_of_ours_does_not_tell_the_caller_about_our_tables() {
        let (status, body) = shown(ApiError::from(sqlx::Error::ColumnNotFound("password".into()))).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!body.contains("password"));
    }
}
