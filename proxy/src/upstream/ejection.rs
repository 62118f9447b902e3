//! Ejection: an address that fails requests in a row is not asked for a while.

use std::time::Duration;

use tokio::time::Instant;

/// An ejection lasts at most this many times the first one.
const MOST_TIMES: u32 = 10;

/// When an address is ejected, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// Failures in a row; zero for never.
    pub after: u32,
    /// How long the first time. Doubled each time in a row, up to ten times as long.
    pub duration: Duration,
}

/// What requests have shown of one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Failures since the last success.
    failures: u32,
    /// Ejections since the last success.
    ejections: u32,
    until: Option<Instant>,
}

/// Whether one more address may be ejected: never more than half of them, so that one that is alone stays.
pub(super) fn may_eject(ejected: usize, of: usize) -> bool {
    (ejected + 1) * 2 <= of
}

// === impl Ejection ===

impl Default for Ejection {
    fn default() -> Self {
        Self { after: 5, duration: Duration::from_secs(10) }
    }
}

impl Ejection {
    fn lasts(&self, earlier: u32) -> Duration {
        self.duration.saturating_mul(1_u32.checked_shl(earlier).unwrap_or(MOST_TIMES).min(MOST_TIMES))
    }
}

// === impl Record ===

impl Record {
    /// Failures since the last success.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// How much longer it is ejected.
    pub(super) fn ejected_for(&self, now: Instant) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// A request succeeded: all is forgotten, the ejection too. True where it was ejected.
    pub(super) fn succeeded(&mut self, now: Instant) -> bool {
        let ejected = self.ejected_for(now).is_some();
        *self = Self::default();
        ejected
    }

    /// A request failed. Says for how long the address is ejected, where this ejects it.
    ///
    /// After an ejection has ended the failures still count, so the first one more ejects again, for longer. Failures of requests
    /// that were under way when it was ejected do not.
    pub(super) fn failed(&mut self, ejection: &Ejection, now: Instant, may_eject: bool) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        let enough = ejection.after > 0 && self.failures >= ejection.after;
        if !enough || !may_eject || self.ejected_for(now).is_some() {
            return None;
        }
        let lasts = ejection.lasts(self.ejections);
        self.ejections = self.ejections.saturating_add(1);
        self.until = now.checked_add(lasts);
        Some(lasts)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EJECTION: Ejection = Ejection { after: 3, duration: Duration::from_secs(10) };

    #[test]
    fn failures_in_a_row_eject_for_longer_each_time_and_a_success_resets() {
        let mut now = Instant::now();
        let mut record = Record::default();
        assert_eq!([(); 2].map(|()| record.failed(&EJECTION, now, true)), [None, None]);
        record.succeeded(now);
        assert_eq!([(); 2].map(|()| record.failed(&EJECTION, now, true)), [None, None]);
        for seconds in [10, 20, 40, 80, 100, 100] {
            let lasts = Duration::from_secs(seconds);
            assert_eq!(record.failed(&EJECTION, now, true), Some(lasts));
            assert_eq!(record.failed(&EJECTION, now, true), None, "a failure of a request that was under way");
            assert_eq!(record.ejected_for(now + lasts / 2), Some(lasts / 2));
            now += lasts;
            assert_eq!(record.ejected_for(now), None);
        }
        assert!(!record.succeeded(now));
        assert_eq!(record, Record::default());
    }

    #[test]
    fn where_it_may_not_be_ejected_the_next_failure_asks_again() {
        let (now, mut record) = (Instant::now(), Record::default());
        assert!((0..5).all(|_| record.failed(&EJECTION, now, false).is_none()));
        assert!(record.failed(&EJECTION, now, true).is_some());
        assert!(record.succeeded(now));
        let never = Ejection { after: 0, ..EJECTION };
        assert!((0..50).all(|_| record.failed(&never, now, true).is_none()));
    }

    proptest! {
        /// Whatever happens, at most half are ejected, and none for longer than ten times the duration.
        #[test]
        fn never_more_than_half(
            count in 1usize..8, events in proptest::collection::vec((any::<usize>(), 0u8..10, 0u64..30), 0..200),
        ) {
            let mut now = Instant::now();
            let mut records = vec![Record::default(); count];
            for (place, event, seconds) in events {
                let place = place % count;
                let ejected = records.iter().filter(|record| record.ejected_for(now).is_some()).count();
                match event {
                    0 => now += Duration::from_secs(seconds),
                    1 => { records[place].succeeded(now); }
                    _ => { records[place].failed(&EJECTION, now, may_eject(ejected, count)); }
                }
                let left: Vec<_> = records.iter().filter_map(|record| record.ejected_for(now)).collect();
                prop_assert!(left.len() * 2 <= count);
                prop_assert!(left.iter().all(|left| *left <= EJECTION.duration * MOST_TIMES));
            }
        }
    }
}
