//! `[[rules]]`, as it is parsed and before it is checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Text;
use super::transform::{RawCompression, RawCors, RawEdits};

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
    /// Query parameters, by name.
    #[serde(default)]
    pub query: BTreeMap<Text, Spanned<RawCondition>>,
    /// Header fields, by name.
    #[serde(default)]
    pub headers: BTreeMap<Text, Spanned<RawCondition>>,
    /// Cookies, by name.
    #[serde(default)]
    pub cookies: BTreeMap<Text, Spanned<RawCondition>>,
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
    pub stale_while_revalidate: Option<Spanned<RawStale>>,
    /// Serving stale on errors.
    pub stale_if_error: Option<Spanned<RawStale>>,
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
    /// What fills send of the client's fields besides the key's: `keyed`, `headers` or `all`.
    pub forward: Option<Text>,
    /// How fields that the response's Vary names are compared, by name; `unknown` for all others.
    #[serde(default)]
    pub vary: BTreeMap<Text, Spanned<RawVary>>,
    /// Heuristic freshness.
    pub heuristic: Option<Spanned<RawHeuristic>>,
    /// Targeted fields, the first that a response has counts.
    pub targeted: Option<Spanned<Vec<Text>>>,
    /// Whether the client's Cache-Control counts: `ignore` or `obey`.
    pub request_directives: Option<Text>,
    /// What becomes of a response that sets a cookie: `refuse` or `strip`.
    pub set_cookie: Option<Text>,
    /// Compression at the edge.
    pub compression: Option<Spanned<RawCompression>>,
    /// What the response changes of this.
    #[serde(default)]
    pub responses: Vec<Spanned<RawResponse>>,
    /// Edits of the request that the upstream is sent.
    pub request_headers: Option<Spanned<RawEdits>>,
    /// Edits of the response that the client is sent.
    pub response_headers: Option<Spanned<RawEdits>>,
    /// CORS at the edge.
    pub cors: Option<Spanned<RawCors>>,
    /// Networks from which the PURGE method is taken.
    pub purge_from: Option<Spanned<Vec<Text>>>,
    /// Rate limits, by name.
    #[serde(default)]
    pub rate_limits: Vec<Text>,
}

/// A condition on a parameter, header or cookie: `true` for present, `false` for absent, or a text with `*` for anything.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected true (present), false (absent) or a text, in which * stands for anything")]
pub enum RawCondition {
    /// Present or absent.
    Present(bool),
    /// One of its values matches this.
    Value(String),
}

impl RawResponse {
    /// Whether it says nothing but what it is for.
    pub fn changes_nothing(&self) -> bool {
        self.store.is_none()
            && self.edge_ttl.is_none()
            && self.browser_ttl.is_none()
            && self.stale_while_revalidate.is_none()
            && self.stale_if_error.is_none()
            && self.max_object.is_none()
            && self.set_cookie.is_none()
    }
}

/// `vary.NAME`: a word, or what is told apart.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected \"exact\", \"ignore\", \"refuse\", { languages = [..] } or { types = [..] }")]
pub enum RawVary {
    /// `exact`, `ignore` or `refuse`.
    Word(String),
    /// By the best of these.
    Choices(RawVaryChoices),
}

/// `{ languages = ["en", "de"] }` or `{ types = ["text/html", "application/json"] }`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawVaryChoices {
    /// Of Accept-Language.
    pub languages: Option<Vec<String>>,
    /// Of Accept.
    pub types: Option<Vec<String>>,
}

/// `heuristic`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawHeuristic {
    /// Part of the time since Last-Modified, in percent.
    pub percent: Option<Spanned<u32>>,
    /// The upper bound.
    pub max: Option<Text>,
}

/// `[[rules.responses]]`: what a response with these properties changes; the first that matches decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawResponse {
    /// Statuses: `404`, `5xx` or `500-504`.
    pub status: Option<Spanned<Vec<Text>>>,
    /// Media types: `text/html` or `image/*`.
    pub content_type: Option<Spanned<Vec<Text>>>,
    /// Response fields, by name.
    #[serde(default)]
    pub headers: BTreeMap<Text, Spanned<RawCondition>>,
    /// `false`: it is not stored.
    pub store: Option<Spanned<bool>>,
    /// Freshness at the edge.
    pub edge_ttl: Option<Spanned<RawTtl>>,
    /// What browsers are told.
    pub browser_ttl: Option<Text>,
    /// Serving stale while refreshing.
    pub stale_while_revalidate: Option<Spanned<RawStale>>,
    /// Serving stale on errors.
    pub stale_if_error: Option<Spanned<RawStale>>,
    /// Largest body.
    pub max_object: Option<Text>,
    /// What becomes of Set-Cookie.
    pub set_cookie: Option<Text>,
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

/// `stale_while_revalidate` and `stale_if_error`: a word, or a table with `default`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a duration such as \"1h\", \"respect\", or { default = \"1h\" }")]
pub enum RawStale {
    /// A duration or `respect`.
    Word(String),
    /// For responses that say nothing.
    Default(RawStaleDefault),
}

/// `{ default = "1h" }`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStaleDefault {
    /// How long.
    pub default: String,
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
    /// Whether the device's class counts.
    #[serde(default)]
    pub device: bool,
    /// Whether parameters are sorted.
    pub sort_query: Option<bool>,
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
