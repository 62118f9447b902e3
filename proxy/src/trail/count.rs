//! Counts, in the background, the objects that purges made unusable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Outcomes;
use crate::store::{PARTS, Part, Store};

/// How often it is looked whether there is something to count.
pub const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// The part of its time that counting may take: one in so many. Reading a million objects takes a good half of a second.
const REST: u32 = 50;
/// Objects that are taken out of a part at once: who stores waits that long.
const AT_ONCE: usize = 256;
/// Objects that are counted before the feed and the fills get their turn.
const AT_A_TIME: usize = 64;
/// How often a part is looked at again that grew meanwhile.
const TRIES: usize = 3;

/// Counts what there is to count; returns how long to leave the store alone.
///
/// `stop` is asked between parts.
pub fn count(store: &Arc<Store>, outcomes: &Outcomes, stop: impl Fn() -> bool) -> Duration {
    if !outcomes.begin() {
        return LOOKED_EVERY;
    }
    let started = Instant::now();
    for part in 0..PARTS {
        if stop() {
            return LOOKED_EVERY;
        }
        (0..TRIES).any(|_| visit(store, outcomes, part));
    }
    outcomes.finish();
    LOOKED_EVERY.max(started.elapsed() * REST)
}

/// Whether the part stayed as large as it was: else objects may have moved in it, and be seen twice or never.
fn visit(store: &Store, outcomes: &Outcomes, part: usize) -> bool {
    outcomes.visit(part);
    let mut walk = Part::of(part);
    while let Some(objects) = store.next(&mut walk, AT_ONCE) {
        for objects in objects.chunks(AT_A_TIME) {
            outcomes.count(objects);
        }
    }
    walk.is_whole()
}
