//! What a configuration says of a case, by the functions that the running edge uses, without a network.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::Tag;

use super::exchange::{Request, Response};
use crate::config::Config;
use crate::engine::heeded;
use crate::fill::request::{ClientFields, FillRequest, Parts};
use crate::fill::verdict::{Kept, Said, unstored_fields};
use crate::key::{CacheKey, Canonical, Target};
use crate::policy::{self, CacheControl, Exchange, Lifetime};
use crate::purge::target::origin_of;
use crate::rate::Caller;
use crate::reason::NotStored;
use crate::rules::{Action, Author, CachePlan, Decision, RequestFacts};
use crate::service::purge::{self, Right};
use crate::service::{forward, preflight};
use crate::store::Variants;
use crate::upstream::Upstream;
use crate::vary::VarySpec;

/// The instant of cases whose response has no Date, in Unix milliseconds: the start of 2026.
const NOW: u64 = 1_767_225_600_000;
/// The name of a case's request in logs.
const REQUEST_ID: HeaderValue = HeaderValue::from_static("case");

/// What is done with a request.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// The rule that decided; absent where none was asked.
    pub(super) rule: Option<Arc<str>>,
    /// What is done.
    pub(super) action: Done,
    /// The rate limits that count it.
    pub(super) rate_limits: Vec<String>,
    /// Who is asked, where anyone is.
    pub(super) upstream: Option<Arc<Upstream>>,
    /// What they are asked for: path and query.
    pub(super) sent: Option<String>,
    /// With which fields.
    pub(super) request_fields: HeaderMap,
    /// What becomes of the response; absent where the case has none, or the request is answered here.
    pub(super) response: Option<Answered>,
}

/// What is done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// Answered from the cache, or by filling it.
    Cache,
    /// Passed, for this reason.
    Pass(&'static str),
    /// Refused, for this reason.
    Refuse(&'static str),
    /// Answered here, as a preflight.
    Preflight,
    /// Answered here, as a purge.
    Purge,
}

/// What becomes of a response.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    /// What is stored, or the reason why nothing is; a request that is passed stores nothing, for no reason of its own.
    pub(super) stored: Result<Stored, Option<NotStored>>,
    /// The fields that the client gets.
    pub(super) fields: HeaderMap,
}

/// What is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// For how long it is fresh.
    pub(super) edge_ttl: Duration,
    /// For how long past that it is served while it is refreshed.
    pub(super) while_revalidate: Duration,
    /// For how long past that it is served when the upstream fails.
    pub(super) if_error: Duration,
    /// Its tags, but for those of its address.
    pub(super) tags: Vec<String>,
    /// The request fields that tell its variants apart.
    pub(super) varies_by: Vec<String>,
}

// === impl Done ===

impl Done {
    /// The words for it.
    pub(super) const WORDS: [&'static str; 5] = ["cache", "pass", "refuse", "preflight", "purge"];

    /// Its word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Pass(_) => "pass",
            Self::Refuse(_) => "refuse",
            Self::Preflight => "preflight",
            Self::Purge => "purge",
        }
    }

    /// Why; empty where it needs no reason.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Pass(reason) | Self::Refuse(reason) => reason,
            Self::Cache | Self::Preflight | Self::Purge => "",
        }
    }
}

// === impl Told ===

impl Told {
    /// What `config` says of a request, and of the response to it.
    pub(super) fn of(config: &Config, request: &Request, response: Option<&Response>) -> Self {
        let target = match &request.target {
            Ok(target) => target,
            Err(error) => return Self::answered_here(None, Done::Refuse(error.label()), HeaderMap::new()),
        };
        let head = &request.head;
        if let Some((rule, fields)) = preflight::find(&config.rules, head, target) {
            return Self::answered_here(Some(&rule.name), Done::Preflight, fields);
        }
        let facts = RequestFacts::new(&head.method, target, &head.headers);
        if let Some((rule, right)) = purge::find(&config.rules, &facts, request.client.address) {
            let done = match right {
                Right::Nobody => Done::Refuse("method_not_allowed"),
                Right::ThisAddress => Done::Purge,
                Right::Others => Done::Refuse("forbidden"),
            };
            return Self::answered_here(rule.map(|rule| &rule.name), done, HeaderMap::new());
        }
        let decision = config.rules.decide(&facts);
        let caller = Caller { address: request.client.address, request: &facts };
        let named = config.rules.rate_limits(decision.place).iter();
        let limits = named.filter_map(|index| config.rate_limits.get(index.get()));
        let rate_limits = limits.filter(|limit| limit.counts(&caller)).map(|limit| limit.name.to_string()).collect();
        let told = match &decision.action {
            Action::Pass(reason) => Self::passed(&decision, Done::Pass(reason.label()), request, target, response),
            Action::Cache(plan) => Self::cached(&decision, plan, request, target, response),
        };
        Self { rate_limits, ..told }
    }

