//! The task of one fill: look on the disk, ask the upstream, tell the outcome, append the body as it comes, store what is complete.
//!
//! It belongs to nobody's request, so a client that leaves ends nothing.

use std::pin::Pin;
use std::sync::Arc;

use http::StatusCode;
use pingora::http::ResponseHeader;
use tokio::sync::{SemaphorePermit, mpsc};
use vitrine_shared::clock::{BootTime, unix_millis};
use vitrine_shared::coherence::{Stamp, Verdict};
use vitrine_shared::tag::Tag;

use super::body::{Appended, Whole, Writer};
use super::commit::{Complete, Current};
use super::context::Context;
use super::exchange::{Again, ExchangeError, Incoming};
use super::judge::Asked;
use super::metrics::FillResult;
use super::queue::Full;
use super::reply::{Reply, Share, Source, Storable, Variant};
use super::request::{Ask, FillRequest};
use super::running::{Ends, Fill, Outcome};
use crate::key::CacheKey;
use crate::policy::{self, RequestControl};
use crate::purge::Present;
use crate::reason::NotStored;
use crate::rules::CacheSettings;
use crate::store::{Meta, Object, StoredBody};

/// A fill that is ready to run.
pub struct Job {
    /// What all fills share.
    pub context: Arc<Context>,
    /// Under which key others may join it; `None` where it is one request's own.
    pub place: Option<u128>,
    /// What is asked.
    pub request: FillRequest,
    /// By which settings.
    pub settings: Arc<CacheSettings>,
    /// The tags of its rule and of its address.
    pub tags: Vec<Tag>,
    /// Its URL, among those of which something is stored.
    pub url: Arc<Present>,
    /// Its scheme, host and port, as in `https://shop.example`.
    pub origin: String,
    /// The primary key.
    pub primary: CacheKey,
    /// The key of the response that is wanted: the primary one, or a variant's that is known.
    pub key: CacheKey,
    /// The stored object whose validators are sent, and which must not make way for an error.
    pub base: Option<Object>,
    /// What its client asks of caches.
    pub control: RequestControl,
    /// Whether what is fresh on the disk may be sent on while it is read, or has to be judged first.
    pub sends_on: bool,
    /// Whether the client forbids storing, under a rule that heeds it.
    pub no_store: bool,
    /// Who takes interim responses.
    pub interim: Option<mpsc::UnboundedSender<Box<ResponseHeader>>>,
    /// The fill.
    pub fill: Arc<Fill>,
    /// Its writing ends.
    pub ends: Ends,
}

/// What a fill holds besides the body, in bytes: the head of its response, its task and its connection.
const OVERHEAD: u64 = 8 << 10;

/// A response's head, and what was known when it was asked for.
struct Answer {
    incoming: Incoming,
    /// Whether validators were sent: else a 304 confirms nothing.
    is_conditional: bool,
    stamp: Stamp,
    requested_at: u64,
    received_at: u64,
}

// === impl Job ===

impl Job {
    /// The task that runs it to its end; boxed where it is made, since what is spawned is moved whole, more than once.
    pub fn run(self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let joinable = self.place.map(|key| Joinable { context: self.context.clone(), key, fill: self.fill });
        let ends = self.ends;
        let run = Run {
            control: self.sends_on.then_some(self.control),
            context: self.context,
            request: self.request,
            settings: self.settings,
            tags: self.tags,
            url: self.url,
            origin: self.origin,
            primary: self.primary,
            key: self.key,
            base: self.base,
            no_store: self.no_store,
            interim: self.interim,
            joinable,
        };
        Box::pin(async move {
            let result = match run.recall(ends).await {
                Ok(result) => result,
                Err(ends) => run.fill(ends).await,
            };
            run.context.metrics.ended(&run.request.upstream().name, result);
        })
    }
}

/// Takes the fill out of the map when the task ends, however it ends: after its object was stored, so that whoever looks
/// into the store then finds it.
struct Joinable {
    context: Arc<Context>,
    key: u128,
    fill: Arc<Fill>,
}

