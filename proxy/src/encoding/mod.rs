//! Content codings at the edge: one representation is stored, the others are derived from it (RFC 9110 §8.4, §12.5.3).
//!
//! Here is what needs neither store nor engine: which codings a client [accepts](Accept), which of them it [gets](choose), which
//! responses [may be coded anew](form_of), and the [codecs](codec).

mod accept;
mod choice;
pub mod codec;
mod form;

use http::{HeaderMap, HeaderValue, header};

pub use accept::Accept;
pub use choice::choose;
pub use form::{Form, form_of};

/// What fills ask for under a rule with compression, whatever the client accepts: what nearly every upstream can do, so that one
/// stored representation serves all.
pub const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip");

/// The settings of a rule's compression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compression {
    /// The codings that clients are offered, the preferred first.
    pub codings: Vec<Coding>,
    /// Media types in lower case: `text/html`, or `text/` for all that begin so.
    pub types: Vec<Box<str>>,
    /// Least size of a body in bytes: smaller ones are sent as they are.
    pub min: u64,
}

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// Zstandard (RFC 8878).
    Zstd,
    /// Brotli (RFC 7932).
    Br,
    /// gzip (RFC 9110 §8.4.1.3).
    Gzip,
}

// === impl Coding ===

impl Coding {
    /// All of them, in the order in which clients are offered them where a rule does not say otherwise.
    pub const ALL: [Self; 3] = [Self::Zstd, Self::Br, Self::Gzip];

    /// Its name in Accept-Encoding and Content-Encoding.
    pub const fn token(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Br => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Of a token in any case; `x-gzip` is gzip (RFC 9110 §8.4.1.3).
    pub fn of_token(token: &[u8]) -> Option<Self> {
        if token.eq_ignore_ascii_case(b"x-gzip") {
            return Some(Self::Gzip);
        }
        Self::ALL.into_iter().find(|coding| token.eq_ignore_ascii_case(coding.token().as_bytes()))
    }
}

// === impl Compression ===

/// Media types that shrink.
const TYPES: [&str; 12] = [
    "text/",
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/manifest+json",
    "application/wasm",
    "application/xhtml+xml",
    "application/xml",
    "font/otf",
    "font/ttf",
    "image/svg+xml",
    "image/x-icon",
];
/// Below this the head of a response weighs as much as what could be saved.
const MIN: u64 = 1 << 10;

impl Default for Compression {
    fn default() -> Self {
        Self { codings: Coding::ALL.to_vec(), types: TYPES.into_iter().map(Box::from).collect(), min: MIN }
    }
}

impl Compression {
    /// The codings that a response is offered in besides its stored form: all, or none where it is too small or not of the types.
    pub fn offered(&self, fields: &HeaderMap, form: Form, length: u64) -> &[Coding] {
        // What the upstream has coded was worth it to the upstream; its length says little.
        let is_small = form == Form::Identity && length < self.min;
        if is_small || !self.has_type(fields) { &[] } else { &self.codings }
    }

    fn has_type(&self, fields: &HeaderMap) -> bool {
        let Some(value) = fields.get(header::CONTENT_TYPE) else {
            return false;
        };
        let value = value.as_bytes();
        let given = value[..memchr::memchr(b';', value).unwrap_or(value.len())].trim_ascii();
        self.types.iter().any(|own| {
            let own = own.as_bytes();
            let compared = if own.ends_with(b"/") { given.get(..own.len()) } else { Some(given) };
            compared.is_some_and(|compared| compared.eq_ignore_ascii_case(own))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bodies_of_the_types_and_the_least_size_are_coded() {
        let compression = Compression::default();
        for (kind, form, length, expected) in [
            (Some("text/html; charset=utf-8"), Form::Identity, 1024, true),
            (Some("TEXT/HTML;charset=utf-8"), Form::Identity, 1024, true),
            (Some(" application/json "), Form::Identity, 1024, true),
            (Some("application/json+x"), Form::Identity, 1024, false),
            (Some("application/jso"), Form::Identity, 1024, false),
            (Some("text"), Form::Identity, 1024, false),
            (Some("image/png"), Form::Identity, 4096, false),
            (Some("text/html"), Form::Identity, 1023, false),
            (Some("text/html"), Form::Coded(Coding::Gzip), 100, true),
            (Some("image/png"), Form::Coded(Coding::Gzip), 4096, false),
            (None, Form::Identity, 4096, false),
        ] {
            let mut fields = HeaderMap::new();
            if let Some(kind) = kind {
                fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            let offered = !compression.offered(&fields, form, length).is_empty();
            assert_eq!(offered, expected, "{kind:?} {form:?} {length}");
        }
    }
}
