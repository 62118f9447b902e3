//! Counts in this process's memory.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

/// Most keys that are counted at once; further ones are let through.
const CAPACITY: usize = 16_384;

/// Counts by key.
#[derive(Debug, Default)]
pub(super) struct Local(Mutex<HashMap<String, Window>>);

#[derive(Debug, Clone, Copy)]
struct Window {
    count: u64,
    /// In Unix milliseconds.
    ends_at: u64,
}

// === impl Local ===

impl Local {
    /// Counts one more; returns the count, and what is left of the window. 0 where there is no room to count.
    pub(super) fn count(&self, key: &str, now: u64, length: Duration) -> (u64, Duration) {
        let mut windows = self.0.lock();
        if !windows.contains_key(key) && windows.len() >= CAPACITY {
            windows.retain(|_, window| window.ends_at > now);
            if windows.len() >= CAPACITY {
                return (0, Duration::ZERO);
            }
        }
        let fresh =
            Window { count: 0, ends_at: now.saturating_add(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)) };
        let window = windows.entry(key.to_owned()).or_insert(fresh);
        if window.ends_at <= now {
            *window = fresh;
        }
        window.count = window.count.saturating_add(1);
        (window.count, Duration::from_millis(window.ends_at.saturating_sub(now)))
    }

    /// Counts one less.
    pub(super) fn uncount(&self, key: &str) {
        if let Some(window) = self.0.lock().get_mut(key) {
            window.count = window.count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_and_begins_anew() {
        let local = Local::default();
        let second = Duration::from_secs(1);
        assert_eq!(local.count("a", 0, second), (1, second));
        assert_eq!(local.count("a", 400, second), (2, Duration::from_millis(600)));
        local.uncount("a");
        assert_eq!(local.count("a", 999, second).0, 2);
        assert_eq!(local.count("b", 999, second).0, 1);
        assert_eq!(local.count("a", 1_000, second), (1, second));
    }

    #[test]
    fn memory_is_bounded_and_what_does_not_fit_is_let_through() {
        let local = Local::default();
        let second = Duration::from_secs(1);
        for n in 0..CAPACITY {
            local.count(&n.to_string(), 0, second);
        }
        assert_eq!(local.count("one more", 500, second).0, 0);
        assert_eq!(local.count("0", 500, second).0, 2);
        assert_eq!(local.count("one more", 1_000, second).0, 1);
    }
}
