//! Keys whose last answer was not stored, and why. Where it could not be shared either, their requests go upstream each on its
//! own for a short time, instead of queueing behind one another (what Varnish calls hit-for-pass).

use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;

use crate::reason::NotStored;

/// For how long a key is remembered.
pub(super) const REMEMBERED_FOR: Duration = Duration::from_secs(10);
/// How many keys are remembered.
const KEYS: usize = 16_384;

/// The remembered keys.
#[derive(Debug)]
pub struct HitForPass(Cache<u128, Mark>);

#[derive(Clone, Copy, Debug)]
struct Mark {
    until: Instant,
    reason: NotStored,
    shared: bool,
}

impl Default for HitForPass {
    fn default() -> Self {
        Self(Cache::new(KEYS))
    }
}

impl HitForPass {
    /// Remembers a key whose answer was not stored; `shared` where all who waited for it could have it all the same.
    pub fn remember(&self, key: u128, reason: NotStored, shared: bool) {
        self.0.insert(key, Mark { until: Instant::now() + REMEMBERED_FOR, reason, shared });
    }

    /// Forgets a key whose answer was stored.
    pub fn forget(&self, key: u128) {
        self.0.remove(&key);
    }

    /// Whether requests for this key should go on their own.
    pub fn holds(&self, key: u128) -> bool {
        self.mark(key).is_some_and(|mark| !mark.shared)
    }

    /// Why the last answer for this key was not stored, while that is remembered.
    pub fn why(&self, key: u128) -> Option<NotStored> {
        self.mark(key).map(|mark| mark.reason)
    }

    fn mark(&self, key: u128) -> Option<Mark> {
        self.0.get(&key).filter(|mark| Instant::now() < mark.until)
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
        assert_eq!(marks.why(1), Some(NotStored::Private));
        tokio::time::advance(REMEMBERED_FOR).await;
        assert!(!marks.holds(1));
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
        assert_eq!(marks.why(1), Some(NotStored::NoFreshness));
    }
}
