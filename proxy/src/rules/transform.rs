//! What a rule changes of the messages that it is for.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};

/// Changes of messages under one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transform {
    /// Of the request that the upstream is sent. They are constants of the rule and part of its keys' scope.
    pub request: HeaderEdits,
    /// Of the response that the client is sent; stored objects keep what the upstream sent.
    pub response: HeaderEdits,
    /// CORS at the edge; absent where the upstream sees to it.
    pub cors: Option<Cors>,
}

/// Edits of header fields, made in this order: remove, set, add.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderEdits {
    /// Fields that are taken out.
    pub remove: Vec<HeaderName>,
    /// Fields that are set, in place of what is there.
    pub set: Vec<(HeaderName, HeaderValue)>,
    /// Lines that are added.
    pub add: Vec<(HeaderName, HeaderValue)>,
}

/// CORS, answered at the edge (the Fetch standard, §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Who may ask.
    pub origins: Vec<OriginPattern>,
    /// Methods beyond the safelisted.
    pub methods: Vec<Method>,
    /// Request fields beyond the safelisted; absent for those that are asked for.
    pub headers: Option<Vec<HeaderName>>,
    /// Response fields that scripts may read.
    pub expose: Vec<HeaderName>,
    /// Whether cookies and Authorization are allowed.
    pub credentials: bool,
    /// How long browsers remember a preflight's answer.
    pub max_age: Duration,
}

/// An origin of the Fetch standard, or many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginPattern {
    /// Every origin.
    Any,
    /// This one, in lower case.
    Exact(Box<str>),
    /// All hosts below a domain: scheme with `://`, then what the host ends in, which begins with a dot, port included.
    Below(Box<str>, Box<str>),
}
