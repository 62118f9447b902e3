//! What is worth being written: what was asked for more than once, and will still be of use later.

use std::sync::atomic::{AtomicU32, Ordering};

use super::index::{Known, State};
use super::segment::seconds;
use crate::config::Admission;

/// What will be of use for less than this is not worth a write; and what has this much freshness left is worth one whenever it is
/// new, in milliseconds.
const LEAST: u64 = 60_000;
/// Keys that left memory without a second request and are remembered, so that their coming back counts as one.
const REMEMBERED: usize = 64 << 10;

/// What admission asks of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worth {
    /// The end of its freshness, in Unix milliseconds.
    pub(super) fresh_until: u64,
    /// The end of serving it stale on some ground.
    pub(super) stale_until: u64,
    /// Whether it has a validator, so that it is of use after that too.
    pub(super) can_be_validated: bool,
    /// Whether it was asked for again since it was stored.
    pub(super) was_used: bool,
}

/// Decides.
#[derive(Debug)]
pub(super) struct Doorkeeper {
    admission: Admission,
    /// A part of the key's hash at a place of the rest of it.
    seen: Box<[AtomicU32]>,
}

impl Doorkeeper {
    pub(super) fn new(admission: Admission) -> Self {
        let places = if admission == Admission::Reused { REMEMBERED } else { 1 };
        Self { admission, seen: (0..places).map(|_| AtomicU32::new(0)).collect() }
    }

    /// Whether all is written at once.
    pub(super) fn admits_all(&self) -> bool {
        self.admission == Admission::All
    }

    /// Whether an object is written now that it leaves memory. One that nobody asked for again is remembered.
    pub(super) fn admits_leaving(&self, hash: u64, worth: Worth, known: Option<Known>, now: u64) -> bool {
        self.admits(worth, known, now) || (worth.is_worth(known, now) && self.was_seen(hash))
    }

    /// Whether an object is written that stays in memory.
    pub(super) fn admits(&self, worth: Worth, known: Option<Known>, now: u64) -> bool {
        // What was on the disk before has been let in already.
        let is_let_in = self.admits_all() || worth.was_used || known.is_some();
        is_let_in && worth.is_worth(known, now)
    }

    /// Whether the key has been here; it is remembered from now on.
    fn was_seen(&self, hash: u64) -> bool {
        let place = usize::try_from(hash % self.seen.len() as u64).unwrap_or(0);
        let mark = u32::try_from(hash >> 32).unwrap_or(0) | 1;
        self.seen[place].swap(mark, Ordering::Relaxed) == mark
    }
}

impl Worth {
    /// Whether it would be of use there, where this is known of its key already.
    fn is_worth(self, known: Option<Known>, now: u64) -> bool {
        let lasts = |until: u64| until >= now.saturating_add(LEAST);
        let is_of_use = lasts(self.fresh_until.max(self.stale_until)) || self.can_be_validated;
        match known {
            None => is_of_use,
            // A version that is as good, or is being written.
            Some(Known { state: State::Pending(_), .. }) => false,
            Some(Known { state: State::Response, fresh, .. }) if fresh >= seconds(self.fresh_until) => false,
            // To write each version of what changes all the time would wear the disk out: now and then is enough.
            Some(Known { fresh, .. }) => {
                lasts(self.fresh_until) || (is_of_use && fresh <= seconds(now.saturating_sub(LEAST)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::Place;
    use super::super::layout::Kind;
    use super::*;

    const NOW: u64 = 1_000_000_000;

    fn worth(lasts: u64, can_be_validated: bool, was_used: bool) -> Worth {
        Worth { fresh_until: NOW + lasts, stale_until: NOW + lasts, can_be_validated, was_used }
    }

    fn known(fresh: i64, state: State) -> Known {
        let place = Place { segment: 1, offset: 1, len: 64 };
        Known { place, fresh: seconds(NOW.saturating_add_signed(fresh)), state }
    }

    #[test]
    fn what_is_used_and_lasts_is_written() {
        let reused = Doorkeeper::new(Admission::Reused);
        let response = State::Response;
        for (worth, known, expected, why) in [
            (worth(60_000, false, true), None, true, "used, and fresh for a while"),
            (worth(59_999, false, true), None, false, "soon stale, and of no use then"),
            (worth(0, true, true), None, true, "stale, but it can be validated"),
            (worth(60_000, true, false), None, false, "asked for once"),
            (worth(60_000, true, true), Some(known(60_000, response)), false, "it is there"),
            (worth(90_000, true, true), Some(known(60_000, response)), true, "the one that is there ends sooner"),
            (worth(90_000, true, false), Some(known(60_000, response)), true, "it was let in before"),
            (
                worth(1_000, true, true),
                Some(known(-59_000, response)),
                false,
                "not each version of what changes all the time",
            ),
            (worth(1_000, true, true), Some(known(-60_000, response)), true, "but one now and then"),
            (Worth { stale_until: NOW + 60_000, ..worth(0, false, true) }, None, true, "it can be served stale"),
            (
                Worth { stale_until: NOW + 60_000, ..worth(9, false, true) },
                Some(known(0, response)),
                false,
                "now and then",
            ),
            (worth(90_000, true, true), Some(known(60_000, State::Dead)), true, "what is there cannot be read"),
            (worth(30_000, true, true), Some(known(60_000, State::Dead)), false, "nor is it worth it then"),
            (worth(90_000, true, true), Some(known(0, State::Pending(Kind::Response))), false, "it is being written"),
        ] {
            assert_eq!(reused.admits(worth, known, NOW), expected, "{why}");
        }
        let all = Doorkeeper::new(Admission::All);
        assert!(all.admits(worth(60_000, false, false), None, NOW));
        assert!(!all.admits(worth(1_000, false, false), None, NOW));
    }

    #[test]
    fn what_comes_back_was_asked_for_twice() {
        let reused = Doorkeeper::new(Admission::Reused);
        let once = worth(60_000, false, false);
        assert!(!reused.admits_leaving(7, once, None, NOW));
        assert!(!reused.admits_leaving(8, once, None, NOW));
        assert!(reused.admits_leaving(7, once, None, NOW));
        assert!(!reused.admits_leaving(9, worth(0, false, false), None, NOW));
        assert!(!reused.admits_leaving(9, once, None, NOW), "what is not worth it is not remembered");
    }
}