impl Joinable {
    /// The same fill under one more key, unless another one runs there.
    fn also(&self, key: u128) -> Self {
        self.context.inflight.add(key, &self.fill);
        Self { context: self.context.clone(), key, fill: self.fill.clone() }
    }
}

impl Drop for Joinable {
    fn drop(&mut self) {
        self.context.inflight.remove(self.key, &self.fill);
    }
}

pub(super) struct Run {
    pub(super) context: Arc<Context>,
    request: FillRequest,
    settings: Arc<CacheSettings>,
    tags: Vec<Tag>,
    pub(super) url: Arc<Present>,
    origin: String,
    pub(super) primary: CacheKey,
    pub(super) key: CacheKey,
    pub(super) base: Option<Object>,
    /// `None` without a lease, where nothing may be sent on before it was judged.
    pub(super) control: Option<RequestControl>,
    no_store: bool,
    interim: Option<mpsc::UnboundedSender<Box<ResponseHeader>>>,
    /// `None` where the fill is one request's own.
    joinable: Option<Joinable>,
}

// === impl Run ===

impl Run {
    async fn fill(&self, ends: Ends) -> FillResult {
        let failed = |error: ExchangeError| {
            tracing::debug!(%error, upstream = &*self.request.upstream().name, "a fill failed");
            let result = if error == ExchangeError::Busy { FillResult::Refused } else { FillResult::Failed };
            ends.outcome.tell(Outcome::Failed(error));
            result
        };
        let mut answer = match self.ask(Ask::Conditional).await {
            Ok(answer) => answer,
            Err(error) => return failed(error),
        };
        if answer.incoming.head.status == StatusCode::NOT_MODIFIED {
            match &self.base {
                Some(base)
                    if answer.is_conditional
                        && policy::selects(&base.fields().to_map(), &answer.incoming.head.headers) =>
                {
                    return Box::pin(self.freshen(base, answer, ends)).await;
                }
                Some(_) | None => match self.ask(Ask::Whole).await {
                    Ok(whole) if whole.incoming.head.status != StatusCode::NOT_MODIFIED => answer = whole,
                    Ok(_) => return failed(ExchangeError::Response("304 to an unconditional request".to_owned())),
                    Err(error) => return failed(error),
                },
            }
        }
        self.stream(answer, ends).await
    }

    /// Asks, and once more where that is safe: see [`Asking::again`](super::exchange::Asking::again). The stamp is read before *each* attempt.
    async fn ask(&self, ask: Ask) -> Result<Answer, ExchangeError> {
        let upstream = self.request.upstream();
        let _place = match self.context.queue.try_place() {
            Some(place) => place,
            None => Box::pin(self.queue()).await?,
        };
        let mut asking = self.context.client.asking(upstream, self.request.affinity());
        loop {
            let stamp = self.context.live.stamp();
            let requested_at = unix_millis();
            let timer = self.context.metrics.head_seconds(&upstream.name).start_timer();
            let request = self.request.attempt(stamp.epoch, self.as_purged(ask));
            let host = self.request.host();
            let mut interim = |head| self.hand_on(&head);
            let result = self.context.client.ask(&mut asking, &request.bytes, host, &mut interim).await;
            match asking.again(&result) {
                Some(again) => {
                    timer.stop_and_discard();
                    if again == Again::NewConnection {
                        self.context.metrics.retried(&upstream.name);
                    }
                    continue;
                }
                None if result.is_ok() => drop(timer.stop_and_record()),
                None => drop(timer.stop_and_discard()),
            }
            return result.map(|incoming| Answer {
                incoming,
                is_conditional: request.is_conditional,
                stamp,
                requested_at,
                received_at: unix_millis(),
            });
        }
    }

