//! Requests that a cache rule matches and that are passed all the same.

use http::{HeaderName, Method, header};

use super::facts::RequestFacts;
use crate::fields::FieldLines;
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

/// Why a request is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BypassCause<'r> {
    /// The reason.
    pub reason: PassReason,
    /// The name of the cookie, header or query parameter, where it is one.
    pub name: Option<&'r [u8]>,
}

impl Default for Bypass {
    fn default() -> Self {
        Self { authorization: true, cookies: Vec::new(), headers: Vec::new(), query: Vec::new() }
    }
}

impl Bypass {
    /// Why this request is passed, if it is.
    pub fn reason(&self, request: &RequestFacts<'_>) -> Option<PassReason> {
        self.cause(request).map(|cause| cause.reason)
    }

    /// As [`Bypass::reason`], with the name of what passes it.
    ///
    /// Request directives such as `no-cache` pass nothing: strangers would decide how hard the upstream works (RFC 9111 §5.2.1
    /// makes them advice).
    pub fn cause<'r>(&'r self, request: &RequestFacts<'r>) -> Option<BypassCause<'r>> {
        let of = |reason| Some(BypassCause { reason, name: None });
        let named = |reason, name| Some(BypassCause { reason, name: Some(name) });
        if request.method != Method::GET && request.method != Method::HEAD {
            return of(PassReason::Method);
        }
        if request.headers.contains(&header::UPGRADE) {
            return of(PassReason::Upgrade);
        }
        if request.has_body {
            return of(PassReason::Body);
        }
        if self.authorization && request.headers.contains(&header::AUTHORIZATION) {
            return of(PassReason::Authorization);
        }
        if !self.cookies.is_empty()
            && let Some(name) = self.cookie(request.headers)
        {
            return named(PassReason::Cookie, name);
        }
        if let Some(name) = self.headers.iter().find(|name| request.headers.contains(name)) {
            return named(PassReason::Header, name.as_ref());
        }
        if self.query.is_empty() {
            return None;
        }
        let is_listed = |name: &[u8]| self.query.iter().any(|listed| listed.matches(name));
        let parameter = request.target.query().pairs().find(|pair| is_listed(pair.name.as_bytes()))?;
        named(PassReason::Query, parameter.name.as_bytes())
    }

    fn cookie<'r>(&self, headers: FieldLines<'r>) -> Option<&'r [u8]> {
        let is_listed = |name: &[u8]| self.cookies.iter().any(|listed| listed.matches(name));
        cookies(headers).map(|cookie| cookie.name).find(|name| is_listed(name))
    }
}
