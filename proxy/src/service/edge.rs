//! One request, front to back.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use http::{HeaderValue, Method, StatusCode, Version, header};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::{FailToProxy, ProxyHttp, Session};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType};
use vitrine_shared::headers::X_REQUEST_ID;

use super::metrics::RequestMetrics;
use super::pass::Route;
use super::request_id::request_id;
use super::write::{CUT_SHORT, write};
use super::{date, forward, limits};
use crate::access_log;
use crate::cache_status::CacheStatus;
use crate::engine::{Asked, Engine};
use crate::key::{Scheme, Target, TargetError};
use crate::reason::Outcome;
use crate::refusal::Refusal;
use crate::rules::{Action, RequestFacts, RuleSet};

/// The edge as Pingora sees it.
pub struct Edge {
    /// Answers what may be answered from the cache.
    pub engine: Arc<Engine>,
    /// The rules, swapped whole on reload; each request keeps to one snapshot.
    pub rules: Arc<ArcSwap<RuleSet>>,
    /// Counters.
    pub metrics: RequestMetrics,
}

/// What is known of one request.
#[derive(Debug)]
pub struct RequestContext {
    started: Instant,
    request_id: HeaderValue,
    target: Option<Target>,
    rule: Arc<str>,
    outcome: Outcome,
    /// Where it is passed to.
    route: Option<Route>,
}

impl Default for RequestContext {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            request_id: HeaderValue::from_static("-"),
            target: None,
            rule: Arc::from(""),
            outcome: Outcome::Refused,
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
        Ok(())
    }

    async fn request_filter(&self, session: &mut Session, ctx: &mut RequestContext) -> pingora::Result<bool> {
        // Pingora makes the context when it begins to wait for a request; the time of waiting is not the request's.
        ctx.started = Instant::now();
        ctx.request_id = request_id(session.req_header().headers.get(X_REQUEST_ID));
        let target = match target(session.req_header()) {
            Ok(target) => target,
            Err(error) => return refuse(session.as_mut(), ctx, &error).await,
        };
        let empty_h2 = session.req_header().version == Version::HTTP_2 && session.is_body_empty();
        let head = session.req_header();
        let mut facts = RequestFacts::new(&head.method, &target, &head.headers);
        if head.version == Version::HTTP_2 {
            facts.has_body = !empty_h2;
        }
        let decision = self.rules.load().decide(&facts);
        ctx.rule = decision.rule;
        let plan = match decision.action {
            Action::Pass(reason) => {
                ctx.outcome = Outcome::Pass(reason);
                ctx.route = Some(Route::to(decision.upstream));
                ctx.target = Some(target);
                return Ok(false);
            }
            Action::Cache(plan) => plan,
        };
        let canonical = plan.settings.key.canonical(&target, &head.headers);
        let asked = Asked {
            rule: &ctx.rule,
            upstream: &decision.upstream,
            settings: &plan.settings,
            target: &target,
            canonical: &canonical,
            headers: &head.headers,
            request_id: &ctx.request_id,
        };
        let answer = self.engine.answer(&asked).await;
        ctx.outcome = answer.outcome;
        ctx.target = Some(target);
        write(session.as_mut(), answer, &ctx.request_id).await?;
        Ok(true)
    }

    async fn upstream_peer(&self, _: &mut Session, ctx: &mut RequestContext) -> pingora::Result<Box<HttpPeer>> {
        match (&mut ctx.route, &ctx.target) {
            (Some(route), Some(target)) => route.peer(self.engine.context().client.peers(), target).await,
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
        // Nothing was sent yet, so every method may try the next address.
        error.set_retry(ctx.route.as_mut().is_some_and(Route::try_next));
        error
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        ctx: &mut RequestContext,
    ) -> pingora::Result<()> {
        let (Some(route), Some(target)) = (&ctx.route, &ctx.target) else {
            return Ok(());
        };
        let client = session.client_addr().and_then(|address| address.as_inet()).map(std::net::SocketAddr::ip);
        forward::prepare(request, route.upstream(), target, client, &ctx.request_id)
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut RequestContext,
    ) -> pingora::Result<()> {
        forward::strip(response);
        if response.status.is_informational() {
            return Ok(());
        }
        date::keep(session.as_ref(), response.headers.get(header::DATE));
        let status =
            CacheStatus { fwd_status: Some(response.status.as_u16()), ..CacheStatus::new(ctx.outcome, &ctx.rule) };
        response.append_header(forward::CACHE_STATUS, status.value())?;
        response.insert_header(X_REQUEST_ID, ctx.request_id.clone())?;
        self.invalidate_after_unsafe(session.req_header(), response.status, ctx);
        Ok(())
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, ctx: &mut RequestContext) -> FailToProxy {
        let refusal = if session.response_written().is_some() { None } else { refusal_of(error) };
        let error_code = refusal.as_ref().map_or(0, |refusal| refusal.status.as_u16());
        if let Some(refusal) = refusal
            && let Err(error) = write_refusal(session.as_mut(), ctx, &refusal).await
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
        let took = ctx.started.elapsed();
        let bytes = session.body_bytes_sent() as u64;
        self.metrics.ended(&ctx.rule, ctx.outcome, took, bytes);
        let raw;
        let (host, target) = match &ctx.target {
            Some(target) => {
                raw = target.passed();
                (target.host(), raw.as_str())
            }
            None => ("", ""),
        };
        let line = access_log::Line {
            method: session.req_header().method.as_str(),
            host,
            target,
            status: session.response_written().map_or(0, |head| head.status.as_u16()),
            bytes,
            rule: &ctx.rule,
            outcome: ctx.outcome,
            took,
            request_id: ctx.request_id.to_str().unwrap_or("-"),
            failed: error.is_some(),
        };
        line.write();
    }
}

