//! The file's shape, as it is parsed and before it is checked. Every key stands in `docs/rules.md`, which a test compares.

mod rate_limit;
mod rule;
mod transform;
mod upstream;

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

pub use rate_limit::*;
pub use rule::*;
pub use transform::*;
pub use upstream::*;

use super::secret::Secret;

/// Text with its place in the file.
pub type Text = Spanned<String>;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// The edge's name.
    pub edge: Option<Text>,
    /// The upstream of what no rule matches.
    pub default_upstream: Option<Text>,
    /// Where it listens.
    pub listen: RawListen,
    /// How much it holds.
    #[serde(default)]
    pub cache: RawCache,
    /// Where purges come from.
    pub feed: Option<RawFeed>,
    /// Whether they are numbered here.
    pub sequencer: Option<RawSequencer>,
    /// Upstreams by name.
    #[serde(default)]
    pub upstreams: BTreeMap<Text, Spanned<RawUpstream>>,
    /// Rate limits by name.
    #[serde(default)]
    pub rate_limits: BTreeMap<Text, Spanned<RawRateLimit>>,
    /// The rules, in their order.
    #[serde(default)]
    pub rules: Vec<Spanned<RawRule>>,
}

/// `[listen]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawListen {
    /// For clients.
    pub http: Text,
    /// For clients, by TLS.
    pub https: Option<Text>,
    /// What that shows, the first by default.
    #[serde(default)]
    pub certificates: Vec<Spanned<RawCertificate>>,
    /// For operators.
    pub ops: Text,
    /// The operators' token.
    pub ops_token: Option<Spanned<Secret>>,
    /// Worker threads.
    pub threads: Option<Spanned<usize>>,
    /// Networks of proxies whose X-Forwarded-* and Forwarded are believed.
    #[serde(default)]
    pub trusted_proxies: Vec<Text>,
    /// The fields that they write: `x-forwarded` or `forwarded`.
    pub trusted_fields: Option<Text>,
    /// HTTP/2 in clear text.
    #[serde(default)]
    pub h2c: bool,
    /// What a client may take up.
    #[serde(default)]
    pub limits: RawLimits,
}

/// `[[listen.certificates]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCertificate {
    /// The file of its chain.
    pub certificate: Text,
    /// The file of its key, or the key.
    pub key: Spanned<Secret>,
}

/// `[listen.limits]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLimits {
    /// Connections in total.
    pub connections: Option<Spanned<usize>>,
    /// Connections of one address.
    pub connections_per_address: Option<Spanned<usize>>,
    /// For a TLS handshake.
    pub handshake_timeout: Option<Text>,
    /// Without a request.
    pub idle_timeout: Option<Text>,
    /// For a whole head.
    pub head_timeout: Option<Text>,
    /// Bytes of a head.
    pub head: Option<Text>,
    /// Fields of a head.
    pub fields: Option<Spanned<usize>>,
    /// Bytes of a target.
    pub target: Option<Text>,
    /// Requests of a connection.
    pub requests: Option<Spanned<usize>>,
    /// Least bytes a second of a request's content.
    pub body_rate: Option<Text>,
    /// Time in which that does not count yet.
    pub body_grace: Option<Text>,
    /// For a whole content.
    pub body_timeout: Option<Text>,
    /// Least bytes a second of a response that are taken.
    pub response_rate: Option<Text>,
    /// Time in which that does not count yet.
    pub response_grace: Option<Text>,
    /// Concurrent streams of an HTTP/2 connection.
    pub h2_streams: Option<Spanned<usize>>,
    /// Streams that are reset.
    pub h2_resets: Option<Spanned<usize>>,
    /// Frames without content.
    pub h2_frames: Option<Spanned<usize>>,
    /// Bytes that an HTTP/2 connection may hold.
    pub h2_memory: Option<Text>,
}

/// `[cache]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCache {
    /// The budget.
    pub memory: Option<Text>,
    /// The largest body.
    pub max_object: Option<Text>,
    /// Most variants of one URL.
    pub max_variants: Option<Spanned<usize>>,
    /// The tier behind the memory.
    pub disk: Option<RawDisk>,
}

/// `[cache.disk]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDisk {
    /// The folder.
    pub path: Text,
    /// Its bound.
    pub size: Text,
    /// What is written.
    pub admission: Option<Text>,
    /// Most that waits to be written.
    pub queue: Option<Text>,
}

/// `[sequencer]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSequencer {
    /// For edges.
    pub listen: Text,
    /// Opens it.
    pub token: Spanned<Secret>,
    /// The journal's folder.
    pub journal: Text,
    /// How long leases last.
    pub lease: Option<Text>,
}

/// `[feed]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFeed {
    /// The Redis of the stream.
    pub redis: Option<Spanned<Secret>>,
    /// The origin's internal address.
    pub url: Text,
    /// The token for it.
    pub token: Spanned<Secret>,
    /// Between renewals.
    pub renew_every: Option<Text>,
    /// Longest lease.
    pub max_lease: Option<Text>,
    /// Most tags.
    pub tag_capacity: Option<Spanned<usize>>,
}
