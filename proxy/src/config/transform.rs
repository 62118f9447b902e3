//! What a rule changes of its messages: edits and CORS.

use std::sync::Arc;

use toml::Spanned;

use super::problems::Problems;
use super::raw::RawRule;
use super::{cors, edits};
use crate::rules::{CacheSettings, Transform};
use crate::vary::VaryMode;

/// Compiles it. What is wrong is noted, so that nothing is compiled in the end.
pub(super) fn compile(raw: &RawRule, problems: &mut Problems<'_>) -> Transform {
    let of = edits::Of { caches: raw.action.get_ref() == "cache", cors: raw.cors.is_some() };
    Transform {
        request: raw
            .request_headers
            .as_ref()
            .map(|raw| Arc::new(edits::request(raw.get_ref(), problems)))
            .unwrap_or_default(),
        response: raw
            .response_headers
            .as_ref()
            .map(|raw| edits::response(raw.get_ref(), of, problems))
            .unwrap_or_default(),
        cors: raw.cors.as_ref().map(Spanned::get_ref).and_then(|raw| cors::compile(raw, problems)),
    }
}

/// Fills make the rule's edits too. With CORS at the edge, what the upstream says of Origin does not split the cache, and the upstream is not told it.
pub(super) fn settle(transform: &Transform, settings: &mut CacheSettings) {
    settings.request_edits = Arc::clone(&transform.request);
    if transform.cors.is_some() {
        settings.vary.named.retain(|(name, _)| *name != http::header::ORIGIN);
        settings.vary.named.push((http::header::ORIGIN, VaryMode::Ignore));
    }
}
