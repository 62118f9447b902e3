//! Brings what is used in memory to the disk before the process ends, however it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::tier::{Stage, Tier};
use crate::store::Store;

/// Between two looks through memory, at least.
const PAUSE: Duration = Duration::from_secs(2);
/// How many times as long as a look takes the pause after it is.
const PAUSES: u32 = 50;
/// How often the end is looked for.
const TICK: Duration = Duration::from_millis(100);

/// Looks through memory again and again, until the tier is stopped.
pub(super) fn run(tier: &Arc<Tier>, store: &Arc<Store>) {
    loop {
        let begun = Instant::now();
        if tier.stage() == Stage::Ready {
            offer_all(tier, store, None);
        }
        let until = Instant::now() + PAUSE.max(begun.elapsed() * PAUSES);
        while Instant::now() < until {
            if tier.queue.is_closed() {
                return;
            }
            std::thread::sleep(TICK);
        }
    }
}

/// Offers all objects that were used; with an end, it waits for room until then.
pub(super) fn offer_all(tier: &Tier, store: &Store, until: Option<Instant>) {
    for object in store.objects() {
        while !tier.offer(&object, object.was_used()) {
            match until {
                Some(until) if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
                // The next look goes on with what is not there by then.
                _ => return,
            }
        }
    }
}
