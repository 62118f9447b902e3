//! Module auth: who can sign in, and as whom.

pub mod identity;
pub mod reset;
pub mod verification;

pub use identity::{Actors, EMAILPASS, Identity};

use sha2::{Digest as _, Sha256};

/// What is kept of a token: enough to know it again, and nothing to make it from. Tokens are 128 random bits and more, so
/// that no salt is needed.
pub fn token_hash(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}
