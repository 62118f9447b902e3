//! From a request to its hit.

use std::sync::Arc;
use std::time::Instant;

use http::{Method, header};
use vitrine_shared::headers::X_REQUEST_ID;

use super::plain::Plain;
use super::template::{Filling, Making, Template, Wire};
use super::templates::{Kind, Place, Templates};
use super::told::{Logged, Told};
use super::workspace::Workspace;
use super::{ConnectionFacts, FastPath};
use crate::access_log;
use crate::client::Client;
use crate::encoding::Accept;
use crate::engine::{Engine, Moment, has_content, heeded};
use crate::fields::FieldLines;
use crate::key::{Framer, Target};
use crate::policy;
use crate::rate::{Caller, Counted};
use crate::represent::AtOnce;
use crate::rules::{CacheSettings, RequestFacts, Rule};
use crate::service::request_id::RequestId;
use crate::store::{Object, StoredBody};

/// What a request gets.
pub(super) struct Hit<'s> {
    pub(super) rule: &'s Rule,
    pub(super) template: &'s Template,
}

impl Workspace {
    /// The body of the answer, and what `write` makes of its head; `None`, without a call of `write`, where the slow path is to answer.
    pub(super) fn answer<R>(
        &mut self,
        path: &FastPath,
        request: &Plain<'_>,
        from: &ConnectionFacts,
        wire: Wire,
        write: impl FnOnce(&Hit<'_>, &Filling<'_>) -> R,
    ) -> Option<(Option<StoredBody>, Told, R)> {
        let begun = path.metrics.begin_fast(from.worker);
        let now = self.now();
        let Self { current, generation, framer, templates, accept, .. } = self;
        let snapshot = current.load();
        if *generation != snapshot.generation {
            *generation = snapshot.generation;
            templates.clear();
        }
        if request.path.len() > snapshot.config.listen.limits.target {
            return None;
        }
        let client = snapshot.config.listen.trusted.client(from.peer, from.scheme, request.fields);
        let host = client.host.as_deref().unwrap_or(request.host);
        let target = Target::parse(client.scheme, host, request.path).ok()?;
        let facts = RequestFacts { method: request.method, target: &target, headers: request.fields, has_body: false };
        let judged = snapshot.config.rules.judge(&facts);
        let (rule, settings) = (judged.rule?, judged.action.ok()?);
        let object = fresh(&path.engine, settings, &target, request, framer, now)?;
        let status = object.status();
        if !has_content(status) {
            return None;
        }
        let is_not_modified = request.is_conditional
            && policy::is_not_modified_of(request.fields, status, |name| object.fields().get(name));
        let accept = if settings.compression.is_some() { accept_of(accept, request.fields) } else { Accept::default() };
        let kind = Kind { object: object.id(), rule: judged.place, accept, is_not_modified, wire };
        let making = Making { engine: &path.engine, rule, settings, object: &object, request, kind };
        let template = template(templates, &making, now)?;
        let body = if is_not_modified || *request.method == Method::HEAD {
            None
        } else {
            Some(body(&path.engine, &object, template.content())?)
        };
        let id = RequestId::of(request.fields.get(&X_REQUEST_ID), now.unix);
        let filling = template.filling(&object.lifetime(), now.unix, id.as_bytes())?;
        // Last, since what goes on to the slow path is counted there, and refused.
        let caller = Caller { address: client.address, request: &facts };
        if !snapshot.limits.admits(&rule.rate_limits, Counted::All, &caller, now.boot) {
            return None;
        }
        let hit = Hit { rule, template };
        let written = write(&hit, &filling);
        let counted = snapshot.counted.at(judged.place);
        let logged = logged(&hit, &client, &target, request, &id);
        Some((body, Told { worker: from.worker, counted, begun, logged }, written))
    }
}

/// The template for a hit, made where there is none yet.
fn template<'t>(templates: &'t mut Templates, making: &Making<'_>, now: Moment) -> Option<&'t Template> {
    let cors = &making.rule.transform.cors;
    let origin = if cors.is_some() { making.request.fields.get_one(&header::ORIGIN) } else { None };
    let is_of_now = |place: &Place| templates.at(*place).is_some_and(|known| known.is_for(now.unix));
    let place = match templates.find(&making.kind, origin).filter(is_of_now) {
        Some(place) => place,
        None => templates.insert(making.template(origin, now)?),
    };
    templates.at(place)
}

/// The fresh object for a request.
fn fresh(
    engine: &Engine,
    settings: &CacheSettings,
    target: &Target<'_>,
    request: &Plain<'_>,
    framer: &mut Framer,
    now: Moment,
) -> Option<Object> {
    framer.clear();
    settings.key.frame(target, request.fields, framer);
    let control = heeded(settings, request.fields);
    engine.fresh(framer.key(), settings, &control, || request.fields.to_map(), now)
}

/// The body that a template is the head of, where it is still there.
fn body(engine: &Engine, object: &Object, content: AtOnce) -> Option<StoredBody> {
    match content {
        AtOnce::Stored => Some(object.body()),
        AtOnce::Derived(form) => engine.context().store.derived(object.body_id(), form)?.body.clone().ok(),
    }
}

/// What the client accepts; clients of one kind say the same, so the last reading is kept.
fn accept_of(last: &mut (Vec<u8>, Accept), fields: FieldLines<'_>) -> Accept {
    let Some(line) = fields.get_one(&header::ACCEPT_ENCODING) else {
        return Accept::of(fields);
    };
    if last.0 != line {
        last.1 = Accept::of(fields);
        last.0.clear();
        last.0.extend_from_slice(line);
    }
    last.1
}

fn logged(
    hit: &Hit<'_>,
    client: &Client,
    target: &Target<'_>,
    request: &Plain<'_>,
    id: &RequestId,
) -> Option<Box<Logged>> {
    access_log::is_on().then(|| {
        Box::new(Logged {
            rule: Arc::clone(&hit.rule.name),
            client: client.address,
            method: request.method,
            host: target.host().into(),
            target: target.passed().into(),
            status: hit.template.status(),
            request_id: id.as_str().into(),
            started: Instant::now(),
        })
    })
}
