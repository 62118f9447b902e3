//! Waiting for a condition, with a limit.

use std::time::{Duration, Instant};

use super::StackError;

/// How often a condition is looked at. Short, since most are true after a few milliseconds.
pub(crate) const POLL: Duration = Duration::from_millis(10);

/// Asks `condition` again and again until it says true, or fails after `limit` with `what` in the message.
pub async fn wait_until<F, Fut>(what: &str, limit: Duration, mut condition: F) -> Result<(), StackError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let start = Instant::now();
    while !condition().await {
        if start.elapsed() >= limit {
            return Err(StackError::Timeout { what: what.to_owned(), seconds: limit.as_secs() });
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// The same without a runtime, for `Drop` and for the end of leftovers. Says whether the condition came true.
pub(crate) fn wait_blocking(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() >= limit {
            return false;
        }
        std::thread::sleep(POLL);
    }
    true
}
