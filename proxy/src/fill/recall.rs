//! What a fill finds on the disk before it asks the upstream. It is judged as what memory holds, by whoever gets it.

use std::sync::Arc;

use vitrine_shared::clock::unix_millis;
use vitrine_shared::coherence::Verdict;

use super::commit::Complete;
use super::context::Context;
use super::metrics::FillResult;
use super::reply::{Reply, Share, Source, Storable};
use super::running::{Ends, Outcome};
use super::task::Run;
use crate::disk::{Arriving, Cut, Recall, Recalled, RecalledBody};
use crate::key::CacheKey;
use crate::policy::{Allowed, Freshness, RequestControl};
use crate::purge::Present;
use crate::store::{Meta, Object, StoredBody, Variants};

/// What the disk holds under a key.
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// By which fields the responses below it differ; memory knows it by now.
    Varies(Arc<Variants>),
    /// An object; memory holds it too, where it has room and nothing of it was purged.
    Object(Object),
    /// A fresh one that is too long to be waited for.
    Arriving(Box<Meta>, Arriving),
}

impl Context {
    /// Looks on the disk for what memory does not hold under `key`, which is a primary key or a variant's below it; `url` is to be held
    /// since before. What is long and cannot be sent on at once is read whole, to be validated, where running fills leave room for it.
    pub(crate) async fn recall(
        &self,
        key: &CacheKey,
        primary: &CacheKey,
        url: &Arc<Present>,
        control: Option<&RequestControl>,
    ) -> Found {
        let Some(disk) = &self.disk else {
            return Found::Nothing;
        };
        let (meta, body) = match disk.recall(key, url).await {
            Recalled::Variants(spec) if key == primary => {
                let variants = Arc::new(Variants::new(primary.clone(), spec));
                self.store.insert_variants(variants.clone());
                return Found::Varies(variants);
            }
            Recalled::Nothing | Recalled::Variants(_) => return Found::Nothing,
            Recalled::Response(recall) => {
                let Recall { meta, body } = *recall;
                (meta, body)
            }
        };
        let body = match body {
            RecalledBody::Whole(body) => body,
            RecalledBody::Arriving(arriving) if self.is_fresh(&meta, control) => {
                return Found::Arriving(Box::new(meta), arriving);
            }
            RecalledBody::Arriving(arriving) => match self.whole(arriving).await {
                Some(body) => body,
                None => return Found::Nothing,
            },
        };
        let object = Object::new(meta, StoredBody::new(body));
        // Another fill may have been faster, and what it brought is at least as new.
        if let Some(stored) = self.store.same(&object) {
            return Found::Object(stored);
        }
        Found::Object(match Complete::new(object).check(&self.store, &self.live) {
            Ok(current) => current.store(&self.store, primary),
            Err(overtaken) => overtaken.into_object(),
        })
    }

    /// All of a body, where running fills leave room for it.
    async fn whole(&self, arriving: Arriving) -> Option<Vec<bytes::Bytes>> {
        let reservation = self.budget.reserve();
        if !reservation.grow(arriving.total()) {
            return None;
        }
        arriving.whole().await.ok()
    }

    /// Whether a client who asks so may have it without a word of the upstream, and nothing needs to be done behind.
    fn is_fresh(&self, meta: &Meta, control: Option<&RequestControl>) -> bool {
        let now = unix_millis();
        meta.provenance.verdict(&self.live) == Verdict::Servable
            && meta.lifetime.freshness(now) == Freshness::Fresh
            && control.is_some_and(|control| control.allows(&meta.lifetime, now) != Allowed::Validated)
    }
}

impl Run {
    /// Ends the fill with what the disk holds, where it holds something; else gives the ends back, to ask the upstream.
    pub(super) async fn recall(&self, ends: Ends) -> Result<FillResult, Ends> {
        // What memory holds is at least as new.
        if self.base.is_some() || self.context.disk.is_none() {
            return Err(ends);
        }
        Box::pin(self.recall_from_disk(ends)).await
    }

    async fn recall_from_disk(&self, ends: Ends) -> Result<FillResult, Ends> {
        match self.context.recall(&self.key, &self.primary, &self.url, self.control.as_ref()).await {
            Found::Nothing => Err(ends),
            Found::Varies(variants) => {
                ends.outcome.tell(Outcome::Varies(variants));
                Ok(FillResult::Recalled)
            }
            Found::Object(object) => {
                ends.outcome.tell(Outcome::Recalled(object));
                Ok(FillResult::Recalled)
            }
            Found::Arriving(meta, arriving) => Ok(self.send_on(*meta, arriving, ends).await),
        }
    }

    /// Sends a long body on as it is read. What turns out wrong in the middle fails all who read it: dropping the writer is no end.
    async fn send_on(&self, meta: Meta, mut arriving: Arriving, ends: Ends) -> FillResult {
        let Meta { key, status, fields, provenance, promise, lifetime, source } = meta;
        let storable = Storable { key, lifetime, source, variants: None, max_bytes: arriving.total() };
        let reply = Arc::new(Reply {
            status,
            fields,
            length: Some(arriving.total()),
            provenance,
            promise,
            share: Share::All(storable.clone()),
            source: Source::Disk,
        });
        let Ends { outcome, body } = ends;
        if arriving.total() > self.context.store.largest() {
            body.pass();
        }
        outcome.tell(Outcome::Reply(reply.clone()));
        loop {
            match arriving.next().await {
                Ok(Some(chunk)) => {
                    if body.append(chunk).await.is_err() {
                        return FillResult::Abandoned;
                    }
                }
                Ok(None) => break,
                Err(Cut) => return FillResult::Failed,
            }
        }
        if let Some(whole) = body.complete() {
            self.commit(&reply, &storable, whole);
        }
        FillResult::Recalled
    }
}
