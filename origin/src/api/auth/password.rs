//! Passwords: slow to hash by design, so off the runtime's threads and only a few at once.

use std::sync::OnceLock;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use crate::error::ApiError;
use crate::state::AppState;

/// Longest password that is hashed, in bytes.
pub(super) const MAX_PASSWORD: usize = 1_024;
/// How long a sign-in waits for its turn.
const TURN: Duration = Duration::from_secs(5);

/// Whether the password is the one that was hashed.
///
/// Without a hash (nobody of that name) it takes as long and says no, so that time does not tell who has an account.
pub(super) async fn is_right(state: &AppState, password: String, hash: Option<String>) -> Result<bool, ApiError> {
    in_turn(state, move || verify(&password, hash.as_deref())).await
}

/// The hash of a new password, in PHC form.
pub(super) async fn hash(state: &AppState, password: String) -> Result<String, ApiError> {
    let hashed = in_turn(state, move || {
        Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|it| it.to_string())
    });
    hashed.await?.map_err(|error| ApiError::unknown(&error))
}

async fn in_turn<T: Send + 'static>(
    state: &AppState,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let turn = tokio::time::timeout(TURN, state.hashing.acquire()).await;
    let Ok(Ok(_turn)) = turn else {
        return Err(ApiError::unavailable("Too many people sign in just now; try again."));
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::unknown(&error))
}

fn verify(password: &str, hash: Option<&str>) -> bool {
    let nobodys = nobodys_hash();
    let Some(hash) = hash.or(nobodys) else {
        return false;
    };
    let parsed = PasswordHash::new(hash);
    parsed.is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
}

/// A hash that no password has: what was hashed is forgotten at once.
fn nobodys_hash() -> Option<&'static str> {
    static HASH: OnceLock<Option<String>> = OnceLock::new();
    HASH.get_or_init(|| {
        let secret: [u8; 32] = rand::random();
        Argon2::default().hash_password(&secret).ok().map(|hash| hash.to_string())
    })
    .as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hashed_password_is_right() {
        let hash = Argon2::default().hash_password(b"supersecret").unwrap().to_string();
        assert!(verify("supersecret", Some(&hash)));
        assert!(!verify("nope", Some(&hash)));
        assert!(!verify("supersecret", None));
        assert!(!verify("supersecret", Some("no hash")));
    }
}
