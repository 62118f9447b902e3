//! Requests that a cache rule matches and that are passed all the same.

use http::{HeaderMap, HeaderName, Method, header};

use super::facts::RequestFacts;
use crate::glob::Glob;
use crate::key::cookies;
use crate::reason::PassReason;

/// Which requests of a cache rule are passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bypass {
    /// Whether Authorization passes. Where not, RFC 9111 §3.5 decides on storing.
    pub authorization: bool,
    /// Cookies, by name, in which `*` stands for anything; capitals matter.
    pub cookies: Vec<Glob>,
    /// Header fields.
    pub headers: Vec<HeaderName>,
    /// Query parameters, by name in normal form, in which `*` stands for anything.
    pub query: Vec<Glob>,
}

impl Default for Bypass {
    fn default() -> Self {
        Self { authorization: true, cookies: Vec::new(), headers: Vec::new(), query: Vec::new() }
    }
}

impl Bypass {
    /// Why this request is passed, if it is.
    ///
    /// Request directives such as `no-cache` pass nothing: strangers would decide how hard the upstream works (RFC 9111 §5.2.1
    /// makes them advice).
    pub fn reason(&self, request: &RequestFacts<'_>) -> Option<PassReason> {
        if request.method != Method::GET && request.method != Method::HEAD {
            return Some(PassReason::Method);
        }
        if request.headers.contains_key(header::UPGRADE) {
            return Some(PassReason::Upgrade);
        }
        if request.has_body {
            return Some(PassReason::Body);
        }
        if self.authorization && request.headers.contains_key(header::AUTHORIZATION) {
            return Some(PassReason::Authorization);
        }
        if !self.cookies.is_empty() && self.has_cookie(request.headers) {
            return Some(PassReason::Cookie);
        }
        if self.headers.iter().any(|name| request.headers.contains_key(name)) {
            return Some(PassReason::Header);
        }
        let has_parameter = || {
            request.target.query().pairs().any(|pair| self.query.iter().any(|name| name.matches(pair.name.as_bytes())))
        };
        (!self.query.is_empty() && has_parameter()).then_some(PassReason::Query)
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        cookies(headers).any(|cookie| self.cookies.iter().any(|name| name.matches(cookie.name)))
    }
}
