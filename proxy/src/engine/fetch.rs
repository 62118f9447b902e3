//! Starting fills and taking what they bring.

use std::sync::Arc;

use vitrine_shared::clock::{BootTime, unix_millis};
use vitrine_shared::coherence::Stamp;

use super::Engine;
use super::asked::Asked;
use super::seek::Sought;
use crate::feed::connection::State;
use crate::fill::body::Reader;
use crate::fill::exchange::ExchangeError;
use crate::fill::request::{FillRequest, Parts};
use crate::fill::{Ends, Fill, Job, Outcome, Reply, Share, Source};
use crate::policy::Allowed;
use crate::purge::target::origin_of;
use crate::purge::{Present, address};
use crate::reason::MissReason;
use crate::store::{Object, Variants};

/// How often a request asks anew for what the disk told: by what the answer varies, and an object that must be validated.
pub(super) const DISK_ROUNDS: usize = 2;

/// A request's relation to the fill that it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It began it.
    Starter,
    /// It joined it.
    Follower,
}

/// What a request takes from a fill.
#[derive(Debug)]
pub(super) enum Taken {
    /// The response, whose body comes through the reader.
    Reply(Arc<Reply>, Reader, Role),
    /// The stored object, which the upstream has confirmed.
    Freshened(Object, Role),
    /// What the disk held, to be judged as what memory holds.
    Recalled(Object),
    /// Nothing: what it brought was overtaken by a purge, or is another's variant. Ask anew, with what is known now.
    Anew(MissReason, Option<Arc<Variants>>),
    /// Nothing: it is for its starter only, or its beginning is gone. Ask on one's own.
    Own,
    /// The upstream gave no response.
    Failed(ExchangeError),
}

impl Engine {
    /// What is asked for a request; `None` where it cannot be put into HTTP.
    pub(super) fn request(asked: &Asked<'_>, sought: &Sought) -> Option<FillRequest> {
        let spec = sought.variants.as_ref().map(|variants| &variants.spec);
        let sent = asked.fields().sent(asked.settings, spec);
        let validators = sought.validators();
        let parts = Parts {
            upstream: asked.upstream,
            target: asked.target,
            path_and_query: &asked.canonical.path_and_query,
            request_id: asked.request_id,
            validators: &validators,
            edits: &asked.settings.request_edits,
        };
        FillRequest::build(parts, sent)
            .inspect_err(|error| tracing::warn!(%error, "a request cannot be put to the upstream"))
            .ok()
    }

    /// The mark of a request's URL, to be held before anything of it is asked or looked for.
    pub(super) fn present(&self, asked: &Asked<'_>) -> Arc<Present> {
        self.context().presence.of(address::url(asked.target, &asked.canonical.path_and_query).hash())
    }

    /// Sets a fill's task going; `place` is the key under which it can be joined.
    pub(super) fn run(
        &self,
        asked: &Asked<'_>,
        sought: &Sought,
        request: FillRequest,
        place: Option<u128>,
        fill: Arc<Fill>,
        ends: Ends,
    ) {
        let path_and_query = &asked.canonical.path_and_query;
        let mut tags = asked.settings.tags.expand(asked.target.path());
        tags.extend(address::tags(asked.target, path_and_query));
        let job = Job {
            context: self.context().clone(),
            place,
            request,
            settings: asked.settings.clone(),
            tags,
            url: self.present(asked),
            origin: origin_of(asked.target),
            primary: asked.primary().clone(),
            key: sought.key(asked).clone(),
            base: sought.base(),
            control: asked.control,
            // Without a lease nothing is served before the upstream was asked (rule 11).
            sends_on: self.connection().state(BootTime::now()) == State::Connected,
            // A refresh behind is this cache's own wish, and not the client's who got the stale response.
            no_store: asked.control.no_store && place.is_none(),
            interim: asked.interim.cloned(),
            fill,
            ends,
        };
        tokio::spawn(job.run());
    }

    /// A fill of this request's own, which nobody joins.
    pub(super) async fn fetch_alone(&self, asked: &Asked<'_>, sought: &Sought, joined_at: Stamp) -> Taken {
        let Some(request) = Self::request(asked, sought) else {
            return Taken::Failed(ExchangeError::Response("the request cannot be sent".to_owned()));
        };
        let started = Fill::start(&self.context().budget);
        let fill = started.fill.clone();
        self.run(asked, sought, request, None, started.fill, started.ends);
        self.take(asked, &fill, started.reader, Role::Starter, joined_at).await
    }

    /// Waits for a fill's outcome and decides whether this request may have it.
    pub(super) async fn take(
        &self,
        asked: &Asked<'_>,
        fill: &Fill,
        reader: Option<Reader>,
        role: Role,
        joined_at: Stamp,
    ) -> Taken {
        let Some(reader) = reader else {
            return Taken::Own;
        };
        let outcome = {
            let _wait = self.waiting.begin();
            fill.outcome().await
        };
        match outcome {
            Outcome::Failed(error) => Taken::Failed(error),
            Outcome::Freshened(object) => {
                if object.serves(joined_at, &self.context().live) {
                    Taken::Freshened(object, role)
                } else {
                    Taken::Anew(MissReason::Overtaken, None)
                }
            }
            Outcome::Recalled(object) => Taken::Recalled(object),
            Outcome::Varies(variants) => Taken::Anew(MissReason::Vary, Some(variants)),
            Outcome::Reply(reply) => self.take_reply(asked, reply, reader, role, joined_at),
        }
    }

    fn take_reply(&self, asked: &Asked<'_>, reply: Arc<Reply>, reader: Reader, role: Role, joined_at: Stamp) -> Taken {
        if !reply.provenance.serves(joined_at, &self.context().live) {
            return Taken::Anew(MissReason::Overtaken, None);
        }
        match &reply.share {
            // What comes off the disk is fresh, but this client may want more than that.
            Share::All(storable)
                if reply.source == Source::Disk
                    && asked.control.allows(&storable.lifetime, unix_millis()) == Allowed::Validated =>
            {
                Taken::Own
            }
            Share::All(storable) => {
                if let Some(variants) = &storable.variants
                    && variants.variant(asked.fields().all()) != storable.key
                {
                    return Taken::Anew(MissReason::Vary, Some(variants.clone()));
                }
                Taken::Reply(reply, reader, role)
            }
            Share::Waiting(_, Some(variant))
                if role == Role::Follower && variant.variants.variant(asked.fields().all()) != variant.key =>
            {
                Taken::Anew(MissReason::Vary, Some(variant.variants.clone()))
            }
            Share::Waiting(..) => Taken::Reply(reply, reader, role),
            Share::Starter(_) if role == Role::Starter => Taken::Reply(reply, reader, role),
            Share::Starter(_) => Taken::Own,
        }
    }
}
