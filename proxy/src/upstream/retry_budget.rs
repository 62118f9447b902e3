//! How much a failing upstream may be asked again: a part of what it is asked, so that retries cannot pile up on trouble.

use tokio::time::Instant;

/// Seconds over which requests and retries are counted.
const WINDOW: usize = 10;
/// Retries a second that are allowed however little is asked.
const FLOOR: u32 = 3;

/// Retries of safe requests that the upstream may have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Most of one request.
    pub most: u32,
    /// Most of all together: this part of the requests of the last ten seconds, in percent, or three a second where that is more.
    pub budget_percent: u32,
}

/// What was asked in the last ten seconds, second by second.
#[derive(Clone, Debug)]
pub(super) struct RetryBudget {
    origin: Instant,
    slots: [Slot; WINDOW],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    second: u64,
    requests: u32,
    retries: u32,
}

// === impl Retries ===

impl Default for Retries {
    fn default() -> Self {
        Self { most: 1, budget_percent: 20 }
    }
}

// === impl RetryBudget ===

impl RetryBudget {
    /// Nothing was asked yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { origin: now, slots: [Slot::default(); WINDOW] }
    }

    /// Counts a request; a retry is none.
    pub(super) fn asked(&mut self, now: Instant) {
        let slot = self.slot(now);
        slot.requests = slot.requests.saturating_add(1);
    }

    /// Takes one retry out of the budget; false where it is used up.
    pub(super) fn take(&mut self, retries: Retries, now: Instant) -> bool {
        let newest = self.slot(now).second;
        let recent = self.slots.iter().filter(|slot| newest - slot.second < WINDOW as u64);
        let (asked, retried) = recent.fold((0, 0), |(asked, retried), slot| {
            (asked + u64::from(slot.requests), retried + u64::from(slot.retries))
        });
        let slot = self.slot(now);
        let within = (retried + 1) * 100 <= asked * u64::from(retries.budget_percent) || slot.retries < FLOOR;
        slot.retries = slot.retries.saturating_add(u32::from(within));
        within
    }

    fn slot(&mut self, now: Instant) -> &mut Slot {
        let second = now.saturating_duration_since(self.origin).as_secs();
        let place = usize::try_from(second % WINDOW as u64).unwrap_or_default();
        let slot = &mut self.slots[place];
        // Times of different threads may come in another order than they were read.
        if slot.second < second {
            *slot = Slot { second, ..Slot::default() };
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const RETRIES: Retries = Retries { most: 1, budget_percent: 20 };

    fn taken(budget: &mut RetryBudget, now: Instant) -> usize {
        (0..1000).take_while(|_| budget.take(RETRIES, now)).count()
    }

    #[test]
    fn a_part_of_the_last_ten_seconds_or_three_a_second() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut budget = RetryBudget::new(start);
        assert_eq!(taken(&mut budget, at(0)), 3);
        assert_eq!(taken(&mut budget, at(1)), 3);
        for _ in 0..1000 {
            budget.asked(at(1));
        }
        // 200 are a fifth, and six of them are used.
        assert_eq!(taken(&mut budget, at(2)), 194);
        // The first three are ten seconds old; the others still count.
        assert_eq!(taken(&mut budget, at(10)), 3);
        assert_eq!(taken(&mut budget, at(11)), 3);
        assert_eq!(taken(&mut budget, at(1000)), 3);
    }

    proptest! {
        /// More than the floor of a second only where all of the window stays within its part of what was asked.
        #[test]
        fn retries_never_pass_the_budget(steps in proptest::collection::vec((0u64..1500, 0u32..50, 0u32..50), 1..60)) {
            let start = Instant::now();
            let mut now = start;
            let mut budget = RetryBudget::new(start);
            let mut seconds = std::collections::BTreeMap::<u64, (u64, u64)>::new();
            for (millis, requests, wanted) in steps {
                now += Duration::from_millis(millis);
                let second = (now - start).as_secs();
                let of = seconds.entry(second).or_default();
                for _ in 0..requests {
                    budget.asked(now);
                    of.0 += 1;
                }
                of.1 += (0..wanted).filter(|_| budget.take(RETRIES, now)).count() as u64;
                let window = seconds.range(second.saturating_sub(WINDOW as u64 - 1)..=second);
                let (asked, retried) = window.fold((0, 0), |sum, (_, of)| (sum.0 + of.0, sum.1 + of.1));
                let this_second = seconds[&second].1;
                prop_assert!(this_second <= u64::from(FLOOR) || retried * 5 <= asked, "{retried} of {asked}");
            }
        }
    }
}
