//! `[upstreams.NAME]`, as it is parsed and before it is checked.

use serde::Deserialize;
use toml::Spanned;

use super::Text;

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
    /// Response fields that carry tags besides `Vitrine-Tags`.
    pub tag_headers: Option<Vec<Text>>,
    /// How requests are spread over the addresses.
    pub balance: Option<Text>,
    /// Active health checks.
    pub health: Option<RawHealth>,
    /// Ejection of an address that fails requests.
    pub ejection: Option<RawEjection>,
    /// Retries of safe requests.
    pub retries: Option<Spanned<RawRetries>>,
}

/// `health`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawHealth {
    /// The path that is asked.
    pub path: Text,
    /// Between checks.
    pub every: Option<Text>,
    /// Longest wait.
    pub timeout: Option<Text>,
    /// Good checks in a row until an address is used again.
    pub healthy_after: Option<Spanned<u32>>,
    /// Bad checks in a row until an address is not used.
    pub unhealthy_after: Option<Spanned<u32>>,
}

/// `ejection`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEjection {
    /// Failures in a row until an address is ejected.
    pub after: Option<Spanned<u32>>,
    /// For how long.
    pub duration: Option<Text>,
}

/// `retries`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRetries {
    /// Most retries of one request.
    pub most: Option<Spanned<u32>>,
    /// Retries may be this part of requests, in percent.
    pub budget_percent: Option<Spanned<u32>>,
}
