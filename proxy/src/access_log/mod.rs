//! One line a request, under tracing's target `access`: switch it off with the log filter `access=off`.
//!
//! The client's address is personal data in many countries: keep the log no longer than you need it. No header, cookie or token
//! is logged. The query is, within the first [`MAX_TARGET`] bytes of the target: what must not be logged does not belong
//! in a URL, and rules cannot be understood from a log that lacks it.
//!
//! Where the log is JSON, lines are made here, as `tracing` would make them but ten times as fast, and go to
//! [the same queue](vitrine_shared::telemetry::Lines) as all others.

mod json;
pub mod metrics;

use std::cell::RefCell;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use vitrine_shared::telemetry;

use crate::reason::Outcome;

/// Most bytes of a target that are logged.
pub const MAX_TARGET: usize = 512;

/// What is said of one request.
#[derive(Clone, Copy, Debug)]
pub struct Line<'r> {
    /// The client's address, as far as trusted proxies tell it; absent where the connection has none.
    pub client: Option<IpAddr>,
    /// Its method.
    pub method: &'r str,
    /// Its host.
    pub host: &'r str,
    /// Its path and query.
    pub target: &'r str,
    /// The status of its response; 0 where none was sent.
    pub status: u16,
    /// Bytes of body sent.
    pub bytes: u64,
    /// The rule that decided.
    pub rule: &'r str,
    /// How it was answered, and why.
    pub outcome: Outcome,
    /// From its head to the end of its response.
    pub took: Duration,
    /// Its name in every log.
    pub request_id: &'r str,
    /// Whether its response was cut short.
    pub failed: bool,
}

/// Whether lines are written at all.
pub fn is_on() -> bool {
    tracing::enabled!(target: "access", tracing::Level::INFO)
}

impl Line<'_> {
    /// Writes it, where lines are written.
    pub fn write(&self) {
        thread_local! {
            static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        if !is_on() {
            return;
        }
        match telemetry::lines() {
            Some(lines) => LINE.with_borrow_mut(|line| {
                line.clear();
                json::append(self, SystemTime::now(), line);
                lines.push(line);
            }),
            None => self.trace(),
        }
    }

    fn trace(&self) {
        tracing::info!(
            target: "access",
            client = self.client.map(tracing::field::display),
            method = self.method,
            host = self.host,
            path = truncated(self.target),
            status = self.status,
            bytes = self.bytes,
            rule = self.rule,
            outcome = self.outcome.label(),
            reason = self.outcome.reason(),
            duration_us = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
            request_id = self.request_id,
            failed = self.failed,
        );
    }
}

fn truncated(text: &str) -> &str {
    let mut end = text.len().min(MAX_TARGET);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests;
