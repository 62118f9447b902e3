//! What is counted and logged of an answer, at its end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use crate::access_log;
use crate::reason::Outcome;
use crate::service::metrics::RequestMetrics;

/// What is counted and logged of an answer.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) rule: Arc<str>,
    /// Present where the access log is on.
    pub(super) logged: Option<Box<Logged>>,
}

/// What is logged of an answer.
#[derive(Debug)]
pub(super) struct Logged {
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
        let took = self.logged.as_ref().map_or(Duration::ZERO, |logged| logged.started.elapsed());
        metrics.ended(&self.rule, Outcome::Hit, took, sent);
        if let Some(logged) = &self.logged {
            let line = access_log::Line {
                client: logged.client,
                method: logged.method.as_str(),
                host: &logged.host,
                target: &logged.target,
                status: logged.status.as_u16(),
                bytes: sent,
                rule: &self.rule,
                outcome: Outcome::Hit,
                took,
                request_id: &logged.request_id,
                failed,
            };
            line.write();
        }
    }
}
