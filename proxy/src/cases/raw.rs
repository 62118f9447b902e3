//! A cases file's shape, as it is parsed and before it is checked. Every key stands in `docs/rules.md`, which a test compares.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::config::raw::{RawCondition, Text};

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCases {
    /// The cases, in their order.
    #[serde(default)]
    pub cases: Vec<Spanned<RawCase>>,
}

/// `[[cases]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCase {
    /// What it is about, unique in the file.
    pub name: Text,
    /// What a client asks.
    pub request: RawRequest,
    /// What the upstream answers.
    pub response: Option<RawAnswer>,
    /// What must come of it.
    pub expect: Spanned<RawExpect>,
}

/// `request`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRequest {
    /// `http://host/path`, or a path alone.
    pub url: Text,
    /// The method.
    pub method: Option<Text>,
    /// Fields, each with one line or several.
    #[serde(default)]
    pub headers: BTreeMap<Text, Lines>,
    /// The address that connects.
    pub client: Option<Text>,
}

/// `response`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAnswer {
    /// The status.
    pub status: Option<Spanned<u16>>,
    /// Fields, each with one line or several.
    #[serde(default)]
    pub headers: BTreeMap<Text, Lines>,
}

/// One text, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub enum Lines {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// `expect`: what is left out may be anything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawExpect {
    /// The rule that decides.
    pub rule: Option<Text>,
    /// `cache`, `pass`, `refuse`, `preflight` or `purge`.
    pub action: Option<Text>,
    /// Why it is passed or refused.
    pub reason: Option<Text>,
    /// The rate limits that count it, in any order.
    pub rate_limits: Option<Spanned<Vec<String>>>,
    /// Who is asked.
    pub upstream: Option<Text>,
    /// The path and query that the upstream is asked for.
    pub sent: Option<Text>,
    /// Conditions on the fields that the upstream is sent.
    #[serde(default)]
    pub request_headers: BTreeMap<Text, Spanned<RawCondition>>,
    /// Cases whose request the same stored object answers.
    pub same_as: Option<Spanned<Lines>>,
    /// Cases whose request another object answers.
    pub differs_from: Option<Spanned<Lines>>,
    /// Whether the response is stored.
    pub stored: Option<Spanned<bool>>,
    /// Why it is not.
    pub not_stored: Option<Text>,
    /// How long it is fresh at the edge.
    pub edge_ttl: Option<Text>,
    /// How long the client may take it for fresh.
    pub browser_ttl: Option<Text>,
    /// How long past its freshness it is served while it is refreshed.
    pub stale_while_revalidate: Option<Text>,
    /// How long past its freshness it is served when the upstream fails.
    pub stale_if_error: Option<Text>,
    /// Its tags, but for those of its address, in any order.
    pub tags: Option<Spanned<Vec<String>>>,
    /// The request fields that tell its variants apart, in any order.
    pub varies_by: Option<Spanned<Vec<String>>>,
    /// Conditions on the fields that the client gets.
    #[serde(default)]
    pub response_headers: BTreeMap<Text, Spanned<RawCondition>>,
}

// === impl RawExpect ===

impl RawExpect {
    /// Whether anything may come of it.
    pub fn is_empty(&self) -> bool {
        let texts = [
            &self.rule,
            &self.action,
            &self.reason,
            &self.upstream,
            &self.sent,
            &self.not_stored,
            &self.edge_ttl,
            &self.browser_ttl,
            &self.stale_while_revalidate,
            &self.stale_if_error,
        ];
        texts.iter().all(|text| text.is_none())
            && self.same_as.is_none()
            && self.differs_from.is_none()
            && self.rate_limits.is_none()
            && self.stored.is_none()
            && self.tags.is_none()
            && self.varies_by.is_none()
            && self.request_headers.is_empty()
            && self.response_headers.is_empty()
    }
}

// === impl Lines ===

impl Lines {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(line) => std::slice::from_ref(line),
            Self::Many(lines) => lines,
        }
        .iter()
        .map(String::as_str)
    }
}
