//! One name for a request in every log, edge and origin alike.

use http::HeaderValue;
use ulid::{ULID_LEN, Ulid};
use vitrine_shared::clock::unix_millis;

/// Longest id that is taken from a client, in bytes.
const MAX_LEN: usize = 64;

/// A request's name: the client's own where that is a short token, else a new ULID.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId {
    bytes: [u8; MAX_LEN],
    len: usize,
}

// === impl RequestId ===

impl RequestId {
    /// The client's id where it is a short token, else a new one: ids go into logs, so nothing else may come in by them. `now` is in Unix
    /// milliseconds.
    pub(crate) fn of(given: Option<&[u8]>, now: u64) -> Self {
        let mut bytes = [0; MAX_LEN];
        let mut text = [0; ULID_LEN];
        let id = match given.filter(|given| is_short_token(given)) {
            Some(given) => given,
            None => Ulid::from_parts(now, rand::random()).array_to_str(&mut text).as_bytes(),
        };
        bytes[..id.len()].copy_from_slice(id);
        Self { bytes, len: id.len() }
    }

    /// It, as ASCII.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// It, as text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or("-")
    }
}

/// As [`RequestId::of`], for where a field's value is wanted.
pub(crate) fn request_id(given: Option<&HeaderValue>) -> HeaderValue {
    let id = RequestId::of(given.map(HeaderValue::as_bytes), unix_millis());
    // Letters and digits, so this never falls back.
    HeaderValue::from_str(id.as_str()).unwrap_or_else(|_| HeaderValue::from_static("-"))
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

    #[test]
    fn a_new_one_is_of_its_moment() {
        let id = RequestId::of(None, 1_469_918_176_385);
        assert!(
            id.as_str().starts_with("01ARYZ6S41"),
            "{}: the time part of the ULID specification's example",
            id.as_str()
        );
    }
}
