//! What is counted and logged of an answer, at its end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{Method, StatusCode};

use crate::access_log;
use crate::reason::Outcome;
use crate::service::metrics::{RequestMetrics, RuleId};

/// What is counted and logged of an answer.
#[derive(Debug)]
pub(super) struct Told {
    /// The thread that answers.
    pub(super) worker: usize,
    /// The number under which its rule is counted.
    pub(super) counted: RuleId,
    /// Present where it is one of those that are timed.
    pub(super) begun: Option<Instant>,
    /// Present where the access log is on.
    pub(super) logged: Option<Box<Logged>>,
}

/// What is logged of an answer.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) rule: Arc<str>,
    pub(super) client: Option<IpAddr>,
    pub(super) method: &'static Method,
    pub(super) host: Box<str>,
    pub(super) target: Box<str>,
    pub(super) status: StatusCode,
    pub(super) request_id: Box<str>,
    pub(super) started: Instant,
}

impl Told {
    pub(super) fn end(self, metrics: &RequestMetrics, sent: u64, failed: bool) {
        metrics.ended_fast(self.worker, self.counted, Outcome::Hit, sent, self.begun);
        if let Some(logged) = &self.logged {
            let line = access_log::Line {
                client: logged.client,
                method: logged.method.as_str(),
                host: &logged.host,
                target: &logged.target,
                status: logged.status.as_u16(),
                bytes: sent,
                rule: &logged.rule,
                outcome: Outcome::Hit,
                took: logged.started.elapsed(),
                request_id: &logged.request_id,
                failed,
            };
            line.write();
        }
    }
}
