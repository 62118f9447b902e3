//! The one place that reads time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A reading of `CLOCK_BOOTTIME`: monotonic, and it goes on while the machine is suspended.
///
/// Leases are measured with it: a stopped or suspended process must not serve on waking (invalidation protocol, rule 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(Duration);

impl BootTime {
    /// Reads the clock now; never a cached reading.
    pub fn now() -> Self {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let secs = u64::try_from(now.tv_sec).unwrap_or(0);
        let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
        Self(Duration::new(secs, nanos))
    }

    /// A reading at a given distance from boot, for tests and simulations.
    pub const fn at(since_boot: Duration) -> Self {
        Self(since_boot)
    }

    /// Nanoseconds since boot: enough for five centuries.
    pub fn nanos(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Time since `earlier`; zero where `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::ops::Add<Duration> for BootTime {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

/// The time since the Unix epoch by the wall clock.
pub fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Milliseconds since the Unix epoch by the wall clock.
pub fn unix_millis() -> u64 {
    millis(unix())
}

/// The whole milliseconds of a time.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_time_does_not_go_back() {
        let first = BootTime::now();
        let second = BootTime::now();
        assert!(second >= first);
        assert_eq!(first.since(first + Duration::from_secs(1)), Duration::ZERO);
    }
}
