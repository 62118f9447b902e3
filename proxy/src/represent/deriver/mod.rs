//! Deriving bodies: one at a time for each form of a body, off the threads that serve, and bounded.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::metrics::{DeriveResult, RepresentMetrics};
use super::{Negotiation, Represented, Source, Unpacking};
use crate::encoding::codec::{CodecError, Limits, recode};
use crate::encoding::{Accept, Compression, Form};
use crate::policy;
use crate::store::{Derived, Object, Store, StoredBody};

/// Largest stored body for whose derived form a request waits.
const WAITED: u64 = 1 << 20;
/// Bodies that may be under way or wait for their turn; what comes then is not derived for now. Larger ones than [`WAITED`] do not
/// queue at all, so that what waits holds little that the store has let go.
const MOST_UNDER_WAY: usize = 64;
/// How many times `max_object` a body may decode to on its way into another coding; past it, it is sent as it is stored, or decoded
/// as it is sent.
const INFLATION: u64 = 16;
/// What a derived body costs in the store besides its bytes, at most.
const ENTRY: u64 = 1 << 10;

/// The content of a representation that is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtOnce {
    /// The stored body.
    Stored,
    /// A derived one, in this form.
    Derived(Form),
}

/// Derives bodies and keeps them in the store.
#[derive(Debug)]
pub struct Deriver {
    store: Arc<Store>,
    slots: Arc<Semaphore>,
    under_way: Mutex<HashMap<(u64, Form), UnderWay>>,
    metrics: RepresentMetrics,
}

type Done = watch::Receiver<Option<Arc<Derived>>>;

/// A body that is being derived.
#[derive(Clone, Debug)]
struct UnderWay {
    done: Done,
    /// Whether it is worth waiting for: it is small, and was begun at once.
    is_soon: bool,
}

// === impl Deriver ===

impl Deriver {
    /// For a store; as many bodies are derived at once as there are cores.
    pub fn new(store: Arc<Store>, metrics: RepresentMetrics) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let slots = Arc::new(Semaphore::new(cores));
        Arc::new(Self { store, slots, under_way: Mutex::default(), metrics })
    }

    /// The representation of a stored object for a client; `fields`, which are those of the object, become its own. Content-Length is
    /// left to the caller.
    ///
    /// The object must have been judged servable: nothing here asks again. `stored` are its own fields.
    pub async fn represent(
        self: &Arc<Self>,
        compression: &Compression,
        max_object: u64,
        object: &Object,
        stored: &HeaderMap,
        request: &HeaderMap,
        fields: &mut HeaderMap,
    ) -> Represented<StoredBody> {
        let accept = || Accept::of(request);
        let Some(negotiation) = Negotiation::of_whole(compression, object.form(), stored, object.body_len(), accept)
        else {
            return Represented { source: Source::AsIs(object.body()), has_ranges_by_date: true };
        };
        let chosen = negotiation.chosen;
        // What will be a 304 needs no content.
        let is_content_needed = || !policy::is_not_modified(request, object.status(), stored);
        let (sent, source) = if chosen == negotiation.stored || !is_content_needed() {
            (chosen, Source::AsIs(object.body()))
        } else {
            self.in_form(&negotiation, &object.body(), max_object).await
        };
        negotiation.tell(fields, sent);
        Represented { source, has_ranges_by_date: false }
    }

    /// As [`Deriver::represent`], where that takes no waiting and no making; `None` where it does.
    ///
    /// The form depends on the object, the rule and `accept` alone.
    pub fn represent_at_once(
        &self,
        compression: &Compression,
        object: &Object,
        stored: &HeaderMap,
        accept: Accept,
        is_content_needed: bool,
        fields: &mut HeaderMap,
    ) -> Option<AtOnce> {
        let Some(negotiation) = Negotiation::of_whole(compression, object.form(), stored, object.body_len(), || accept)
        else {
            return Some(AtOnce::Stored);
        };
        let chosen = negotiation.chosen;
        let at_once = if chosen == negotiation.stored || !is_content_needed {
            AtOnce::Stored
        } else {
            self.store.derived(object.body_id(), chosen).filter(|derived| derived.body.is_ok())?;
            AtOnce::Derived(chosen)
        };
        negotiation.tell(fields, chosen);
        Some(at_once)
    }

    /// The body in the chosen form, or in the one that stands in for it.
    async fn in_form(
        self: &Arc<Self>,
        negotiation: &Negotiation,
        body: &StoredBody,
        max_object: u64,
    ) -> (Form, Source<StoredBody>) {
        let Negotiation { stored, chosen, .. } = *negotiation;
        let mut derived = self.store.derived(body.id(), chosen);
        if derived.is_none()
            && let Some(UnderWay { mut done, is_soon }) = self.under_way(body, stored, chosen, max_object)
            && (is_soon || negotiation.stand_in().is_none())
        {
            // The sender is gone without a word only where the process ends.
            derived = done.wait_for(Option::is_some).await.ok().and_then(|derived| derived.clone());
        }
        let failure = match derived.as_deref() {
            Some(Derived { body: Ok(made), .. }) => return (chosen, Source::AsIs(made.clone())),
            Some(Derived { body: Err(error), .. }) => Some(*error),
            None => None,
        };
        match (failure, negotiation.stand_in(), stored) {
            (None | Some(CodecError::TooLarge), Some(Form::Identity), Form::Coded(coding)) => {
                (Form::Identity, Source::Unpacking(Box::new(Unpacking::stored(body, coding))))
            }
            // What cannot be decoded is the upstream's word, right or wrong.
            _ => (stored, Source::AsIs(body.clone())),
        }
    }

    /// The one derivation of this form of this body, begun where it is not under way; `None` where too many are.
    fn under_way(self: &Arc<Self>, body: &StoredBody, from: Form, to: Form, max_object: u64) -> Option<UnderWay> {
        let key = (body.id(), to);
        let mut all = self.under_way.lock();
        if let Some(under_way) = all.get(&key) {
            return Some(under_way.clone());
        }
        if all.len() >= MOST_UNDER_WAY {
            return None;
        }
        let (sender, done) = watch::channel(None);
        // One that ended between the look into the store and here has left its body there.
        if let Some(derived) = self.store.derived(body.id(), to) {
            sender.send_replace(Some(derived));
            return Some(UnderWay { done, is_soon: true });
        }
        let slot = self.slots.clone().try_acquire_owned().ok();
        let is_small = body.len() <= WAITED;
        if slot.is_none() && !is_small {
            return None;
        }
        let under_way = UnderWay { done, is_soon: slot.is_some() && is_small };
        all.insert(key, under_way.clone());
        drop(all);
        let limits = Limits {
            decoded: max_object.saturating_mul(INFLATION),
            result: max_object.min(self.store.largest().saturating_sub(ENTRY)),
        };
        let task = Task { deriver: self.clone(), body: body.clone(), from, to, limits, sender };
        tokio::spawn(task.run(slot));
        Some(under_way)
    }
}

