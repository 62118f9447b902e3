//! The proxy's configuration: read from TOML, checked whole, and compiled.
//!
//! [`Config::load`] gives either a configuration in which everything holds together or *all* that is wrong with the file, each
//! with its line. `docs/rules.md` is the reference of the keys.

mod balance;
mod certificates;
mod compile;
mod compression;
mod cors;
mod disk;
mod edits;
mod feed;
mod limits;
mod listen;
mod names;
mod problems;
mod rate_limits;
pub mod raw;
mod rule;
mod secret;
mod sequencer;
mod transform;
mod trusted;
pub mod units;
mod upstreams;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use vitrine_shared::config::{ConfigError, Source};

pub use disk::{Admission, Disk};
pub use feed::Feed;
pub use secret::Secret;
pub use sequencer::Sequencer;

use crate::client::TrustedProxies;
use crate::downstream::{CertificateFiles, Limits};
use crate::rate::Limit;
use crate::rules::RuleSet;
use crate::upstream::Upstream;

/// Everything that the file says, checked and compiled.
#[derive(Clone, Debug)]
pub struct Config {
    /// This edge's name for people: in the feed's reports, logs and metrics.
    pub edge: Arc<str>,
    /// Where it listens.
    pub listen: Listen,
    /// How much it may hold.
    pub cache: CacheLimits,
    /// The tier behind the memory; absent where objects are kept in memory alone.
    pub disk: Option<Disk>,
    /// Where purges come from; absent where no upstream speaks the invalidation protocol.
    pub feed: Option<Feed>,
    /// Whether this process numbers purges.
    pub sequencer: Option<Sequencer>,
    /// All upstreams, by name.
    pub upstreams: Vec<Arc<Upstream>>,
    /// The rate limits that rules name.
    pub rate_limits: Arc<[Limit]>,
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// What is allowed but probably not meant; for the log.
    pub warnings: Vec<ConfigError>,
}

/// Where the proxy listens.
#[derive(Clone, Debug)]
pub struct Listen {
    /// For clients.
    pub http: SocketAddr,
    /// For clients, by TLS.
    pub https: Option<SocketAddr>,
    /// What that shows; the first where none is for the name that is asked for.
    pub certificates: Arc<[CertificateFiles]>,
    /// For operators: health, metrics, purges. Never reachable by strangers.
    pub ops: SocketAddr,
    /// What changes anything on [`Listen::ops`] needs this token; absent, and such requests are refused.
    pub ops_token: Option<Secret>,
    /// Worker threads; absent for one a core.
    pub threads: Option<usize>,
    /// Whose word on the client is believed.
    pub trusted: TrustedProxies,
    /// HTTP/2 in clear text, by clients that know that it is spoken here (RFC 9113 §3.3).
    pub h2c: bool,
    /// What a client may take up.
    pub limits: Arc<Limits>,
}

/// How much the cache may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Bytes of memory for stored objects and running fills together, their keys and heads included.
    pub memory: u64,
    /// Largest body that is stored, in bytes, where the rule does not say otherwise.
    pub max_object: u64,
    /// Most variants of one URL that are kept (RFC 9111 §4.1).
    pub max_variants: usize,
}

impl Config {
    /// Reads and checks a file; `env` gives the values of `${NAME}`.
    pub fn load(file: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigError>> {
        Self::of_source(&Source::read(file, env).map_err(|error| vec![error])?)
    }

    /// As [`Config::load`], from a source that was read already.
    pub fn of_source(source: &Source) -> Result<Self, Vec<ConfigError>> {
        let (raw, mut unread) = source.parse_on();
        let compiled = raw.map(|raw| compile::compile(source, raw));
        match compiled {
            Some(compiled) if unread.is_empty() => compiled,
            compiled => {
                unread.extend(compiled.and_then(Result::err).unwrap_or_default());
                unread.sort_by_key(|error| error.line);
                Err(unread)
            }
        }
    }

    /// The upstream of this name.
    pub fn upstream(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.upstreams.iter().find(|upstream| *upstream.name == *name)
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