impl Edge {
    /// RFC 9111 §4.4: a success of an unsafe method drops what is stored for the GET of its URI, as far as that has the same
    /// keyed headers.
    fn invalidate_after_unsafe(&self, request: &RequestHeader, status: StatusCode, ctx: &RequestContext) {
        let succeeded = status.is_success() || status.is_redirection();
        if request.method.is_safe() || !succeeded {
            return;
        }
        let Some(target) = &ctx.target else {
            return;
        };
        let facts = RequestFacts { method: &Method::GET, target, headers: &request.headers, has_body: false };
        if let Action::Cache(plan) = self.rules.load().decide(&facts).action {
            self.engine.invalidate(&plan.settings.key.canonical(target, &request.headers).key);
        }
    }
}

fn target(head: &RequestHeader) -> Result<Target, TargetError> {
    let raw = std::str::from_utf8(head.raw_path()).map_err(|_| TargetError::Path)?;
    let mut lines = head.headers.get_all(header::HOST).iter();
    let host = match (head.uri.authority(), lines.next(), lines.next()) {
        (Some(authority), _, _) => authority.as_str(),
        (None, Some(host), None) => host.to_str().map_err(|_| TargetError::Host)?,
        (None, _, _) => return Err(TargetError::Host),
    };
    // The absolute form (RFC 9112 §3.2.2) is a proxy's; its path is what follows the authority.
    let path = if raw.starts_with('/') {
        raw
    } else {
        head.uri.path_and_query().map_or("/", |path_and_query| path_and_query.as_str())
    };
    Target::parse(Scheme::Http, host, path)
}

async fn refuse(
    session: &mut pingora::protocols::http::ServerSession,
    ctx: &RequestContext,
    error: &TargetError,
) -> pingora::Result<bool> {
    let status = match error {
        TargetError::TooLong => StatusCode::URI_TOO_LONG,
        TargetError::Host | TargetError::Path | TargetError::Query => StatusCode::BAD_REQUEST,
    };
    write_refusal(session, ctx, &Refusal::new(status, "invalid_request", error.to_string())).await?;
    Ok(true)
}

async fn write_refusal(
    session: &mut pingora::protocols::http::ServerSession,
    ctx: &RequestContext,
    refusal: &Refusal,
) -> pingora::Result<()> {
    let (fields, body) = refusal.response();
    let mut head = ResponseHeader::build(refusal.status, Some(fields.len() + 3))?;
    for (name, value) in &fields {
        head.append_header(name.clone(), value.clone())?;
    }
    head.append_header(forward::CACHE_STATUS, CacheStatus::new(ctx.outcome, &ctx.rule).value())?;
    head.insert_header(X_REQUEST_ID, ctx.request_id.clone())?;
    session.write_response_header(Box::new(head)).await?;
    session.write_response_body(body, true).await
}

/// What the client is told of an error; nothing where its connection is gone.
fn refusal_of(error: &Error) -> Option<Refusal> {
    let upstream = |status, kind, message| Some(Refusal::new(status, kind, message));
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
