//! The way of a passed request to its upstream.

use std::sync::Arc;

use http::{StatusCode, header};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType};

use crate::key::Target;
use crate::rules::RequestFacts;
use crate::upstream::{Affinity, Attempt, Attempts, MAX_INTERIM, Pools, Upstream, is_failure, peer, settle};

/// How often a passed request may be tried: again on a closed pooled connection, or at another address.
pub(super) const MAX_TRIES: usize = 8;
/// The response said that the address is at fault, and another one is asked.
const OTHER_ADDRESS: ErrorType = ErrorType::Custom("OtherAddress");

/// Which address is asked, and which ones were.
#[derive(Debug)]
pub(super) struct Route {
    upstream: Arc<Upstream>,
    attempts: Option<Attempts>,
    /// Under way from the choice of the address to the request's end.
    attempt: Option<Attempt>,
    /// Whether a request that the upstream may have seen can be sent again: its method is safe, it has no content, and it is no
    /// upgrade.
    repeatable: bool,
    tries: usize,
    /// Interim responses to this try.
    interim: usize,
}

impl Route {
    /// A route on which nothing was asked yet.
    pub(super) fn to(upstream: Arc<Upstream>, facts: &RequestFacts<'_>) -> Self {
        let repeatable = facts.method.is_safe() && !facts.has_body && !facts.headers.contains(&header::UPGRADE);
        Self { upstream, attempts: None, attempt: None, repeatable, tries: 0, interim: 0 }
    }

    /// Who is asked.
    pub(super) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// The address to try now: the one that is under way, where only its connection had been closed, or the next one.
    pub(super) async fn peer(&mut self, pools: &Pools, target: &Target<'_>) -> pingora::Result<Box<HttpPeer>> {
        let attempts = self.attempts.get_or_insert_with(|| {
            let affinity = Affinity::of(target.host(), &target.passed());
            pools.of(&self.upstream).attempts(self.upstream.clone(), affinity)
        });
        self.tries += 1;
        self.interim = 0;
        if self.attempt.is_none() {
            self.attempt = attempts.next().await;
        }
        let attempt = self.attempt.as_ref().ok_or_else(|| {
            let message = format!("no address of upstream `{}` is left", self.upstream.name);
            Error::explain(ErrorType::ConnectNoRoute, message).into_up()
        })?;
        let host = self.upstream.host.as_deref().unwrap_or(target.host());
        Ok(Box::new(peer(attempt.address(), &self.upstream, host)))
    }

    /// No connection could be made. Nothing was sent, so every method goes on to the next address; false where there is none.
    pub(super) fn not_connected(&mut self, error: &Error) -> bool {
        if let Some(attempt) = self.attempt.take() {
            attempt.failed(error.etype().as_str());
        }
        self.attempts.as_ref().is_some_and(Attempts::has_next)
    }

    /// The head of a response came. An error where it cannot be used, or is not, since another address is asked.
    pub(super) fn answered(&mut self, session: &Session, head: &mut ResponseHeader) -> pingora::Result<()> {
        let upgrades = session.req_header().headers.contains_key(header::UPGRADE);
        settle(head, upgrades)
            .map_err(|error| Error::because(ErrorType::InvalidHTTPHeader, "a head", error).into_up())?;
        let status = head.status;
        if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
            self.interim += 1;
            if self.interim >= MAX_INTERIM {
                return Err(Error::explain(ErrorType::InvalidHTTPHeader, "too many interim responses").into_up());
            }
            return Ok(());
        }
        let Some(attempt) = &self.attempt else {
            return Ok(());
        };
        attempt.answered(status);
        if is_failure(status) && self.may_retry(session) {
            self.attempt = None;
            let mut error = Error::new(OTHER_ADDRESS).into_up();
            error.set_retry(true);
            return Err(error);
        }
        Ok(())
    }

    /// It failed after a connection was made. Decides whether it is asked again: a safe request on a pooled connection that
    /// had been closed, or at another address.
    pub(super) fn failed(&mut self, session: &Session, error: &mut Error, reused: bool) {
        if *error.etype() == OTHER_ADDRESS {
            return;
        }
        let of_upstream = *error.esource() == ErrorSource::Upstream && !head_is_sent(session);
        error.retry.decide_reuse(reused);
        error.set_retry(error.retry() && of_upstream && self.repeatable);
        if error.retry() || !of_upstream {
            return;
        }
        if let Some(attempt) = &self.attempt {
            attempt.failed(error.etype().as_str());
        }
        let timed_out = matches!(error.etype(), ErrorType::ReadTimedout | ErrorType::WriteTimedout);
        if !timed_out && self.may_retry(session) {
            self.attempt = None;
            error.set_retry(true);
        }
    }

    fn may_retry(&mut self, session: &Session) -> bool {
        let may = self.repeatable && self.tries < MAX_TRIES && !head_is_sent(session);
        may && self.attempts.as_mut().is_some_and(Attempts::may_retry)
    }
}

/// Whether the client has the head of its final response, or has switched protocols.
pub(super) fn head_is_sent(session: &Session) -> bool {
    let is_final = |status: StatusCode| !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS;
    session.response_written().is_some_and(|head| is_final(head.status))
}
