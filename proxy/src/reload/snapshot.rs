//! What is in force at one moment.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use vitrine_shared::config::Source;

use super::loader::Loaded;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::rate::RateLimits;
use crate::rules::RuleSet;
use crate::service::metrics::RuleIds;

/// The snapshot that requests take at their start; one `store` swaps everything at once.
pub type Current = Arc<ArcSwap<Snapshot>>;

/// A configuration in force. What a restart alone can change in it is as it was at the start ([`super::in_force`]).
#[derive(Debug)]
pub struct Snapshot {
    /// All of it: rules, upstreams, trusted proxies, limits.
    pub config: Config,
    /// 1 at the start, and one more with each reload that changed anything.
    pub generation: u64,
    /// When it came into force.
    pub loaded_at: SystemTime,
    /// The text that it was compiled from, and the digest of its file; absent where it came from no file.
    pub text: Option<(Source, Digest)>,
    /// Its rate limits, with their counts.
    pub limits: RateLimits,
    /// The numbers under which its rules are counted.
    pub counted: RuleIds,
}

/// SHA-256 of a file as it stands on the disk, for comparing edges: `sha256sum` prints the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

// === impl Snapshot ===

impl Snapshot {
    /// The first, from no file.
    pub fn first(config: Config, metrics: &Metrics) -> Self {
        let limits = RateLimits::new(&config.rate_limits, &RateLimits::default(), &metrics.rates);
        let counted = metrics.requests.rules(&config.rules);
        Self { config, generation: 1, loaded_at: SystemTime::now(), text: None, limits, counted }
    }

    /// The first, from a file.
    pub fn first_of(loaded: Loaded, metrics: &Metrics) -> Self {
        Self { text: Some((loaded.source, loaded.digest)), ..Self::first(loaded.config, metrics) }
    }

    /// The next, from the file with this text: what was counted under this one goes on where it is the same.
    pub(super) fn next(&self, mut config: Config, text: (Source, Digest), metrics: &Metrics) -> Self {
        config.rules = Arc::new(RuleSet::clone(&config.rules).after(&self.config.rules));
        let limits = RateLimits::new(&config.rate_limits, &self.limits, &metrics.rates);
        let counted = metrics.requests.rules(&config.rules);
        let (generation, loaded_at) = (self.generation + 1, SystemTime::now());
        Self { config, generation, loaded_at, text: Some(text), limits, counted }
    }

    /// Whether this is what it came from: the same file, with the same variables put in.
    pub(super) fn is_of(&self, loaded: &Loaded) -> bool {
        self.text.as_ref().is_some_and(|(source, digest)| *digest == loaded.digest && *source == loaded.source)
    }

    /// Ready for requests.
    pub fn into_current(self) -> Current {
        Arc::new(ArcSwap::from_pointee(self))
    }
}

// === impl Digest ===

impl Digest {
    /// Of a file's text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
