//! How far a transfer has fallen behind its least rate, for the client's sake.

use super::Pace;
use super::deadline::{Millis, millis};

/// One direction of one transfer. Only time counts in which the client could go on and does not: while it is waited for, the transfer
/// falls behind, and what it moves makes up for that. A transfer that was fast for long has earned no longer rest than another.
#[derive(Clone, Debug, Default)]
pub(super) struct Pacing {
    /// What it is behind, in thousandths of bytes.
    behind: u64,
    since: Option<Millis>,
}

// === impl Pacing ===

impl Pacing {
    /// The client is waited for from now on.
    pub(super) fn begin(&mut self, now: Millis) {
        self.since.get_or_insert(now);
    }

    /// Nothing goes on now, for the client's sake. Returns until when that may last, by the measure of
    /// [`Watch::is_over`](super::deadline::Watch::is_over).
    pub(super) fn wait(&mut self, now: Millis, pace: &Pace) -> Millis {
        self.begin(now);
        self.until(now, pace)
    }

    /// The same, waiting or not. It lies in the past for who has drip by drip fallen behind by more than may be: however lately he went
    /// on, that is over.
    pub(super) fn until(&self, now: Millis, pace: &Pace) -> Millis {
        let since = self.since.unwrap_or(now);
        since.saturating_add(millis(pace.grace)).saturating_sub(self.behind / pace.rate.max(1))
    }

    /// The client went on, by so many bytes, or is not waited for any more.
    pub(super) fn go_on(&mut self, now: Millis, pace: &Pace, bytes: u64) {
        if let Some(since) = self.since.take() {
            let waited = now.saturating_sub(since);
            self.behind = self.behind.saturating_add(waited.saturating_mul(pace.rate));
        }
        self.behind = self.behind.saturating_sub(bytes.saturating_mul(1000));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PACE: Pace = Pace { rate: 100, grace: Duration::from_secs(1) };

    #[test]
    fn waiting_adds_up_and_bytes_make_up_for_it() {
        let mut pacing = Pacing::default();
        assert_eq!(pacing.wait(0, &PACE), 1000);
        assert_eq!(pacing.wait(700, &PACE), 1000, "still the same waiting");
        pacing.go_on(700, &PACE, 10);
        assert_eq!(pacing.until(4000, &PACE), 4400, "700 behind, of which ten bytes make up for 100");
        assert_eq!(pacing.wait(5000, &PACE), 5400);
        pacing.go_on(6000, &PACE, 0);
        assert_eq!(pacing.wait(6000, &PACE), 5400, "over, however lately he went on");
        pacing.go_on(6000, &PACE, 1_000_000);
        assert_eq!(pacing.wait(9000, &PACE), 10_000, "no more than the grace is ever left");
    }

    #[test]
    fn single_bytes_count() {
        let pace = Pace { rate: 3000, grace: Duration::from_secs(1) };
        let mut pacing = Pacing::default();
        pacing.wait(0, &pace);
        pacing.go_on(1000, &pace, 0);
        (0..3000).for_each(|_| pacing.go_on(1000, &pace, 1));
        assert_eq!(pacing.wait(1000, &pace), 2000);
    }
}
