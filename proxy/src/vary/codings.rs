//! Accept-Encoding in the form by which variants are told apart.

use http::{HeaderMap, HeaderValue, header};

use crate::weighted::{Member, members};

/// The content codings that a client accepts, of those that matter: by them Accept-Encoding is compared and sent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Codings {
    /// Zstandard (RFC 8878).
    pub zstd: bool,
    /// Brotli (RFC 7932).
    pub br: bool,
    /// gzip (RFC 9110 §8.4.1.3).
    pub gzip: bool,
}

// === impl Codings ===

impl Codings {
    /// What a request accepts: the codings that it names with a weight above zero (RFC 9110 §12.5.3). `*` alone counts for none,
    /// since the identity coding answers it too.
    pub fn of(request: &HeaderMap) -> Self {
        let mut found = Self::default();
        for Member { name: coding, weight } in members(request, &header::ACCEPT_ENCODING) {
            // What is no weight refuses.
            let accepted = weight.is_some_and(|weight| weight > 0);
            let is = |name: &str| coding.eq_ignore_ascii_case(name.as_bytes());
            found.zstd |= accepted && is("zstd");
            found.br |= accepted && is("br");
            found.gzip |= accepted && (is("gzip") || is("x-gzip"));
        }
        found
    }

    /// The Accept-Encoding field that says the same; absent where nothing but identity is accepted.
    pub fn field(self) -> Option<HeaderValue> {
        let text = match (self.zstd, self.br, self.gzip) {
            (false, false, false) => return None,
            (false, false, true) => "gzip",
            (false, true, false) => "br",
            (false, true, true) => "br, gzip",
            (true, false, false) => "zstd",
            (true, false, true) => "zstd, gzip",
            (true, true, false) => "zstd, br",
            (true, true, true) => "zstd, br, gzip",
        };
        Some(HeaderValue::from_static(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_zero_refuse() {
        for (given, expected) in [
            ("gzip, deflate, br, zstd", Some("zstd, br, gzip")),
            ("gzip;q=0.000, br;q=0.5", Some("br")),
            ("gzip; Q=0", None),
            ("gzip;x=1", None),
            ("*", None),
            ("identity", None),
            ("X-GZIP", Some("gzip")),
            ("", None),
        ] {
            let field = {
                let mut fields = HeaderMap::new();
                fields.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(given));
                Codings::of(&fields).field()
            };
            assert_eq!(field.as_ref().map(|field| field.to_str().unwrap()), expected, "{given}");
        }
    }
}
