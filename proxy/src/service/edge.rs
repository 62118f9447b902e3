//! One request, front to back.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use http::{HeaderValue, Method, StatusCode, Version, header};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType};
use vitrine_shared::clock::BootTime;
use vitrine_shared::feed::Mode;
use vitrine_shared::headers::X_REQUEST_ID;

use super::cached::{Cacheable, Served};
use super::metrics::{RequestMetrics, RuleId};
use super::pass::{Route, head_is_sent};
use super::purge::Purging;
use super::recipient::Recipient;
use super::request_id::request_id;
use super::target::target;
use super::write::{CUT_SHORT, write};
use super::{forward, limits, preflight};
use crate::access_log;
use crate::cache_status::CacheStatus;
use crate::client::Client;
use crate::downstream::{ContentError, keep_date};
use crate::engine::{Answer, Engine};
use crate::key::{Target, TargetError};
use crate::ops::OpsToken;
use crate::policy;
use crate::purge::log::Source;
use crate::purge::{Purger, after_unsafe, target as purge};
use crate::rate::{Caller, Counted, Limited, RateLimits};
use crate::reason::Outcome;
use crate::refusal::Refusal;
use crate::reload::{Current, Snapshot};
use crate::rules::{Action, Author, DEFAULT_RULE, LimitIndex, RequestFacts, Transform};

/// The edge as Pingora sees it.
#[derive(Clone)]
pub struct Edge {
    /// Answers what may be answered from the cache.
    pub engine: Arc<Engine>,
    /// What is in force, swapped whole on reload; each request keeps to the snapshot that it took at its start.
    pub current: Current,
    /// Makes purges.
    pub purger: Arc<Purger>,
    /// Opens PURGE to addresses that no rule names.
    pub token: Option<OpsToken>,
    /// Counters.
    pub metrics: RequestMetrics,
}

/// What is known of one request.
#[derive(Debug)]
pub struct RequestContext {
    started: Instant,
    /// What was in force when its head had come; absent before, so that idle connections hold no old rules.
    snapshot: Option<Arc<Snapshot>>,
    pub(super) request_id: HeaderValue,
    /// Who it is from.
    pub(super) client: Client,
    target: Option<Target<'static>>,
    pub(super) rule: Arc<str>,
    /// The number under which its rule is counted.
    counted: RuleId,
    /// What the rule changes of request and response.
    pub(super) transform: Arc<Transform>,
    pub(super) outcome: Outcome,
    /// Where it is passed to.
    route: Option<Route>,
}

impl Default for RequestContext {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            snapshot: None,
            request_id: HeaderValue::from_static("-"),
            client: Client::default(),
            target: None,
            rule: Arc::from(""),
            counted: RuleId::NONE,
            transform: Arc::default(),
            outcome: Outcome::Gone,
            route: None,
        }
    }
}

#[async_trait]
impl ProxyHttp for Edge {
    type CTX = RequestContext;

    fn new_ctx(&self) -> RequestContext {
        RequestContext::default()
    }

    async fn early_request_filter(&self, session: &mut Session, _: &mut RequestContext) -> pingora::Result<()> {
        limits::set(session.as_mut());
        // RFC 9110 §15.2: no interim response to a client of HTTP/1.0.
        let knows_interim = session.req_header().version > Version::HTTP_10;
        session.as_mut().set_ignore_info_resp(!knows_interim);
        Ok(())
    }

    async fn request_filter(&self, session: &mut Session, ctx: &mut RequestContext) -> pingora::Result<bool> {
        let peer = session.client_addr().and_then(|address| address.as_inet()).map(std::net::SocketAddr::ip);
        let taken = self.take(&mut Recipient::Pingora(session.as_mut()), peer, ctx).await?;
        Ok(taken == Taken::Answered)
    }

    async fn upstream_peer(&self, _: &mut Session, ctx: &mut RequestContext) -> pingora::Result<Box<HttpPeer>> {
        match (&mut ctx.route, &ctx.target) {
            (Some(route), Some(target)) => route.peer(self.engine.context().client.pools(), target).await,
            _ => Err(Error::explain(ErrorType::InternalError, "a request without a route is not passed")),
        }
    }

    fn fail_to_connect(
        &self,
        _: &mut Session,
        _: &HttpPeer,
        ctx: &mut RequestContext,
        mut error: Box<Error>,
    ) -> Box<Error> {
        let next = ctx.route.as_mut().is_some_and(|route| route.not_connected(&error));
        error.set_retry(next);
        error
    }

