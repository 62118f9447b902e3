//! Attempts that are counted: what becomes of those that are too many.

use super::client::ClientName;
use crate::error::ApiError;
use crate::limits::{Attempt, Counted, TooMany};
use crate::state::AppState;

/// Counts an attempt, or refuses it.
pub(super) async fn count(
    state: &AppState,
    attempt: Attempt,
    identity: &str,
    client: &ClientName,
) -> Result<Counted, ApiError> {
    Ok(state.attempts.count(attempt, identity, &client.0).await?)
}

impl From<TooMany> for ApiError {
    fn from(error: TooMany) -> Self {
        Self::too_many("Too many attempts; try again later.", error.retry_after)
    }
}
