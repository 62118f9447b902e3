//! Whether an address is healthy, by what checks of it have shown.

use std::time::Duration;

/// How the addresses of an upstream are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked with GET; 2xx and 3xx are good.
    pub path: Box<str>,
    /// From one round of checks to the next.
    pub every: Duration,
    /// Longest wait for a check's answer, connecting included.
    pub timeout: Duration,
    /// Good checks in a row until an unhealthy address is healthy; at least one.
    pub healthy_after: u32,
    /// Bad checks in a row until a healthy address is unhealthy; at least one.
    pub unhealthy_after: u32,
}

/// An address's health. It is believed healthy until checks say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Health {
    healthy: bool,
    /// Checks in a row that said the contrary.
    contrary: u32,
}

// === impl HealthCheck ===

impl HealthCheck {
    /// Between checks, where nothing is said.
    pub const EVERY: Duration = Duration::from_secs(5);
    /// Longest wait, where nothing is said.
    pub const TIMEOUT: Duration = Duration::from_secs(2);
    /// Good checks, where nothing is said.
    pub const HEALTHY_AFTER: u32 = 2;
    /// Bad checks, where nothing is said.
    pub const UNHEALTHY_AFTER: u32 = 3;
}

// === impl Health ===

impl Default for Health {
    fn default() -> Self {
        Self { healthy: true, contrary: 0 }
    }
}

impl Health {
    /// Whether it is healthy.
    pub(super) fn is_healthy(self) -> bool {
        self.healthy
    }

    /// Takes in a check; true where it changed what the address is.
    pub(super) fn checked(&mut self, good: bool, check: &HealthCheck) -> bool {
        if good == self.healthy {
            self.contrary = 0;
            return false;
        }
        self.contrary += 1;
        let needed = if good { check.healthy_after } else { check.unhealthy_after };
        if self.contrary < needed {
            return false;
        }
        *self = Self { healthy: good, contrary: 0 };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_checks_in_a_row_to_change() {
        let check = HealthCheck {
            path: "/health".into(),
            every: HealthCheck::EVERY,
            timeout: HealthCheck::TIMEOUT,
            healthy_after: 2,
            unhealthy_after: 3,
        };
        // `x` is a bad check, `.` a good one; below it what the address is after it: `h`ealthy or `u`nhealthy.
        for (checks, states) in [
            (".....", "hhhhh"),
            ("xx.xx.", "hhhhhh"),
            ("xxx", "hhu"),
            ("xxx.x..", "hhuuuuh"),
            ("xxxxx..xxx", "hhuuuuhhhu"),
        ] {
            let mut health = Health::default();
            let mut before = true;
            for (place, (made, state)) in checks.chars().zip(states.chars()).enumerate() {
                let changed = health.checked(made == '.', &check);
                assert_eq!(health.is_healthy(), state == 'h', "{checks} at {place}");
                assert_eq!(changed, health.is_healthy() != before, "{checks} at {place}");
                before = health.is_healthy();
            }
        }
    }
}
