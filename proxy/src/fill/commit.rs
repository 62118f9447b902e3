//! Storing what a fill has brought. A fill that a purge has overtaken is another type: it cannot be stored.

use vitrine_shared::coherence::{Live, Verdict};

use crate::key::CacheKey;
use crate::store::{Object, Store};

/// A complete object that is not stored yet.
#[derive(Debug)]
pub(super) struct Complete(Object);

/// A complete object of which something was purged while it was made, or beside which a newer one is stored.
#[derive(Debug)]
pub(super) struct Overtaken(Object);

/// A complete object that nothing has overtaken.
#[derive(Debug)]
pub(super) struct Current(Object);

impl Complete {
    /// Of a whole response.
    pub(super) fn new(object: Object) -> Self {
        Self(object)
    }

    /// Compares it with the tag table and the store. Refusing here is thrift: the check at each hit is the safety (rule 4),
    /// so what is purged between this and the storing is stored already purged.
    pub(super) fn check(self, store: &Store, live: &Live) -> Result<Current, Overtaken> {
        let object = self.0;
        // What is purged is in nobody's way: where the feed's history began again its stamp is newer than all that come.
        let is_newer =
            |stored: Object| stored.stamp().is_newer_than(object.stamp()) && stored.verdict(live) != Verdict::Purged;
        if store.same(&object).is_some_and(is_newer) || object.verdict(live) != Verdict::Servable {
            return Err(Overtaken(object));
        }
        Ok(Current(object))
    }
}

impl Current {
    /// What stands in its place until it is stored.
    pub(super) fn replaces(&self, store: &Store) -> Option<Object> {
        store.same(&self.0)
    }

    /// Stores it: under `primary`, or as one of the variants below that.
    pub(super) fn store(self, store: &Store, primary: &CacheKey) -> Object {
        if self.0.framed_key() == primary.as_bytes() {
            store.insert(self.0.clone());
        } else {
            store.insert_variant(self.0.clone(), primary);
        }
        self.0
    }
}

impl Overtaken {
    /// For those who asked before the purge; it is never stored.
    pub(super) fn into_object(self) -> Object {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use vitrine_shared::coherence::TagTable;
    use vitrine_shared::epoch::Epoch;
    use vitrine_shared::feed::{Batch, Mode, Purge};
    use vitrine_shared::tag::{Tag, TagHash};

    use super::*;
    use crate::purge::{Presence, Provenance};
    use crate::store::testing::{object_of, store};

    /// An object of a URL that was asked for now, at most as of an epoch.
    fn made(live: &Live, named: Epoch) -> Object {
        let (tags, url) = ([TagHash(1)].into(), Presence::default().of(TagHash(2)));
        object_of(Provenance { stamp: live.stamp().at_most(named), tags, url })
    }

    fn batch(seq: u64) -> Batch {
        let purge = Purge { seq, mode: Mode::Hard, tags: vec![Tag::product("9")], everything: false, event: None };
        Batch::new(1, Epoch::new(1, seq - 1), vec![purge]).unwrap()
    }

    #[test]
    fn a_newer_one_stays_unless_it_is_purged() {
        let (live, store) = (Live::new(TagTable::at(Epoch::new(1, 400), 10)), store(1 << 20));
        let is_kept = |named| Complete::new(made(&live, named)).check(&store, &live).is_ok();
        let lagging = Epoch::new(1, 400);
        live.apply(&batch(401)).unwrap();
        store.insert(made(&live, live.applied()));
        assert!(is_kept(live.applied()) && !is_kept(lagging));
        // By this edge's own clock, of which an upstream that lags knows nothing.
        live.purge(&[TagHash(1)], false, Mode::Hard);
        assert!(is_kept(lagging));
        // The feed's history begins again: all epochs that come are below that of what is stored.
        live.start_over(Epoch::new(1, 3));
        assert!(is_kept(live.applied()) && !is_kept(Epoch::new(1, 2)));
    }
}
