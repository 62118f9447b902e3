//! The fast path: a plain request whose answer is fresh in memory is answered without Pingora, and without allocating.
//!
//! It makes every decision with the functions of the slow path. What it cannot decide cheaply it leaves to that: `None` is always a
//! right answer here.

mod decide;
mod head;
mod plain;
mod section;
mod template;
mod templates;
mod told;
mod workspace;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, StatusCode};
use pingora::http::RequestHeader;

pub use head::RequestHead;
use plain::Plain;
pub use section::{HeadFields, HeadLines, HeaderSection};
use template::Wire;
use told::Told;

use crate::engine::Engine;
use crate::key::Scheme;
use crate::reload::Current;
use crate::service::metrics::RequestMetrics;
use crate::store::StoredBody;

const KEEP_ALIVE: &[u8] = b"connection: keep-alive\r\n\r\n";
const CLOSE: &[u8] = b"connection: close\r\n\r\n";

/// Answers what is fresh in memory. One for the process; what a thread needs for itself it keeps by thread.
#[derive(Debug)]
pub struct FastPath {
    /// Its number in this process: threads keep apart by it what they keep for it.
    id: u64,
    engine: Arc<Engine>,
    current: Current,
    metrics: RequestMetrics,
}

/// What is known of the connection that a request came by.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionFacts {
    /// The other end's address.
    pub peer: Option<IpAddr>,
    /// By TLS or in clear text.
    pub scheme: Scheme,
    /// The worker thread, counted from zero: counters are kept by worker.
    pub worker: usize,
    /// Whether the connection ends after this request, so that the answer's head has to say so.
    pub last: bool,
}

/// An answer over HTTP/1.1: its head is in the buffer that was given, its body is here.
#[derive(Debug)]
pub struct FastAnswer {
    /// The content; `None` where the response has none (HEAD, 304).
    pub body: Option<StoredBody>,
    /// Whether the connection goes on after it; the head says the same.
    pub keep_alive: bool,
    told: Told,
}

/// An answer over HTTP/2.
#[derive(Debug)]
pub struct FastMapAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, Content-Length among them.
    pub fields: HeaderMap,
    /// The content; `None` where the response has none (HEAD, 304).
    pub body: Option<StoredBody>,
    told: Told,
}

impl FastPath {
    /// A fast path over an engine, by the rules in force.
    pub fn new(engine: Arc<Engine>, current: Current, metrics: RequestMetrics) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), engine, current, metrics }
    }

    /// The answer to an HTTP/1.1 request whose head is whole; its head is appended to `out`. `None`, with `out` untouched, where the
    /// slow path is to answer.
    pub fn answer(&self, head: &RequestHead<'_>, from: &ConnectionFacts, out: &mut Vec<u8>) -> Option<FastAnswer> {
        let mut request = Plain::of_head(head)?;
        request.keep_alive &= !from.last;
        workspace::with(self, |work| {
            work.answer(self, &request, from, Wire::Text, |hit, filling| {
                hit.template.write(filling, out);
                out.extend_from_slice(if request.keep_alive { KEEP_ALIVE } else { CLOSE });
            })
        })
        .map(|(body, told, ())| FastAnswer { body, keep_alive: request.keep_alive, told })
    }

    /// The answer to an HTTP/2 request that has no content; `None` where the slow path is to answer.
    pub fn answer_map(&self, head: &RequestHeader, from: &ConnectionFacts) -> Option<FastMapAnswer> {
        let request = Plain::of_map(head)?;
        workspace::with(self, |work| {
            work.answer(self, &request, from, Wire::Fields, |hit, filling| {
                (hit.template.status(), hit.template.fields(filling))
            })
        })
        .map(|(body, told, (status, fields))| FastMapAnswer { status, fields, body, told })
    }

    /// Counts and logs an answer over HTTP/1.1 whose writing has ended: `sent` bytes of its body went out; `failed` where that is not
    /// all.
    pub fn ended(&self, answer: FastAnswer, sent: u64, failed: bool) {
        answer.told.end(&self.metrics, sent, failed);
    }

    /// As [`FastPath::ended`], of an answer over HTTP/2.
    pub fn ended_map(&self, answer: FastMapAnswer, sent: u64, failed: bool) {
        answer.told.end(&self.metrics, sent, failed);
    }
}
