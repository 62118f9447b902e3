//! Module auth: who can sign in, and as whom.

pub mod identity;
pub mod reset;
pub mod verification;

pub use identity::{Actors, EMAILPASS, Identity};

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// What is kept of a token: enough to know it again, and nothing to make it from. Tokens are 128 random bits and more, so
/// that no salt is needed.
pub fn token_hash(token: &str) -> String {
    hex(&Sha256::digest(token))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
