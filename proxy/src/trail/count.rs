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

#[cfg(test)]
mod tests {
    use vitrine_shared::clock::BootTime;
    use vitrine_shared::coherence::Position;
    use vitrine_shared::epoch::Epoch;
    use vitrine_shared::feed::{Batch, Mode, Purge};
    use vitrine_shared::outcome::{Uncounted, Unusable, Way};
    use vitrine_shared::tag::Tag;

    use super::*;
    use crate::store::testing::{object, store};

    fn batch(seq: u64, tag: &str) -> Batch {
        let tags = vec![Tag::parse(tag).unwrap()];
        let purge = Purge { seq, mode: Mode::Hard, tags, everything: false, event: None };
        Batch::new(1, Epoch::new(1, seq - 1), vec![purge]).unwrap()
    }

    #[test]
    fn each_object_of_the_store_is_counted_once_and_those_of_other_tags_are_not() {
        let (store, outcomes) = (Arc::new(store(64 << 20)), Outcomes::default());
        assert_eq!(count(&store, &outcomes, || false), LOOKED_EVERY);
        for number in 0..5_000 {
            let tag = Tag::parse(if number % 5 == 0 { "mine" } else { "other" }).unwrap().hash();
            store.insert(object(&format!("/{number}"), b"", &[tag.0]));
        }
        outcomes.note_batch(BootTime::now(), Way::Stream, &batch(1, "mine"), Epoch::new(1, 0));
        let unusable = || outcomes.of(Position::Feed(Epoch::new(1, 1))).unwrap().unusable;
        assert_eq!(unusable(), Unusable::Unknown(Uncounted::NotYet));
        count(&store, &outcomes, || true);
        assert_eq!(unusable(), Unusable::Unknown(Uncounted::NotYet), "it was told to stop");
        assert!(count(&store, &outcomes, || false) >= LOOKED_EVERY);
        assert_eq!(unusable(), Unusable::Objects(1_000));
    }
}
