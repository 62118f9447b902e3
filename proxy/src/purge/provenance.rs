//! Of when and of what content is: all that decides whether a purge has reached it.

use std::sync::Arc;

use vitrine_shared::coherence::{Live, Stamp, Verdict};
use vitrine_shared::tag::TagHash;

use super::presence::Present;

/// Of when and of what content is. What is derived from it inherits it.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// Where this edge stood before the upstream was asked, or earlier where the upstream said so (rule 6).
    pub stamp: Stamp,
    /// What it was made of, its address included.
    pub tags: Arc<[TagHash]>,
    /// Its URL, among those of which something is stored.
    pub url: Arc<Present>,
}

// === impl Provenance ===

impl Provenance {
    /// May it be served? (Rule 4.)
    pub fn verdict(&self, live: &Live) -> Verdict {
        if self.url.invalidated_since(self.stamp).is_some() {
            return Verdict::Purged;
        }
        live.verdict(self.stamp, &*self.tags)
    }

    /// Rule 7: a request that came when this edge stood at `joined_at` takes content stamped earlier only if nothing of it was
    /// purged, and no floor raised, in between.
    pub fn serves(&self, joined_at: Stamp, live: &Live) -> bool {
        self.stamp.covers(joined_at) || self.verdict(live) == Verdict::Servable
    }
}
