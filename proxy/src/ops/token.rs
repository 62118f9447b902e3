//! The bearer token of the operations endpoints.

use http::{HeaderMap, header};
use subtle::ConstantTimeEq as _;

/// A token; neither printed nor compared in a way that tells how much of a guess was right.
#[derive(Clone)]
pub struct OpsToken(Box<[u8]>);

impl OpsToken {
    /// From the configuration's text.
    pub fn new(token: &str) -> Self {
        Self(token.as_bytes().into())
    }

    /// Whether a request carries it as its bearer token (RFC 6750 §2.1).
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.as_bytes().split_at_checked(7))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
            .map(|(_, token)| token);
        // An empty token opens nothing.
        given.is_some_and(|given| !self.0.is_empty() && bool::from(given.ct_eq(&self.0)))
    }
}

impl std::fmt::Debug for OpsToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpsToken")
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn admits(token: &str, given: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(given) = given {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(given));
        }
        OpsToken::new(token).admits(&headers)
    }

    #[test]
    fn only_the_whole_token_opens() {
        assert!(admits("secret", Some("Bearer secret")));
        assert!(admits("secret", Some("bearer secret")));
        for wrong in [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Bearer secre"), Some("Basic secret")] {
            assert!(!admits("secret", wrong), "{wrong:?}");
        }
        assert!(!admits("", Some("Bearer ")));
    }
}
