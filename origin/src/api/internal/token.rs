//! The internal port's bearer token.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, header};
use subtle::ConstantTimeEq as _;

use crate::error::ApiError;
use crate::state::AppState;

/// Lets a request pass that carries the token.
pub(super) async fn require(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if is_allowed(request.headers(), state.config.feed.internal_token.expose()) {
        next.run(request).await
    } else {
        ApiError::unauthenticated().into_response()
    }
}

/// Compares in constant time; only the token's length may leak.
fn is_allowed(headers: &HeaderMap, token: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    given.is_some_and(|given| given.ct_eq(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_opens() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            is_allowed(&headers, "secret")
        };
        assert!(with("Bearer secret"));
        assert!(!with("Bearer secre"));
        assert!(!with("Bearer secret2"));
        assert!(!with("secret"));
        assert!(!is_allowed(&HeaderMap::new(), "secret"));
    }
}
