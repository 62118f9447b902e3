//! Reads the file, at the start and at each reload.

use std::fmt;
use std::path::{Path, PathBuf};

use vitrine_shared::config::{ConfigError, Source};

use super::snapshot::Digest;
use crate::config::Config;

/// Gives the value of a variable.
type Env = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where the configuration is, and what `${NAME}` stands for in it.
pub struct Loader {
    file: PathBuf,
    env: Box<Env>,
}

/// A file that was read, in which everything holds together.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// Its text, variables put in.
    pub source: Source,
    /// Its digest, before variables were put in.
    pub digest: Digest,
}

// === impl Loader ===

impl Loader {
    /// A file, whose `${NAME}` take their values from `env` each time it is read.
    pub fn new(file: impl Into<PathBuf>, env: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { file: file.into(), env: Box::new(env) }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Reads and checks it; else all that is wrong with it.
    pub fn load(&self) -> Result<Loaded, Vec<ConfigError>> {
        let raw = Source::read_text(&self.file).map_err(|error| vec![error])?;
        let source = Source::of(&self.file, &raw, &self.env).map_err(|error| vec![error])?;
        let config = Config::of_source(&source)?;
        Ok(Loaded { config, source, digest: Digest::of(&raw) })
    }
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader").field("file", &self.file).finish_non_exhaustive()
    }
}
