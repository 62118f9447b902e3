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
        let newer = store.same(&object).is_some_and(|stored| stored.stamp().is_newer_than(object.stamp()));
        if newer || object.verdict(live) != Verdict::Servable {
            return Err(Overtaken(object));
        }
        Ok(Current(object))
    }
}

impl Current {
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
