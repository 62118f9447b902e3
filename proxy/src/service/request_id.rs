//! One name for a request in every log, edge and origin alike.

use std::cell::RefCell;

use http::HeaderValue;
use rand::rngs::SmallRng;
use rand::{RngCore as _, SeedableRng as _};
use ulid::ULID_LEN;
use vitrine_shared::clock::unix_millis;

/// Longest id that is taken from a client, in bytes.
const MAX_LEN: usize = 64;

/// Crockford's base 32, as the ULID specification has it.
const ALPHABET: [u8; 32] = *b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of the time, of 5 bits each.
const OF_TIME: usize = 10;

thread_local! {
    /// Ids need not be secret, only different: each thread draws from a sequence of its own, which begins at a place that the system's
    /// randomness gave.
    static SEQUENCE: RefCell<SmallRng> = RefCell::new(SmallRng::from_os_rng());
}

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
        let len = if let Some(given) = given.filter(|given| is_short_token(given)) {
            bytes[..given.len()].copy_from_slice(given);
            given.len()
        } else {
            if let Some(text) = bytes.first_chunk_mut() {
                write_new(text, now);
            }
            ULID_LEN
        };
        Self { bytes, len }
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

/// Writes a new ULID of this instant, in Unix milliseconds: 48 bits of time and 80 random ones, as 26 digits and capitals.
pub(crate) fn write_new(text: &mut [u8; ULID_LEN], now: u64) {
    let random = SEQUENCE.with_borrow_mut(|sequence| [sequence.next_u64(), sequence.next_u64()]);
    let (time, rest) = text.split_at_mut(OF_TIME);
    write_bits(time, now & 0xffff_ffff_ffff);
    for (half, bits) in rest.chunks_mut(8).zip(random) {
        write_bits(half, bits);
    }
}

/// Writes the lowest bits of a number, 5 a letter.
fn write_bits(letters: &mut [u8], mut bits: u64) {
    for letter in letters.iter_mut().rev() {
        *letter = ALPHABET[(bits & 31) as usize];
        bits >>= 5;
    }
}

fn is_short_token(bytes: &[u8]) -> bool {
    (1..=MAX_LEN).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use ulid::Ulid;

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
    fn new_ones_are_ulids_and_all_different() {
        const EACH: u64 = 20_000;
        let made = || -> Vec<String> { (0..EACH).map(|now| RequestId::of(None, now).as_str().to_owned()).collect() };
        let all: Vec<Vec<String>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(made)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for ids in &all {
            for (id, now) in ids.iter().zip(0..) {
                let ulid = Ulid::from_string(id).unwrap();
                assert_eq!((ulid.timestamp_ms(), ulid.to_string()), (now, id.clone()));
            }
        }
        // Of what is random alone, since each moment has one id of each thread.
        let random: HashSet<&str> = all.iter().flatten().map(|id| &id[OF_TIME..]).collect();
        assert_eq!(random.len() as u64, 4 * EACH);
        let letters: HashSet<u8> = random.iter().flat_map(|random| random.bytes()).collect();
        assert_eq!(letters.len(), ALPHABET.len());
    }

    #[test]
    fn no_time_panics_or_spills() {
        for now in [0, 1, (1 << 48) - 1, 1 << 48, u64::MAX] {
            let id = RequestId::of(None, now);
            let ulid = Ulid::from_string(id.as_str()).unwrap();
            assert_eq!(ulid.timestamp_ms(), now & 0xffff_ffff_ffff);
        }
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