struct Task {
    deriver: Arc<Deriver>,
    body: StoredBody,
    from: Form,
    to: Form,
    limits: Limits,
    sender: watch::Sender<Option<Arc<Derived>>>,
}

impl Task {
    async fn run(self, slot: Option<OwnedSemaphorePermit>) {
        let slot = match slot {
            Some(slot) => Some(slot),
            // The semaphore is never closed.
            None => self.deriver.slots.clone().acquire_owned().await.ok(),
        };
        let (body, from, to, limits) = (self.body.clone(), self.from, self.to, self.limits);
        let begun = Instant::now();
        let made = tokio::task::spawn_blocking(move || recode(&body.chunks(), from, to, limits)).await;
        drop(slot);
        // A codec that panicked could not decode it either.
        let made = made.unwrap_or(Err(CodecError::Corrupt)).map(|made| StoredBody::new(vec![made]));
        self.count(&made, begun.elapsed().as_secs_f64());
        let derived = Arc::new(Derived::new(self.body.id(), to, made));
        self.deriver.store.insert_derived(derived.clone());
        self.sender.send_replace(Some(derived));
    }

    fn count(&self, made: &Result<StoredBody, CodecError>, seconds: f64) {
        let (result, length) = match made {
            Ok(made) => (DeriveResult::Made, made.len()),
            Err(CodecError::Corrupt) => (DeriveResult::Corrupt, 0),
            Err(CodecError::TooLarge) => (DeriveResult::TooLarge, 0),
        };
        if let Err(error) = made {
            tracing::debug!(%error, form = ?self.to, "a body cannot be brought into another form");
        }
        self.deriver.metrics.ended(self.to, result, self.body.len(), length, seconds);
    }
}

/// However the task ends, what it was to make is not under way any more.
impl Drop for Task {
    fn drop(&mut self) {
        self.deriver.under_way.lock().remove(&(self.body.id(), self.to));
    }
}

#[cfg(test)]
mod tests;
