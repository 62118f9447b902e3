//! What can be served as a plain hit, found without allocating: the same as [`Engine::at_hand`] finds, where that is a hit.

use http::HeaderMap;
use vitrine_shared::clock::BootTime;

use super::Engine;
use super::seek::Standing;
use crate::fill::request::ClientFields;
use crate::key::CacheKeyRef;
use crate::policy::RequestControl;
use crate::rules::CacheSettings;
use crate::store::{Found, Look, Object};

/// One moment by both clocks: of a reading that was made after the request's head was there.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// For the lease.
    pub boot: BootTime,
    /// For freshness, in Unix milliseconds.
    pub unix: u64,
}

impl Engine {
    /// The fresh object for a request, where nothing has to be asked, refreshed or waited for. `client` makes a map of the request's
    /// fields, which only variants need.
    pub fn fresh(
        &self,
        key: CacheKeyRef<'_>,
        settings: &CacheSettings,
        control: &RequestControl,
        client: impl FnOnce() -> HeaderMap,
        now: Moment,
    ) -> Option<Object> {
        if !self.connection().is_connected(now.boot) {
            return None;
        }
        let store = &self.context().store;
        let object = match store.find_by(key.hash, key.framed, Look::Use) {
            Found::Object(object) => object,
            Found::Variants(variants) => {
                let fields = ClientFields::of(&client(), settings);
                store.object(&variants.variant(fields.all()))?
            }
            Found::Nothing => return None,
        };
        (self.standing_for(control, &object, now.unix).0 == Standing::Fresh).then_some(object)
    }
}
