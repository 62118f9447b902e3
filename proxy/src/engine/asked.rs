//! A cacheable request, as the engine sees it.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, header};
use pingora::http::ResponseHeader;
use tokio::sync::mpsc;

use crate::fields::FieldLines;
use crate::fill::request::ClientFields;
use crate::key::{CacheKey, Canonical, Target};
use crate::policy::RequestControl;
use crate::rules::{CacheSettings, RequestDirectives};
use crate::upstream::Upstream;

/// A GET or HEAD that a rule caches.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'r> {
    /// The rule that caches it.
    pub rule: &'r str,
    /// Who is asked where the cache cannot answer.
    pub upstream: &'r Arc<Upstream>,
    /// The settings of its rule.
    pub settings: &'r Arc<CacheSettings>,
    /// Its target in normal form.
    pub target: &'r Target<'r>,
    /// Its key, and what the upstream is asked for it.
    pub canonical: &'r Canonical,
    /// GET or HEAD.
    pub method: &'r Method,
    /// The client's fields.
    pub headers: &'r HeaderMap,
    /// What the client asks of caches, as far as the rule heeds it: [`heeded`].
    pub control: RequestControl,
    /// Who takes interim responses, where the client may be sent some.
    pub interim: Option<&'r InterimSender>,
    /// Its name in logs.
    pub request_id: &'r HeaderValue,
}

/// Takes interim responses (1xx) for the request that began a fill.
pub type InterimSender = mpsc::UnboundedSender<Box<ResponseHeader>>;

/// The client's directives that count under these settings. `only-if-cached` always does: it spares the upstream.
pub fn heeded<'r>(settings: &CacheSettings, headers: impl Into<FieldLines<'r>>) -> RequestControl {
    let headers = headers.into();
    match settings.request_directives {
        RequestDirectives::Obey => RequestControl::of(headers),
        RequestDirectives::Ignore if headers.contains(&header::CACHE_CONTROL) => {
            RequestControl { only_if_cached: RequestControl::of(headers).only_if_cached, ..RequestControl::default() }
        }
        RequestDirectives::Ignore => RequestControl::default(),
    }
}

impl Asked<'_> {
    pub(super) fn primary(&self) -> &CacheKey {
        &self.canonical.key
    }

    /// Its fields as fills send them; made where they are needed, since most hits do not need them.
    pub(super) fn fields(&self) -> ClientFields {
        ClientFields::of(self.headers, self.settings)
    }
}
