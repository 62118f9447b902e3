//! Waiting for a condition, with a limit.

use std::time::{Duration, Instant};

use super::StackError;

/// How often a condition is looked at. Short, since most are true after a few milliseconds.
pub(crate) const POLL: Duration = Duration::from_millis(10);

/// Asks `condition` again and again until it says true, or fails after `limit` with `what` in the message.
pub async fn wait_until(
    what: &str,
    limit: Duration,
    mut condition: impl AsyncFnMut() -> bool,
) -> Result<(), StackError> {
    let start = Instant::now();
    while !condition().await {
        if start.elapsed() >= limit {
            return Err(StackError::Timeout { what: what.to_owned(), seconds: limit.as_secs() });
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// A limit for a loop that asks again and again.
pub(crate) struct Deadline {
    start: Instant,
    limit: Duration,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        Self { start: Instant::now(), limit }
    }

    /// Waits a moment. False when the time is over.
    pub(crate) async fn again(&self) -> bool {
        tokio::time::sleep(POLL).await;
        self.start.elapsed() < self.limit
    }

    /// What did not happen, in words.
    pub(crate) fn missed(&self) -> String {
        format!("did not answer within {} s", self.limit.as_secs())
    }
}

/// The same as [`wait_until`] without a runtime, for `Drop` and for the end of leftovers. Says whether the condition came true.
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
