//! Whether the disk can be used: said once when that changes, and tried again by itself, more and more rarely.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::Serialize;

/// First and longest pause before something that failed is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Failures of reading, with nothing that was read in between, until nothing is read for a while.
const READ_FAILURES: u32 = 8;

/// What is asked of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The folder.
    Folder,
    /// Reading of objects.
    Reads,
    /// Writing of objects.
    Writes,
    /// Remembering of purges.
    Purges,
}

/// How each of the parts does.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Parts>);

#[derive(Debug, Default)]
struct Parts {
    folder: State,
    reads: State,
    writes: State,
    purges: State,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    trouble: Option<Trouble>,
}

#[derive(Clone, Debug)]
struct Trouble {
    since: Instant,
    /// When it is tried again.
    again: Instant,
    error: String,
}

/// Something that does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failing {
    /// What.
    pub part: Part,
    /// Why.
    pub error: String,
    /// For how long.
    pub seconds: u64,
}

// === impl Health ===

impl Health {
    /// Notes that something failed. It is logged where it worked until now.
    pub(super) fn failed(&self, part: Part, error: &dyn std::fmt::Display, now: Instant) {
        let mut parts = self.0.lock();
        let state = parts.of(part);
        state.failures = state.failures.saturating_add(1);
        let patience = if part == Part::Reads { READ_FAILURES } else { 1 };
        if state.failures < patience {
            return;
        }
        let again = now + RETRY.0.saturating_mul(1 << (state.failures - patience).min(16)).min(RETRY.1);
        let error = error.to_string();
        if let Some(trouble) = &mut state.trouble {
            trouble.again = again;
            trouble.error = error;
        } else {
            tracing::warn!(error, "the cache's disk: {}; it is tried again by itself", part.lost());
            state.trouble = Some(Trouble { since: now, again, error });
        }
    }

    /// Notes that it worked. It is logged where it did not before.
    pub(super) fn worked(&self, part: Part, now: Instant) {
        let mut parts = self.0.lock();
        let state = std::mem::take(parts.of(part));
        if let Some(trouble) = state.trouble {
            let seconds = now.saturating_duration_since(trouble.since).as_secs();
            tracing::info!(seconds, "the cache's disk: {} again", part.found());
        }
    }

    /// Whether it may be tried: it works, or enough time has passed since it failed.
    pub(super) fn may_try(&self, part: Part, now: Instant) -> bool {
        self.0.lock().of(part).trouble.as_ref().is_none_or(|trouble| now >= trouble.again)
    }

    /// Whether it works, as far as is known.
    pub(super) fn works(&self, part: Part) -> bool {
        self.0.lock().of(part).trouble.is_none()
    }

    /// What does not work.
    pub(super) fn failing(&self, now: Instant) -> Vec<Failing> {
        let mut parts = self.0.lock();
        let all = [Part::Folder, Part::Reads, Part::Writes, Part::Purges];
        let told = all.into_iter().filter_map(|part| {
            let trouble = parts.of(part).trouble.clone()?;
            let seconds = now.saturating_duration_since(trouble.since).as_secs();
            Some(Failing { part, error: trouble.error, seconds })
        });
        told.collect()
    }
}

impl Parts {
    fn of(&mut self, part: Part) -> &mut State {
        match part {
            Part::Folder => &mut self.folder,
            Part::Reads => &mut self.reads,
            Part::Writes => &mut self.writes,
            Part::Purges => &mut self.purges,
        }
    }
}

impl Part {
    const fn lost(self) -> &'static str {
        match self {
            Self::Folder => "its folder cannot be used, so the cache goes on from memory alone",
            Self::Reads => "it cannot be read, so the cache goes on from memory alone",
            Self::Writes => "it cannot be written, so objects are kept in memory alone",
            Self::Purges => {
                "purges cannot be written down, so nothing that lies on it would be believed after a restart"
            }
        }
    }

    const fn found(self) -> &'static str {
        match self {
            Self::Folder => "its folder is in use",
            Self::Reads => "it is read",
            Self::Writes => "it is written",
            Self::Purges => "purges are written down",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_tried_more_and_more_rarely_until_it_works() {
        let health = Health::default();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        assert!(health.may_try(Part::Writes, at(0)));
        health.failed(Part::Writes, &"full", at(0));
        assert!(!health.may_try(Part::Writes, at(499)) && health.may_try(Part::Writes, at(500)));
        health.failed(Part::Writes, &"still full", at(500));
        assert!(!health.may_try(Part::Writes, at(1_499)) && health.may_try(Part::Writes, at(1_500)));
        let told = health.failing(at(2_000));
        assert_eq!(told, [Failing { part: Part::Writes, error: "still full".to_owned(), seconds: 2 }]);
        for _ in 0..100 {
            health.failed(Part::Writes, &"full", at(2_000));
        }
        assert!(health.may_try(Part::Writes, at(32_000)));
        assert!(health.works(Part::Reads));
        health.worked(Part::Writes, at(32_000));
        assert!(health.works(Part::Writes) && health.failing(at(32_000)).is_empty());
    }

    #[test]
    fn one_record_that_cannot_be_read_is_no_disk_that_cannot() {
        let health = Health::default();
        let now = Instant::now();
        for _ in 1..READ_FAILURES {
            health.failed(Part::Reads, &"error", now);
        }
        assert!(health.works(Part::Reads));
        health.worked(Part::Reads, now);
        for _ in 0..READ_FAILURES {
            health.failed(Part::Reads, &"error", now);
        }
        assert!(!health.may_try(Part::Reads, now));
    }
}