    fn answered_here(rule: Option<&Arc<str>>, action: Done, fields: HeaderMap) -> Self {
        Self {
            rule: rule.cloned(),
            action,
            rate_limits: Vec::new(),
            upstream: None,
            sent: None,
            request_fields: HeaderMap::new(),
            response: Some(Answered { stored: Err(None), fields }),
        }
    }

    fn passed(
        decision: &Decision,
        action: Done,
        request: &Request,
        target: &Target,
        response: Option<&Response>,
    ) -> Self {
        let mut head = request.head.clone();
        let from = forward::From { client: &request.client, request_id: &REQUEST_ID };
        // Fails only on a path that cannot be sent, and this one came.
        let _ = forward::prepare(&mut head, &decision.upstream, target, from, &decision.transform.request);
        let answered = |response: &Response| {
            let mut fields = policy::passed_fields(&response.fields);
            decision.transform.finish(&request.head.headers, response.status, Author::Upstream, &mut fields);
            Answered { stored: Err(None), fields }
        };
        Self {
            rule: Some(Arc::clone(&decision.rule)),
            action,
            rate_limits: Vec::new(),
            upstream: Some(Arc::clone(&decision.upstream)),
            sent: Some(decision.upstream.request_target(&target.passed())),
            request_fields: head.headers.clone(),
            response: response.map(answered),
        }
    }

    fn cached(
        decision: &Decision,
        plan: &CachePlan,
        request: &Request,
        target: &Target,
        response: Option<&Response>,
    ) -> Self {
        let asked = Asked::of(decision, plan, request, target, response);
        let answered = |response: &Response| asked.answered(response);
        Self {
            rule: Some(Arc::clone(&decision.rule)),
            action: Done::Cache,
            rate_limits: Vec::new(),
            upstream: Some(Arc::clone(&decision.upstream)),
            sent: Some(decision.upstream.request_target(&asked.canonical.path_and_query)),
            request_fields: asked.request_fields(),
            response: response.map(answered),
        }
    }
}

/// What is asked of the upstream to fill the cache.
struct Asked<'c> {
    decision: &'c Decision,
    plan: &'c CachePlan,
    request: &'c Request,
    target: &'c Target<'c>,
    canonical: Canonical,
    sent: HeaderMap,
}

impl<'c> Asked<'c> {
    /// As where the upstream is known to vary by what this response says.
    fn of(
        decision: &'c Decision,
        plan: &'c CachePlan,
        request: &'c Request,
        target: &'c Target<'c>,
        response: Option<&Response>,
    ) -> Self {
        let settings = &plan.settings;
        let fields = &request.head.headers;
        let spec = response.and_then(|response| VarySpec::of(&response.fields, settings).ok());
        let sent = ClientFields::of(fields, settings).sent(settings, spec.as_ref());
        Self { decision, plan, request, target, canonical: settings.key.canonical(target, fields), sent }
    }

    fn request_fields(&self) -> HeaderMap {
        let parts = Parts {
            upstream: &self.decision.upstream,
            target: self.target,
            path_and_query: &self.canonical.path_and_query,
            request_id: &REQUEST_ID,
            validators: &HeaderMap::new(),
            edits: &self.plan.settings.request_edits,
        };
        FillRequest::build(parts, self.sent.clone()).map(|request| request.whole(Epoch::ZERO)).unwrap_or_default()
    }