    fn error_while_proxy(
        &self,
        _: &HttpPeer,
        session: &mut Session,
        mut error: Box<Error>,
        ctx: &mut RequestContext,
        reused: bool,
    ) -> Box<Error> {
        match &mut ctx.route {
            Some(route) => route.failed(session, &mut error, reused),
            None => error.set_retry(false),
        }
        error
    }

    async fn upstream_response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut RequestContext,
    ) -> pingora::Result<()> {
        ctx.route.as_mut().map_or(Ok(()), |route| route.answered(session, response))
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        request: &mut RequestHeader,
        ctx: &mut RequestContext,
    ) -> pingora::Result<()> {
        let (Some(route), Some(target)) = (&ctx.route, &ctx.target) else {
            return Ok(());
        };
        let from = forward::From { client: &ctx.client, request_id: &ctx.request_id };
        forward::prepare(request, route.upstream(), target, from, &ctx.transform.request)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut RequestContext,
    ) -> pingora::Result<()> {
        forward::strip(response, ctx.route.as_ref().map(Route::upstream));
        if response.status.is_informational() {
            return Ok(());
        }
        self.invalidate_after_unsafe(&session.req_header().method, response, ctx).await;
        // RFC 9112 §6.1: no chunks for a client of HTTP/1.0; without a length its content ends with the connection.
        if session.req_header().version < Version::HTTP_11 && !response.headers.contains_key(header::CONTENT_LENGTH) {
            response.remove_header(&header::TRANSFER_ENCODING);
            session.as_mut().set_keepalive(None);
        }
        keep_date(session.as_ref(), response.headers.get(header::DATE));
        let status =
            CacheStatus { fwd_status: Some(response.status.as_u16()), ..CacheStatus::new(ctx.outcome, &ctx.rule) };
        ctx.transform.finish(&session.req_header().headers, response.status, Author::Upstream, response);
        response.append_header(forward::CACHE_STATUS, status.value())?;
        response.insert_header(X_REQUEST_ID, ctx.request_id.clone())?;
        Ok(())
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, ctx: &mut RequestContext) -> FailToProxy {
        let refusal = if head_is_sent(session) { None } else { refusal_of(error) };
        let error_code = refusal.as_ref().map_or(0, |refusal| refusal.status.as_u16());
        // The connection is closed below, and a client that is not told so would lose its next request.
        session.as_mut().set_keepalive(None);
        if let Some(refusal) = refusal
            && let Err(error) = write_refusal(&mut Recipient::Pingora(session.as_mut()), ctx, &refusal).await
        {
            tracing::debug!(%error, "an error response could not be sent");
        }
        // Not reusing is the safe choice after a failure.
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    fn suppress_error_log(&self, _: &Session, _: &RequestContext, error: &Error) -> bool {
        // The access log tells of both: a client that left, and a response that could not be completed.
        *error.etype() == CUT_SHORT || *error.esource() == ErrorSource::Downstream
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, ctx: &mut RequestContext) {
        let status = session.response_written().map_or(0, |head| head.status.as_u16());
        let bytes = session.body_bytes_sent() as u64;
        self.ended(ctx, &session.req_header().method, status, bytes, error.is_some());
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was answered.
    Answered,
    /// It is to be passed.
    Pass,
}

impl Edge {
    /// Answers a request, where it is not to be passed.
    pub(super) async fn take(
        &self,
        to: &mut Recipient<'_>,
        peer: Option<IpAddr>,
        ctx: &mut RequestContext,
    ) -> pingora::Result<Taken> {
        // Pingora makes the context when it begins to wait for a request; the time of waiting is not the request's.
        ctx.started = Instant::now();
        let snapshot = Arc::clone(ctx.snapshot.insert(self.current.load_full()));
        ctx.request_id = request_id(to.head().headers.get(X_REQUEST_ID));
        ctx.client = snapshot.config.listen.trusted.client(peer, to.scheme(), &to.head().headers);
        let target = match target(to.head(), &ctx.client, &snapshot.config.listen.limits) {
            Ok(target) => target,
            Err(error) => {
                ctx.outcome = Outcome::Refused(error);
                return refuse(to, ctx, &error).await;
            }
        };
        if let Some((rule, answer)) = self.answered_here(&snapshot, to.head(), &target, ctx).await {
            ctx.counted = snapshot.counted.named(&rule);
            ctx.rule = rule;
            ctx.outcome = answer.outcome;
            ctx.target = Some(target);
            write(to, answer, &ctx.request_id).await?;
            return Ok(Taken::Answered);
        }
        let has_content = to.has_content();
        let head = to.head();
        let mut facts = RequestFacts::new(&head.method, &target, &head.headers);
        facts.has_body = has_content.unwrap_or(facts.has_body);
        let decision = snapshot.config.rules.decide(&facts);
        if matches!(decision.action, Action::Pass(_)) && !to.can_be_passed() {
            return Ok(Taken::Pass);
        }
        ctx.counted = snapshot.counted.at(decision.place);
        ctx.rule = decision.rule;
        ctx.transform = decision.transform;
        let limits = Limits { limits: &snapshot.limits, named: snapshot.config.rules.rate_limits(decision.place) };
        let mut limited = limits.check(Counted::All, ctx.client.address, &facts);
        if let (Ok(()), Action::Pass(_)) = (&limited, &decision.action) {
            limited = limits.check(Counted::Upstream, ctx.client.address, &facts);
        }
        if let Err(limited) = limited {
            ctx.target = Some(target);
            return limit(to, ctx, &limited).await;
        }
        let plan = match decision.action {
            Action::Pass(reason) => {
                ctx.outcome = Outcome::Pass(reason);
                ctx.route = Some(Route::to(decision.upstream, &facts));
                ctx.target = Some(target);
                return Ok(Taken::Pass);
            }
            Action::Cache(plan) => plan,
        };
        let upstream = decision.upstream;
        let cacheable = Cacheable { target: &target, upstream: &upstream, plan: &plan, limits };
        let served = cacheable.serve(self, to, ctx).await;
        if let Ok(Served::Passed(reason)) = served {
            let head = to.head();
            ctx.outcome = Outcome::Pass(reason);
            ctx.route = Some(Route::to(upstream, &RequestFacts::new(&head.method, &target, &head.headers)));
        }
        ctx.target = Some(target);
        match served? {
            Served::Answered => Ok(Taken::Answered),
            Served::Passed(_) => Ok(Taken::Pass),
            Served::Limited(limited) => limit(to, ctx, &limited).await,
        }
    }

    /// Counts and logs a request at its end.
    pub(super) fn ended(&self, ctx: &RequestContext, method: &Method, status: u16, bytes: u64, failed: bool) {
        let took = ctx.started.elapsed();
        self.metrics.ended(ctx.counted, ctx.outcome, took, bytes);
        if !access_log::is_on() {
            return;
        }
        let raw;
        let (host, target) = match &ctx.target {
            Some(target) => {
                raw = target.passed();
                (target.host(), raw.as_str())
            }
            None => ("", ""),
        };
        let line = access_log::Line {
            client: ctx.client.address,
            method: method.as_str(),
            host,
            target,
            status,
            bytes,
            rule: &ctx.rule,
            outcome: ctx.outcome,
            took,
            request_id: ctx.request_id.to_str().unwrap_or("-"),
            failed,
        };
        line.write();
    }

    /// The answer to a preflight or a PURGE, and the name of its rule; `None` where it is neither.
    async fn answered_here(
        &self,
        snapshot: &Snapshot,
        head: &RequestHeader,
        target: &Target<'_>,
        ctx: &RequestContext,
    ) -> Option<(Arc<str>, Answer)> {
        let rules = &snapshot.config.rules;
        if let Some(answered) = preflight::answer(rules, head, target) {
            return Some(answered);
        }
        let purging = Purging {
            purger: &self.purger,
            rules,
            token: self.token.as_ref(),
            client: ctx.client.address,
            request_id: &ctx.request_id,
        };
        let (rule, answer) = purging.answer(&head.method, &head.headers, target).await?;
        Some((rule.unwrap_or_else(|| Arc::from(DEFAULT_RULE)), answer))
    }

    /// RFC 9111 §4.4: a success of an unsafe method invalidates its URI and those of the same origin that Location and
    /// Content-Location name; RFC 9875 §3: any answer to one invalidates the cache groups that it names.
    async fn invalidate_after_unsafe(&self, method: &Method, response: &ResponseHeader, ctx: &RequestContext) {
        let Some(target) = ctx.target.as_ref().filter(|_| !method.is_safe()) else {
            return;
        };
        let told = || (method.as_str().into(), ctx.request_id.to_str().unwrap_or("-").into());
        if after_unsafe::invalidates(method, response.status) {
            // By the rules of now, which know those of before: others may have stored something since this request came.
            let snapshot = self.current.load();
            let mentioned = after_unsafe::mentioned(target, &response.headers);
            for target in std::iter::once(target).chain(&mentioned) {
                self.purger.invalidate(&purge::Target::address(target, &snapshot.config.rules), || {
                    let (method, id) = told();
                    Source::Unsafe { method, id }
                });
            }
        }
        let groups = policy::invalidated_groups(&response.headers, &purge::origin_of(target));
        if !groups.is_empty() {
            let (method, id) = told();
            self.purger.purge(&purge::Target::tags(groups), Mode::Hard, Source::Groups { method, id });
        }
        // The upstream has done what it was asked for, so its answer goes on in any case.
        if let Err(error) = self.purger.settled().await {
            tracing::debug!(%error, "after an unsafe method");
        }
    }
}

/// The rate limits that a request is under.
#[derive(Clone, Copy)]
pub(super) struct Limits<'r> {
    limits: &'r RateLimits,
    named: &'r [LimitIndex],
}

