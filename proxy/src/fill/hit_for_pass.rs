//! Keys whose last answer could not be shared: for a short time their requests go upstream each on its own instead of
//! queueing behind one another (what Varnish calls hit-for-pass).

use std::time::Duration;

use quick_cache::sync::Cache;
use tokio::time::Instant;

/// For how long a key is remembered.
pub(super) const REMEMBERED_FOR: Duration = Duration::from_secs(10);
/// How many keys are remembered.
const KEYS: usize = 16_384;

/// The remembered keys.
#[derive(Debug)]
pub struct HitForPass(Cache<u128, Instant>);

impl Default for HitForPass {
    fn default() -> Self {
        Self(Cache::new(KEYS))
    }
}

impl HitForPass {
    /// Remembers a key whose answer could not be shared.
    pub fn remember(&self, key: u128) {
        self.0.insert(key, Instant::now() + REMEMBERED_FOR);
    }

    /// Forgets a key whose answer can be shared again.
    pub fn forget(&self, key: u128) {
        self.0.remove(&key);
    }

    /// Whether requests for this key should go on their own.
    pub fn holds(&self, key: u128) -> bool {
        self.0.get(&key).is_some_and(|until| Instant::now() < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_remembered_for_a_time() {
        let marks = HitForPass::default();
        assert!(!marks.holds(1));
        marks.remember(1);
        assert!(marks.holds(1));
        tokio::time::advance(REMEMBERED_FOR).await;
        assert!(!marks.holds(1));
        marks.remember(1);
        marks.forget(1);
        assert!(!marks.holds(1));
    }
}