    fn answered(&self, response: &Response) -> Answered {
        let settings = &self.plan.settings;
        let now = date(&response.fields).unwrap_or(NOW);
        let (stored, mut fields) = match self.judge(response, now) {
            Ok((stored, lifetime)) => {
                let kept = policy::stored_fields(&response.fields, now);
                let varying = policy::varying_fields(&kept, &lifetime, settings.browser_ttl, now);
                let mut fields = policy::fixed_fields(&kept, &lifetime, settings.browser_ttl);
                fields.insert(header::AGE, HeaderValue::from(varying.age));
                fields.extend(varying.cache_control.map(|value| (header::CACHE_CONTROL, value)));
                (Ok(stored), fields)
            }
            Err(reason) => {
                let set_cookie = settings.effective(response.status, &response.fields).set_cookie;
                (Err(Some(reason)), unstored_fields(&response.fields, set_cookie))
            }
        };
        policy::remove_tag_fields(&mut fields, &self.decision.upstream.tag_headers);
        let client = &self.request.head.headers;
        self.decision.transform.finish(client, response.status, Author::Upstream, &mut fields);
        Answered { stored, fields }
    }

    /// As fills judge.
    fn judge(&self, response: &Response, now: u64) -> Result<(Stored, Lifetime), NotStored> {
        let settings = &self.plan.settings;
        let Said { mut tags, .. } = Said::of(&response.fields, &self.decision.upstream, &origin_of(self.target))?;
        tags.extend(self.plan.tags(self.target.path()));
        let exchange = Exchange {
            request: &self.sent,
            status: response.status,
            response: &response.fields,
            requested_at: now,
            received_at: now,
        };
        let no_store = heeded(settings, &self.request.head.headers).no_store;
        let Kept { lifetime, spec, .. } = Kept::of(&exchange, settings, no_store)?;
        let between = |from: u64, to: u64| Duration::from_millis(to.saturating_sub(from));
        let mut tags: Vec<String> = tags.iter().map(Tag::to_string).collect();
        tags.sort_unstable();
        tags.dedup();
        let stored = Stored {
            edge_ttl: between(now, lifetime.fresh_until),
            while_revalidate: between(lifetime.fresh_until, lifetime.revalidate_until),
            if_error: between(lifetime.fresh_until, lifetime.error_until),
            tags,
            varies_by: spec.names().iter().map(|name| name.as_str().to_owned()).collect(),
        };
        Ok((stored, lifetime))
    }
}

/// The Date of a response, in Unix milliseconds.
fn date(fields: &HeaderMap) -> Option<u64> {
    let time = httpdate::parse_http_date(fields.get(header::DATE)?.to_str().ok()?).ok()?;
    u64::try_from(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis()).ok()
}

/// Under which key the object that answers a request is stored, where its upstream answers with this response; `None` where
/// the request is not answered from the cache.
pub(super) fn key(config: &Config, request: &Request, response: Option<&Response>) -> Option<CacheKey> {
    let target = request.target.as_ref().ok()?;
    let head = &request.head;
    let decision = config.rules.decide(&RequestFacts::new(&head.method, target, &head.headers));
    let Action::Cache(plan) = &decision.action else { return None };
    let asked = Asked::of(&decision, plan, request, target, response);
    let spec = response.and_then(|response| VarySpec::of(&response.fields, &plan.settings).ok());
    match spec.filter(|spec| !spec.is_empty()) {
        None => Some(asked.canonical.key),
        Some(spec) => Some(Variants::new(asked.canonical.key, spec).variant(&asked.sent)),
    }
}

/// For how long a client may take a response for fresh on arrival (RFC 9111 §4.2.1); `None` where it is told nothing.
pub(super) fn browser_ttl(fields: &HeaderMap) -> Option<Duration> {
    let control = CacheControl::of(fields);
    if control.no_cache || control.no_store {
        return Some(Duration::ZERO);
    }
    let age = fields.get(header::AGE).and_then(|age| age.to_str().ok()?.parse().ok()).unwrap_or(0);
    let seconds = u64::from(control.max_age?);
    Some(Duration::from_secs(seconds.saturating_sub(age)))
}