    /// Waits for a place among those who ask.
    async fn queue(&self) -> Result<SemaphorePermit<'_>, ExchangeError> {
        let place = tokio::time::timeout(self.request.upstream().read_timeout, self.context.queue.place()).await;
        place.map_err(|_| ExchangeError::Timeout)?.map_err(|Full| ExchangeError::Busy)
    }

    /// What may be asked now: to be called after the stamp was read, since what the answer confirms counts as of then. Without a lease
    /// anything may have been purged.
    fn as_purged(&self, ask: Ask) -> Ask {
        let is_purged = |base: &Object| self.control.is_none() || base.verdict(&self.context.live) != Verdict::Servable;
        if ask == Ask::Conditional && self.base.as_ref().is_some_and(is_purged) { Ask::ByTag } else { ask }
    }

    /// An interim response, for the client that waits; who left, or waits for another's fill, gets none.
    fn hand_on(&self, head: &ResponseHeader) {
        let Some(interim) = &self.interim else {
            return;
        };
        let fields = policy::passed_fields(&head.headers);
        let Ok(mut cleaned) = ResponseHeader::build(head.status, Some(fields.len())) else {
            return;
        };
        for (name, value) in &fields {
            // A field that was read can be written.
            let _ = cleaned.append_header(name, value);
        }
        let _ = interim.send(Box::new(cleaned));
    }

    fn asked(&self, answer: &Answer) -> Asked<'_> {
        Asked {
            upstream: self.request.upstream(),
            settings: &self.settings,
            primary: &self.primary,
            sent: self.request.sent(),
            no_store: self.no_store,
            tags: &self.tags,
            url: &self.url,
            origin: &self.origin,
            stamp: answer.stamp,
            requested_at: answer.requested_at,
            received_at: answer.received_at,
        }
    }

    /// A 304: the base with a new stamp, fields and lifetime; its body is shared.
    async fn freshen(&self, base: &Object, answer: Answer, ends: Ends) -> FillResult {
        let judged = self.asked(&answer).freshen(base, &answer.incoming.head.headers);
        self.context.client.release(answer.incoming, self.request.host());
        match judged {
            Ok(object) => {
                let (object, result) = match Complete::new(object).check(&self.context.store, &self.context.live) {
                    Ok(current) => (self.store(current, Source::Upstream), FillResult::Freshened),
                    Err(overtaken) => (overtaken.into_object(), FillResult::Overtaken),
                };
                ends.outcome.tell(Outcome::Freshened(object));
                result
            }
            Err(reply) => {
                self.not_shared(reply.status, &reply.share);
                ends.body.pass();
                ends.outcome.tell(Outcome::Reply(Arc::from(reply)));
                for chunk in base.body().chunks().iter() {
                    if ends.body.append(chunk.clone()).await.is_err() {
                        return FillResult::Abandoned;
                    }
                }
                ends.body.complete();
                FillResult::NotStored
            }
        }
    }

    /// A whole response.
    async fn stream(&self, answer: Answer, ends: Ends) -> FillResult {
        let reply = Arc::new(self.judge(&answer));
        let mut incoming = answer.incoming;
        let Ends { outcome, body } = ends;
        let mut _variant = None;
        let storable = match &reply.share {
            Share::All(storable) => {
                if let Some(variants) = &storable.variants {
                    // First the place, then the word of it: who learns of the variant must find the fill that brings it.
                    _variant = self.joinable.as_ref().map(|joinable| joinable.also(storable.key.hash()));
                    self.context.store.insert_variants(variants.clone());
                }
                Some(storable)
            }
            Share::Waiting(..) | Share::Starter(_) => {
                self.not_shared(reply.status, &reply.share);
                body.pass();
                None
            }
        };
        outcome.tell(Outcome::Reply(reply.clone()));
        let end = self.append_all(&mut incoming, &body, storable.map_or(0, |storable| storable.max_bytes)).await;
        match end {
            End::Complete => {
                let whole = body.complete();
                let result = match (storable, whole) {
                    (Some(storable), Some(whole)) => self.commit(&reply, storable, whole),
                    (Some(_), None) => {
                        self.context.marks.remember(self.primary.hash(), NotStored::TooLarge, false);
                        FillResult::Outgrown
                    }
                    (None, _) => FillResult::NotStored,
                };
                self.context.client.release(incoming, self.request.host());
                result
            }
            // Dropping the writer fails every reader that has not seen the end.
            End::Failed => FillResult::Failed,
            End::Abandoned => FillResult::Abandoned,
        }
    }

    /// An error must not take the place of an object that could be served instead of it (RFC 5861 §4).
    fn judge(&self, answer: &Answer) -> Reply {
        let status = answer.incoming.head.status;
        let mut reply = self.asked(answer).judge(status, &answer.incoming.head.headers);
        if let Share::All(Storable { key, variants, .. }) = &reply.share
            && status.is_server_error()
            && self.base.is_some()
        {
            let variant = variants.clone().map(|variants| Variant { variants, key: key.clone() });
            reply.share = Share::Waiting(NotStored::Status, variant);
        }
        reply
    }

    pub(super) fn commit(&self, reply: &Reply, storable: &Storable, whole: Whole) -> FillResult {
        let meta = Meta {
            key: storable.key.clone(),
            status: reply.status,
            fields: reply.fields.clone(),
            provenance: reply.provenance.clone(),
            promise: reply.promise,
            lifetime: storable.lifetime,
            source: storable.source.clone(),
        };
        let object = Object::new(meta, StoredBody::charged(whole.chunks, whole.charge));
        match Complete::new(object).check(&self.context.store, &self.context.live) {
            Ok(current) => {
                let object = self.store(current, reply.source);
                if let (Source::Upstream, Some(disk)) = (reply.source, &self.context.disk) {
                    disk.stored(&object);
                }
                self.context.marks.forget(self.primary.hash());
                FillResult::Stored
            }
            Err(overtaken) => {
                // Where something else is stored, that tells what became of it.
                if self.context.store.same(&overtaken.into_object()).is_none() {
                    self.context.marks.remember(self.primary.hash(), NotStored::Overtaken, true);
                }
                FillResult::Overtaken
            }
        }
    }

    /// Stores an object, and tells the trail of purges of it: what is fresh, and what it takes the place of.
    fn store(&self, current: Current, source: Source) -> Object {
        let context = &self.context;
        if source != Source::Upstream || !context.outcomes.watches() {
            return current.store(&context.store, &self.primary);
        }
        let replaced = current.replaces(&context.store);
        let object = current.store(&context.store, &self.primary);
        context.outcomes.filled(BootTime::now(), &object, replaced.as_ref());
        object
    }

    /// Remembers why the answer is not stored, and where it is for one client alone, that requests for this key should not queue
    /// behind one another. What is stored goes where the upstream's new word on it is not to be stored, and is no failure: it
    /// would be served stale otherwise, refresh after refresh.
    fn not_shared(&self, status: StatusCode, share: &Share) {
        match share {
            Share::All(_) | Share::Starter(NotStored::RequestNoStore) => {}
            Share::Waiting(reason, _) => self.context.marks.remember(self.primary.hash(), *reason, true),
            Share::Starter(reason) => {
                self.context.marks.remember(self.primary.hash(), *reason, false);
                let is_of_the_client = matches!(reason, NotStored::Authorization | NotStored::Cookie);
                let is_failure = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                if let Some(base) = self.base.as_ref().filter(|_| !is_of_the_client && !is_failure) {
                    self.context.store.withdraw(base);
                    self.context.outcomes.withdrawn(base);
                    if let Some(disk) = &self.context.disk {
                        disk.forget(base.url().tag(), &self.context.live);
                    }
                }
            }
        }
    }

    async fn append_all(&self, incoming: &mut Incoming, body: &Writer, max_bytes: u64) -> End {
        let limit = max_bytes.min(self.context.store.largest());
        let buffers = self.context.budget.reserve();
        buffers.force(OVERHEAD);
        loop {
            match incoming.next().await {
                Ok(Some(chunk)) => {
                    let before = body.total();
                    if before + chunk.len() as u64 > limit {
                        body.pass();
                    }
                    match body.append(chunk).await {
                        Ok(Appended::Kept | Appended::Passed) => {}
                        Err(_) => return End::Abandoned,
                    }
                }
                Ok(None) => return End::Complete,
                Err(error) => {
                    tracing::debug!(%error, upstream = &*self.request.upstream().name, "a response was cut short");
                    return End::Failed;
                }
            }
        }
    }
}

enum End {
    Complete,
    Failed,
    Abandoned,
}
