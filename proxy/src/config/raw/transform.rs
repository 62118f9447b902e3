//! What a rule does to messages: edits, CORS, compression, as it is parsed and before it is checked.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Text;

/// `request_headers`, `response_headers`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEdits {
    /// Fields that are set, in place of what is there.
    #[serde(default)]
    pub set: BTreeMap<Text, Text>,
    /// Lines that are added.
    #[serde(default)]
    pub add: BTreeMap<Text, Text>,
    /// Fields that are taken out.
    #[serde(default)]
    pub remove: Vec<Text>,
}

/// `cors`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCors {
    /// Origins: `https://shop.example`, `https://*.shop.example` or `*`.
    pub origins: Spanned<Vec<Text>>,
    /// Methods that are allowed.
    pub methods: Option<Spanned<Vec<Text>>>,
    /// Request fields that are allowed; `*` for those that are asked for.
    pub headers: Option<Spanned<Vec<Text>>>,
    /// Response fields that scripts may read.
    #[serde(default)]
    pub expose: Vec<Text>,
    /// Whether cookies and Authorization are allowed.
    #[serde(default)]
    pub credentials: bool,
    /// How long browsers remember a preflight's answer.
    pub max_age: Option<Text>,
}

/// `compression`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCompression {
    /// Codings, the preferred first.
    pub codings: Option<Spanned<Vec<Text>>>,
    /// Media types: `text/html`, `text/*`.
    pub types: Option<Spanned<Vec<Text>>>,
    /// Least size of the body.
    pub min: Option<Text>,
}
