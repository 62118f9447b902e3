//! A server that failed is left alone for a while.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use vitrine_shared::clock::BootTime;

/// When a server may be asked again.
#[derive(Debug)]
pub struct Circuit {
    since: BootTime,
    /// Milliseconds after `since`.
    closed_from: AtomicU64,
}

impl Default for Circuit {
    fn default() -> Self {
        Self { since: BootTime::now(), closed_from: AtomicU64::new(0) }
    }
}

// === impl Circuit ===

impl Circuit {
    /// Whether the server may be asked.
    pub fn is_closed(&self) -> bool {
        self.now() >= self.closed_from.load(Ordering::Relaxed)
    }

    /// Notes a failure: the server rests for so long.
    pub fn open(&self, rest: Duration) {
        let rest = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
        self.closed_from.store(self.now().saturating_add(rest), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(BootTime::now().since(self.since).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_as_long_as_it_is_told() {
        let circuit = Circuit::default();
        assert!(circuit.is_closed());
        circuit.open(Duration::from_hours(1));
        assert!(!circuit.is_closed());
        circuit.open(Duration::ZERO);
        assert!(circuit.is_closed());
    }
}
