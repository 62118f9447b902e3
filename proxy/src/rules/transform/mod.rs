//! What a rule changes of the messages that it is for.

mod cors;
mod edits;
mod fields;
mod origins;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};

pub use cors::{AllowedHeaders, Cors, asked_method};
pub use edits::{HeaderEdits, describes_content};
pub use fields::Fields;
pub use origins::{OriginError, OriginPattern, OriginPort, Origins};

use crate::fields::FieldLines;

/// Changes of messages under one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transform {
    /// Of the request that the upstream is sent. They are constants of the rule and part of its keys' scope.
    pub request: Arc<HeaderEdits>,
    /// Of the response that the client is sent; stored objects keep what the upstream sent.
    pub response: HeaderEdits,
    /// CORS at the edge; absent where the upstream sees to it.
    pub cors: Option<Cors>,
}

/// Whose response it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The upstream's, from the cache or not.
    Upstream,
    /// This edge's: a refusal, an error. Its body is described by its own fields.
    Edge,
}

impl Transform {
    /// The fields of the answer to a preflight, the rule's edits among them; `None` where the upstream is to answer it.
    pub fn preflight(&self, request: &HeaderMap) -> Option<HeaderMap> {
        let cors = self.cors.as_ref()?;
        let mut fields = HeaderMap::new();
        self.response.apply_where(&mut fields, |name| !describes_content(name));
        for (name, value) in &cors.preflight(request) {
            fields.append(name, value.clone());
        }
        Some(fields)
    }

    /// Makes the final changes to a response for a client: the rule's edits, then CORS for a request with these fields.
    ///
    /// All responses under the rule get them, errors of this edge too: `Strict-Transport-Security` is meant for all, and a script
    /// may read why it failed. Edits of [what describes content](describes_content) are left out where the upstream's content
    /// is not sent as it is: on 304 (RFC 9110 §15.4.5), on multipart ranges, and on what the edge says itself.
    pub fn finish<'r>(
        &self,
        request: impl Into<FieldLines<'r>>,
        status: StatusCode,
        author: Author,
        fields: &mut impl Fields,
    ) {
        if !self.response.is_empty() {
            let multipart = |value: &HeaderValue| value.as_bytes().starts_with(b"multipart/byteranges");
            let as_it_is = author == Author::Upstream
                && status != StatusCode::NOT_MODIFIED
                && !(status == StatusCode::PARTIAL_CONTENT
                    && fields.all().get(header::CONTENT_TYPE).is_some_and(multipart));
            if as_it_is {
                self.response.apply(fields);
            } else {
                self.response.apply_where(fields, |name| !describes_content(name));
            }
        }
        if let Some(cors) = &self.cors {
            cors.mark(cors::one_origin(request), fields);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn edits(set: &[(&'static str, &'static str)]) -> HeaderEdits {
        let set = set.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        HeaderEdits { set: set.collect(), ..HeaderEdits::default() }
    }

    #[test]
    fn what_describes_content_is_edited_only_where_that_content_is_sent() {
        let response = edits(&[("content-type", "text/html"), ("strict-transport-security", "max-age=1")]);
        let transform = Transform { response, ..Transform::default() };
        for (status, author, before, after) in [
            (200, Author::Upstream, "text/plain", "text/html"),
            (404, Author::Upstream, "text/plain", "text/html"),
            (206, Author::Upstream, "text/plain", "text/html"),
            (206, Author::Upstream, "multipart/byteranges; boundary=x", "multipart/byteranges; boundary=x"),
            (304, Author::Upstream, "", ""),
            (503, Author::Edge, "application/json", "application/json"),
        ] {
            let mut fields = HeaderMap::new();
            if !before.is_empty() {
                fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(before));
            }
            transform.finish(&HeaderMap::new(), StatusCode::from_u16(status).unwrap(), author, &mut fields);
            let given = fields.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap());
            assert_eq!(given, after, "{status} {author:?}");
            assert_eq!(fields["strict-transport-security"], "max-age=1", "{status} {author:?}");
        }
    }
}
