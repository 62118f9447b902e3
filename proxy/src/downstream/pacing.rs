//! How long a transfer has made this edge wait for the client.

use super::Pace;
use super::deadline::{Millis, millis};

/// The waiting in one direction of one transfer. Only time counts in which the client could go on and does not.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    bytes: u64,
    waited: Millis,
    since: Option<Millis>,
}

// === impl Pacing ===

impl Pacing {
    /// Nothing goes on now, for the client's sake. Returns since when, and how long it may last from then on.
    pub(super) fn wait(&mut self, now: Millis, pace: &Pace) -> (Millis, Millis) {
        let since = *self.since.get_or_insert(now);
        (since, millis(pace.allowance(self.bytes)).saturating_sub(self.waited))
    }

    /// So many bytes more.
    pub(super) fn go_on(&mut self, now: Millis, bytes: u64) {
        if let Some(since) = self.since.take() {
            self.waited = self.waited.saturating_add(now.saturating_sub(since));
        }
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PACE: Pace = Pace { rate: 100, grace: Duration::from_secs(1) };

    #[test]
    fn waiting_adds_up_and_bytes_earn_time() {
        let mut pacing = Pacing::default();
        assert_eq!(pacing.wait(0, &PACE), (0, 1000));
        assert_eq!(pacing.wait(700, &PACE), (0, 1000), "still the same waiting");
        pacing.go_on(700, 10);
        assert_eq!(pacing.wait(5000, &PACE), (5000, 400), "1000 and 100 for ten bytes, of which 700 are gone");
        pacing.go_on(5400, 0);
        assert_eq!(pacing.wait(5400, &PACE), (5400, 0));
    }
}
