//! Keys whose last answer was not stored, and why. Where it could not be shared either, their requests go upstream each on its
//! own for a short time, instead of queueing behind one another (what Varnish calls hit-for-pass). Why is remembered for longer, to
//! be told.

use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;

use crate::reason::NotStored;

/// For how long the requests of a key go on their own.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);
/// For how long it is known why a key's last answer was not stored.
const TOLD_FOR: Duration = Duration::from_mins(10);
/// How many keys are remembered.
const KEYS: usize = 16_384;

/// The remembered keys.
#[derive(Debug)]
pub struct HitForPass(Cache<u128, Mark>);

#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Instant,
    reason: NotStored,
    shared: bool,
}

/// Why the last answer for a key was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unstored {
    /// Why.
    pub reason: NotStored,
    /// How long ago it came.
    pub ago: Duration,
}

impl Default for HitForPass {
    fn default() -> Self {
        Self(Cache::new(KEYS))
    }
}

impl HitForPass {
    /// Remembers a key whose answer was not stored; `shared` where all who waited for it could have it all the same.
    pub fn remember(&self, key: u128, reason: NotStored, shared: bool) {
        self.0.insert(key, Mark { at: Instant::now(), reason, shared });
    }

    /// Forgets a key whose answer was stored.
    pub fn forget(&self, key: u128) {
        self.0.remove(&key);
    }

    /// Whether requests for this key should go on their own.
    pub fn holds(&self, key: u128) -> bool {
        // Who asks does not count as a use: a mark that is old is no use to anybody.
        self.0.peek(&key).is_some_and(|mark| !mark.shared && mark.at.elapsed() < REMEMBERED_FOR)
    }

    /// Why the last answer for this key was not stored, while that is remembered.
    pub fn why(&self, key: u128) -> Option<Unstored> {
        let mark = self.0.peek(&key)?;
        let ago = mark.at.elapsed();
        (ago < TOLD_FOR).then_some(Unstored { reason: mark.reason, ago })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_remembered_for_a_time() {
        let marks = HitForPass::default();
        assert!(!marks.holds(1));
        marks.remember(1, NotStored::Private, false);
        assert!(marks.holds(1));
        tokio::time::advance(REMEMBERED_FOR).await;
        assert!(!marks.holds(1));
        assert_eq!(marks.why(1), Some(Unstored { reason: NotStored::Private, ago: REMEMBERED_FOR }));
        tokio::time::advance(TOLD_FOR).await;
        assert_eq!(marks.why(1), None);
        marks.remember(1, NotStored::Private, false);
        marks.forget(1);
        assert!(!marks.holds(1));
    }

    #[test]
    fn what_was_shared_makes_nobody_go_alone() {
        let marks = HitForPass::default();
        marks.remember(1, NotStored::NoFreshness, true);
        assert!(!marks.holds(1));
        assert_eq!(marks.why(1).map(|unstored| unstored.reason), Some(NotStored::NoFreshness));
    }
}
