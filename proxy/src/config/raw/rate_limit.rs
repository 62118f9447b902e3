//! `[rate_limits.NAME]`, as it is parsed and before it is checked.

use serde::Deserialize;
use toml::Spanned;

use super::Text;

/// `[rate_limits.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRateLimit {
    /// What tells callers apart.
    pub by: Option<Spanned<RawBy>>,
    /// How many requests a caller has.
    pub requests: Spanned<u32>,
    /// In which period.
    pub per: Text,
    /// How many at once.
    pub burst: Option<Spanned<u32>>,
    /// Which requests count: `all` or `upstream`.
    pub count: Option<Text>,
    /// Networks whose clients have no limit.
    pub except: Option<Spanned<Vec<Text>>>,
    /// Whether it is counted and not enforced.
    #[serde(default)]
    pub dry_run: bool,
}

/// `by`: one thing, or several together.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected \"address\", \"header:NAME\", .. or a list of these")]
pub enum RawBy {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}