impl Limits<'_> {
    pub(super) fn check(
        &self,
        counted: Counted,
        address: Option<IpAddr>,
        request: &RequestFacts<'_>,
    ) -> Result<(), Limited> {
        self.limits.check(self.named, counted, &Caller { address, request }, BootTime::now)
    }
}

/// Who wrote what an answer says.
pub(super) fn author(outcome: Outcome) -> Author {
    match outcome {
        Outcome::Refused(_) | Outcome::Limited | Outcome::Unavailable(_) | Outcome::NotCached | Outcome::Gone => {
            Author::Edge
        }
        _ => Author::Upstream,
    }
}

async fn refuse(to: &mut Recipient<'_>, ctx: &RequestContext, error: &TargetError) -> pingora::Result<Taken> {
    let status = match error {
        TargetError::TooLong => StatusCode::URI_TOO_LONG,
        TargetError::Method => StatusCode::NOT_IMPLEMENTED,
        TargetError::Host | TargetError::Path | TargetError::Query => StatusCode::BAD_REQUEST,
    };
    // What follows on the connection may be meant otherwise too.
    to.end_after();
    write_refusal(to, ctx, &Refusal::new(status, "invalid_request", error.to_string())).await?;
    Ok(Taken::Answered)
}

/// RFC 6585 §4.
async fn limit(to: &mut Recipient<'_>, ctx: &mut RequestContext, limited: &Limited) -> pingora::Result<Taken> {
    ctx.outcome = Outcome::Limited;
    let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", limited.to_string());
    let refusal = Refusal { retry_after: Some(limited.retry_after()), ..refusal };
    write_refusal(to, ctx, &refusal).await?;
    Ok(Taken::Answered)
}

