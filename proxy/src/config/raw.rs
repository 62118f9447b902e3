//! The file's shape, as it is parsed and before it is checked. Every key stands in `docs/rules.md`, which a test compares.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

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
    /// Upstreams by name.
    #[serde(default)]
    pub upstreams: BTreeMap<Text, Spanned<RawUpstream>>,
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
    /// For operators.
    pub ops: Text,
    /// The operators' token.
    pub ops_token: Option<Spanned<Secret>>,
    /// Worker threads.
    pub threads: Option<Spanned<usize>>,
}

/// `[cache]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCache {
    /// The budget.
    pub memory: Option<Text>,
    /// The largest body.
    pub max_object: Option<Text>,
}

/// `[feed]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFeed {
    /// The Redis of the stream.
    pub redis: Option<Secret>,
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

/// `[upstreams.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawUpstream {
    /// Where it listens.
    pub addresses: Spanned<Vec<Text>>,
    /// TLS.
    #[serde(default)]
    pub tls: bool,
    /// Host that it is sent.
    pub host: Option<Text>,
    /// Taken off the path.
    pub strip_prefix: Option<Text>,
    /// Put before the path.
    pub path_prefix: Option<Text>,
    /// Timeout.
    pub connect_timeout: Option<Text>,
    /// Timeout.
    pub read_timeout: Option<Text>,
    /// Timeout.
    pub write_timeout: Option<Text>,
    /// Shows all acknowledged writes.
    #[serde(default)]
    pub reads_through: bool,
    /// Speaks the protocol.
    pub speaks_epochs: Option<Spanned<bool>>,
}

/// `[[rules]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRule {
    /// Its name.
    pub name: Text,
    /// Hosts.
    #[serde(default)]
    pub hosts: Vec<Text>,
    /// Path patterns.
    pub paths: Spanned<Vec<Text>>,
    /// Methods.
    pub methods: Option<Spanned<Vec<Text>>>,
    /// `cache` or `pass`.
    pub action: Text,
    /// Who is asked.
    pub upstream: Option<Text>,
    /// Freshness at the edge.
    pub edge_ttl: Option<Spanned<RawTtl>>,
    /// Freshness of 404 and 410.
    pub negative_ttl: Option<Text>,
    /// What browsers are told.
    pub browser_ttl: Option<Text>,
    /// Serving stale while refreshing.
    pub stale_while_revalidate: Option<Text>,
    /// Serving stale on errors.
    pub stale_if_error: Option<Text>,
    /// Without a lease.
    pub on_disconnect: Option<Text>,
    /// Without lease and upstream.
    pub serve_for: Option<Text>,
    /// Largest body.
    pub max_object: Option<Text>,
    /// What is passed all the same.
    pub bypass: Option<Spanned<RawBypass>>,
    /// What enters the key.
    pub key: Option<Spanned<RawKey>>,
    /// Tag templates.
    pub tags: Option<Spanned<Vec<Text>>>,
}

/// `edge_ttl`: a word, or a table with `cap`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a duration such as \"4h\", \"respect\", or { cap = \"4h\" }")]
pub enum RawTtl {
    /// A duration or `respect`.
    Word(String),
    /// With an upper bound.
    Cap(RawCap),
}

/// `{ cap = "4h" }`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCap {
    /// The upper bound.
    pub cap: String,
}

/// `bypass`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBypass {
    /// Whether Authorization passes.
    pub authorization: Option<bool>,
    /// By name.
    #[serde(default)]
    pub cookies: Vec<Text>,
    /// By name.
    #[serde(default)]
    pub headers: Vec<Text>,
    /// By name.
    #[serde(default)]
    pub query: Vec<Text>,
}

/// `key`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawKey {
    /// Which parameters count.
    pub query: Option<Spanned<RawQuery>>,
    /// Whether tracking parameters count.
    #[serde(default)]
    pub keep_tracking: bool,
    /// Headers that count.
    #[serde(default)]
    pub headers: Vec<Spanned<RawKeyHeader>>,
    /// Cookies that count.
    #[serde(default)]
    pub cookies: Vec<Text>,
}

/// `key.query`
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected \"all\", \"none\", { allow = [..] } or { deny = [..] }")]
pub enum RawQuery {
    /// `all` or `none`.
    Word(String),
    /// By name.
    Names(RawQueryNames),
}

/// `{ allow = [..] }` or `{ deny = [..] }`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawQueryNames {
    /// Only these.
    pub allow: Option<Vec<String>>,
    /// All but these.
    pub deny: Option<Vec<String>>,
}

/// A header of `key.headers`: its name, or a table.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a header's name or { name = \"..\", empty_is_absent = false }")]
pub enum RawKeyHeader {
    /// Its name.
    Name(String),
    /// Its name and how it is read.
    Table(RawKeyHeaderTable),
}

/// `{ name = "..", empty_is_absent = false }`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawKeyHeaderTable {
    /// Its name.
    pub name: String,
    /// Whether empty means absent.
    pub empty_is_absent: Option<bool>,
}
