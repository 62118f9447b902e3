//! What operators are told of the configuration.

use std::time::SystemTime;

use serde::{Serialize, Serializer};
use vitrine_shared::config::ConfigError;

use super::reloader::Trigger;
use super::snapshot::{Digest, Snapshot};

/// The configuration in force, and the last tries to change it.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigReport {
    /// 1 at the start, and one more with each reload that changed anything.
    pub generation: u64,
    /// When it came into force.
    #[serde(serialize_with = "date")]
    pub loaded_at: SystemTime,
    /// SHA-256 of its file, as `sha256sum` prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// What the file says and a restart alone brings into force.
    pub pending: Vec<ConfigError>,
    /// The last reload; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reload: Option<Attempt>,
    /// The last reload that was refused, and why; it stays when a later one was good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_refused: Option<Refused>,
}

/// One reload.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Attempt {
    /// When.
    #[serde(serialize_with = "date")]
    pub at: SystemTime,
    /// On whose wish.
    pub by: Trigger,
    /// `ok`, `unchanged` or `bad`.
    pub result: &'static str,
}

/// A reload that changed nothing because the file is wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    /// Which one.
    #[serde(flatten)]
    pub attempt: Attempt,
    /// All that is wrong with the file.
    pub errors: Vec<ConfigError>,
}

impl ConfigReport {
    /// Of a snapshot that was never reloaded.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self {
            generation: snapshot.generation,
            loaded_at: snapshot.loaded_at,
            sha256: snapshot.text.as_ref().map(|&(_, digest)| digest),
            pending: Vec::new(),
            last_reload: None,
            last_refused: None,
        }
    }
}

fn date<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&httpdate::fmt_http_date(*at))
}
