//! A member's right to serve from cache without asking (invalidation protocol, rule 9).

use std::time::Duration;

use crate::clock::BootTime;

/// A lease as its holder sees it: it runs from *sending* the renewal that was granted, so delay only shortens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    sent_at: BootTime,
    lasts: Duration,
}

impl Lease {
    /// The lease granted in reply to a renewal sent at `sent_at`.
    pub const fn granted(sent_at: BootTime, lasts: Duration) -> Self {
        Self { sent_at, lasts }
    }

    /// Whether the holder may still serve at `now`, a clock reading taken after the request's head was read.
    pub fn holds(&self, now: BootTime) -> bool {
        now.since(self.sent_at) < self.lasts && now >= self.sent_at
    }

    /// The first moment at which it no longer holds.
    pub fn ends(&self) -> BootTime {
        self.sent_at + self.lasts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_by_the_time_of_sending() {
        let at = |millis| BootTime::at(Duration::from_millis(millis));
        let lease = Lease::granted(at(1_000), Duration::from_secs(3));
        assert!(lease.holds(at(1_000)));
        assert!(lease.holds(at(3_999)));
        assert!(!lease.holds(at(4_000)));
        assert!(!lease.holds(at(999)));
        assert_eq!(lease.ends(), at(4_000));
    }
}
