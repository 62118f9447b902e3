//! Reading the canary through an edge, as a visitor does.

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode, header};
use reqwest::Client;

use super::canary::{Canary, PATH};

/// Most bytes of an answer that are read.
const MAX_BODY: usize = 4 << 10;
/// Most bytes of Cache-Status that are told.
const MAX_STATUS: usize = 512;
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What an edge answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// The number that it shows.
    pub(super) version: i64,
    /// Its Cache-Status (RFC 9211), cut where it is long.
    pub(super) cache_status: String,
}

/// An edge gave no answer that can be judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// Not reached, or not in time.
    #[error("{0}")]
    Unreachable(#[from] reqwest::Error),
    /// It answers otherwise.
    #[error("it answers {0}")]
    Status(StatusCode),
    /// Not the canary.
    #[error("it answers something else than the canary: is there a rule that passes or caches {PATH} to this origin?")]
    Form,
    /// Postgres shows less than was acknowledged.
    #[error("Postgres has lost what was acknowledged, so edges cannot be judged by it")]
    LostHistory,
}

impl ReadError {
    /// Its stable label.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Status(_) => "status",
            Self::Form => "form",
            Self::LostHistory => "lost_history",
        }
    }
}

impl Reading {
    /// Whether a cache answered, by its own word: `hit`, `miss`, or `unknown` where none says.
    pub(super) fn found(&self) -> &'static str {
        let mut parts = self.cache_status.split([';', ',']).map(str::trim);
        match () {
            () if self.cache_status.is_empty() => "unknown",
            () if parts.any(|part| part == "hit" || part == "hit=?1") => "hit",
            () => "miss",
        }
    }
}

/// A client for edges; it follows no redirects and obeys no proxy of the environment's.
pub(super) fn client(timeout: Duration) -> Result<Client, reqwest::Error> {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(timeout).build()
}

/// Reads the canary through an edge, under the host where one is given.
pub(super) async fn read(http: &Client, edge: &str, host: &str) -> Result<Reading, ReadError> {
    let mut request = http.get(format!("{edge}{PATH}"));
    if !host.is_empty() {
        request = request.header(header::HOST, host);
    }
    let mut response = request.send().await?;
    if response.status() != StatusCode::OK {
        return Err(ReadError::Status(response.status()));
    }
    let cache_status = cache_status(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(ReadError::Form);
        }
        body.extend_from_slice(&chunk);
    }
    let Canary { version } = serde_json::from_slice(&body).map_err(|_| ReadError::Form)?;
    Ok(Reading { version, cache_status })
}

fn cache_status(headers: &HeaderMap) -> String {
    let lines = headers.get_all(&CACHE_STATUS).iter().filter_map(|line| line.to_str().ok());
    let mut text = lines.collect::<Vec<_>>().join(", ");
    text.truncate(text.floor_char_boundary(MAX_STATUS));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_cache_answered_is_its_own_word() {
        for (status, found) in [
            ("", "unknown"),
            ("vitrine; hit; ttl=30", "hit"),
            ("inner; fwd=miss, outer;hit", "hit"),
            ("vitrine; fwd=uri-miss; stored", "miss"),
            ("vitrine; fwd=stale; detail=hit-for-pass", "miss"),
        ] {
            assert_eq!(Reading { version: 1, cache_status: status.to_owned() }.found(), found, "{status}");
        }
    }
}
