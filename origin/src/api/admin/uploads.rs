//! `/admin/uploads`: files for the media bucket.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Serialize;
use vitrine_shared::clock::unix_millis;

use super::Deleted;
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::error::{ApiError, ErrorKind};
use crate::providers::file::{File, FileError};
use crate::state::AppState;
use crate::workflows::file::{self, FileWorkError};

/// Most files of an upload.
const MAX_FILES: usize = 100;
/// Most bytes of a file's name: with the time before it, and encoded, it must still be a name that stores over folders can give.
const MAX_FILE_NAME: usize = 128;
/// Most bytes of a file's key.
const MAX_KEY: usize = 1_024;
/// Uploads never change: another file gets another key.
const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";
/// The type of a file that comes without one.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Its routes.
pub(super) fn router(state: &AppState) -> Router<AppState> {
    let limit = DefaultBodyLimit::max(state.config.http.max_upload_bytes);
    Router::new().route("/uploads", post(upload).layer(limit)).route("/uploads/{id}", get(retrieve).delete(delete))
}

#[derive(Debug, Serialize)]
struct Uploaded {
    id: String,
    url: String,
}

#[derive(Debug, Serialize)]
struct UploadedFiles {
    files: Vec<Uploaded>,
}

#[derive(Debug, Serialize)]
struct UploadedFile {
    file: Uploaded,
}

async fn upload(
    State(state): State<AppState>,
    _: AdminUser,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<Written<UploadedFiles>, ApiError> {
    let mut multipart = multipart.map_err(|_| ApiError::invalid_data("Files are uploaded as multipart/form-data"))?;
    let mut files = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(|error| unreadable(&error))? {
        if field.name() != Some("files") || field.file_name().is_none() {
            return Err(ApiError::invalid_data("Unexpected field: files are given as `files`"));
        }
        if files.len() == MAX_FILES {
            return Err(ApiError::invalid_data(format!("Too many files: at most {MAX_FILES} at once")));
        }
        files.push(read(field).await?);
    }
    if files.is_empty() {
        return Err(ApiError::invalid_data("No files were uploaded"));
    }
    let uploaded = files.iter().map(|file| shown(&state, file.key.clone())).collect();
    let done = file::upload(&state.outbox, state.files.as_ref(), files).await?;
    Ok(Written { receipt: done.receipt, body: UploadedFiles { files: uploaded } })
}

async fn retrieve(
    State(state): State<AppState>,
    _: AdminUser,
    Path(key): Path<String>,
) -> Result<Json<UploadedFile>, ApiError> {
    check(&key)?;
    if !state.files.exists(&key).await.map_err(FileWorkError::from)? {
        return Err(ApiError::not_found(format!("File with id: {key} not found")));
    }
    Ok(Json(UploadedFile { file: shown(&state, key) }))
}

async fn delete(
    State(state): State<AppState>,
    _: AdminUser,
    Path(key): Path<String>,
) -> Result<Written<Deleted>, ApiError> {
    check(&key)?;
    let done = file::delete(&state.outbox, state.files.as_ref(), &key).await?;
    Ok(Written { receipt: done.receipt, body: Deleted::new(key, "file") })
}

fn shown(state: &AppState, key: String) -> Uploaded {
    let url = state.files.url(&key);
    Uploaded { id: key, url }
}

fn check(key: &str) -> Result<(), ApiError> {
    // A segment that is empty or climbs names a file by a second key, or one of another bucket, on stores that resolve it; its
    // purge would miss what edges hold under the first.
    let climbs = key.split(['/', '\\']).any(|segment| matches!(segment.trim(), "" | "." | ".."));
    if climbs || key.len() > MAX_KEY || key.chars().any(char::is_control) {
        return Err(ApiError::invalid_data("This cannot be the id of a file"));
    }
    Ok(())
}

async fn read(field: Field<'_>) -> Result<File, ApiError> {
    let key = format!("{}-{}", distinct_millis(), safe_name(field.file_name().unwrap_or_default()));
    let content_type = field.content_type().unwrap_or(UNKNOWN_TYPE).to_owned();
    let content = field.bytes().await.map_err(|error| unreadable(&error))?;
    Ok(File { key, content_type, cache_control: CACHE_CONTROL, content })
}

/// The time in milliseconds, a little later where that was given already: keys of one process are all different.
fn distinct_millis() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = unix_millis();
    let next = |last: u64| now.max(last.saturating_add(1));
    LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last))).map_or(now, next)
}

/// A name that can stand in a URL as it is: ASCII letters, digits, dot, hyphen and underscore.
fn safe_name(given: &str) -> String {
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' }).collect();
    // From the end: that keeps the extension.
    let start = safe.len().saturating_sub(MAX_FILE_NAME);
    let name = safe[start..].trim_start_matches('.');
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

fn unreadable(error: &MultipartError) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::new(ErrorKind::TooLarge, "The upload is larger than this shop allows");
    }
    ApiError::invalid_data(format!("The upload could not be read: {}", error.body_text()))
}

impl From<FileWorkError> for ApiError {
    fn from(error: FileWorkError) -> Self {
        match error {
            FileWorkError::Write(error) => error.into(),
            FileWorkError::Store(FileError::NotFound(key)) => Self::not_found(format!("File with id: {key} not found")),
            FileWorkError::Store(error @ FileError::Failed { .. }) => {
                tracing::warn!(%error, "file store unavailable");
                Self::unavailable("The file store cannot be reached just now; try again.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_made_safe_and_keep_their_extension() {
        let table = [
            ("a.txt", "a.txt"),
            ("../../etc/passwd", "passwd"),
            ("C:\\photos\\my cat.PNG", "my-cat.PNG"),
            ("ø ü?.jpg", "----.jpg"),
            ("", "file"),
            ("...", "file"),
            (".env", "env"),
        ];
        for (given, name) in table {
            assert_eq!(safe_name(given), name, "{given}");
        }
        let long = safe_name(&format!("{}.png", "x".repeat(500)));
        assert!((long.len(), long.rsplit_once('.')) == (MAX_FILE_NAME, Some((&long[..MAX_FILE_NAME - 4], "png"))));
    }

    #[test]
    fn a_key_names_one_file_of_the_bucket() {
        for key in ["1-a.png", "folder/a b.png", "..a", "a..", "ø"] {
            assert!(check(key).is_ok(), "{key}");
        }
        let long = "x".repeat(MAX_KEY + 1);
        for key in
            ["", " ", ".", "..", "/", "/a", "a/", "a//b", "../other/a", "a/../b", "a/./b", "..\\a", "a\0b", &long]
        {
            assert!(check(key).is_err(), "{key}");
        }
    }

    #[test]
    fn keys_differ_however_fast_they_are_made() {
        let times: std::collections::BTreeSet<u64> = (0..1_000).map(|_| distinct_millis()).collect();
        assert_eq!(times.len(), 1_000);
    }

    proptest! {
        #[test]
        fn every_name_can_stand_in_a_url(given in "\\PC{0,300}") {
            let name = safe_name(&given);
            prop_assert!(!name.is_empty() && name.len() <= MAX_FILE_NAME);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b)));
        }
    }
}