pub(super) async fn write_refusal(
    to: &mut Recipient<'_>,
    ctx: &RequestContext,
    refusal: &Refusal,
) -> pingora::Result<()> {
    let (fields, body) = refusal.response();
    let mut head = ResponseHeader::build_no_case(refusal.status, Some(fields.len() + 3))?;
    for (name, value) in &fields {
        head.append_header(name.clone(), value.clone())?;
    }
    ctx.transform.finish(&to.head().headers, refusal.status, Author::Edge, &mut head);
    head.append_header(forward::CACHE_STATUS, CacheStatus::new(ctx.outcome, &ctx.rule).value())?;
    head.insert_header(X_REQUEST_ID, ctx.request_id.clone())?;
    to.write_head(head, None).await?;
    if !to.is_head() {
        to.write(&body).await?;
    }
    to.end().await
}

/// What the client is told of an error; nothing where its connection is gone.
pub(super) fn refusal_of(error: &Error) -> Option<Refusal> {
    let upstream = |status, kind, message| Some(Refusal::new(status, kind, message));
    if let Some(content) = ContentError::of(error) {
        return Some(match content {
            ContentError::Malformed(_) => Refusal::new(StatusCode::BAD_REQUEST, "invalid_request", content.to_string()),
            ContentError::Slow => Refusal::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", content.to_string()),
        });
    }
    match (error.esource(), error.etype()) {
        (_, ErrorType::HTTPStatus(status)) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Some(Refusal::new(status, "refused", status.canonical_reason().unwrap_or("refused")))
        }
        (ErrorSource::Upstream, ErrorType::ConnectTimedout | ErrorType::ReadTimedout | ErrorType::WriteTimedout) => {
            upstream(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", "the upstream did not answer in time")
        }
        (ErrorSource::Upstream, _) => {
            upstream(StatusCode::BAD_GATEWAY, "upstream_failed", "the upstream gave no usable answer")
        }
        (ErrorSource::Downstream, ErrorType::WriteError | ErrorType::ReadError | ErrorType::ConnectionClosed)
        | (ErrorSource::Internal | ErrorSource::Unset, ErrorType::Custom(_)) => None,
        (ErrorSource::Downstream, ErrorType::ReadTimedout) => {
            Some(Refusal::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "the request did not arrive in time"))
        }
        (ErrorSource::Downstream, _) => {
            Some(Refusal::new(StatusCode::BAD_REQUEST, "invalid_request", "the request is malformed"))
        }
        (ErrorSource::Internal | ErrorSource::Unset, _) => {
            Some(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong in the proxy"))
        }
    }
}
