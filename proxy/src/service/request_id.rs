//! One name for a request in every log, edge and origin alike.

use http::HeaderValue;
use ulid::Ulid;

/// Longest id that is taken from a client, in bytes.
const MAX_LEN: usize = 64;

/// The client's id where it is a short token, else a new one: ids go into logs, so nothing else may come in by them.
pub(super) fn request_id(given: Option<&HeaderValue>) -> HeaderValue {
    if let Some(given) = given
        && is_short_token(given.as_bytes())
    {
        return given.clone();
    }
    // A ULID is 26 ASCII letters and digits, so this never falls back.
    HeaderValue::from_str(&Ulid::new().to_string()).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

fn is_short_token(bytes: &[u8]) -> bool {
    (1..=MAX_LEN).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tokens_are_kept_and_the_rest_is_replaced() {
        let kept = HeaderValue::from_static("01M7YPGCZ5Q8SD7NVBG6908D7E");
        assert_eq!(request_id(Some(&kept)), kept);
        for odd in ["", "a b", "a\"b", "{}", &"x".repeat(65)] {
            let given = HeaderValue::from_str(odd).unwrap();
            assert_ne!(request_id(Some(&given)), given);
        }
        assert_eq!(request_id(None).len(), 26);
        assert_ne!(request_id(None), request_id(None));
    }
}
