//! The fast path: a plain request whose answer is fresh in memory is answered without Pingora, and without allocating.
//!
//! It makes every decision with the functions of the slow path. What it cannot decide cheaply it leaves to that: `None` is always a
//! right answer here.

mod head;

use std::net::IpAddr;
use std::sync::Arc;

pub use head::{HeadFields, HeadLines, RequestHead};

use crate::engine::Engine;
use crate::key::Scheme;
use crate::reload::Current;
use crate::store::StoredBody;

/// Answers what is fresh in memory. One for the process; what a thread needs for itself it keeps by thread.
#[derive(Debug)]
pub struct FastPath {
    engine: Arc<Engine>,
    current: Current,
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
}

/// An answer that is to be written: first the head, which was put into the buffer given, then the body.
#[derive(Debug)]
pub struct FastAnswer {
    /// The content; `None` where the response has none (HEAD, 304).
    pub body: Option<StoredBody>,
    /// Whether the connection goes on after it; the head says the same.
    pub keep_alive: bool,
}

impl FastPath {
    /// A fast path over an engine, by the rules in force.
    pub fn new(engine: Arc<Engine>, current: Current) -> Self {
        Self { engine, current }
    }

    /// The answer to a request whose head is whole; its head is appended to `out`. `None`, with `out` untouched, where the slow path
    /// is to answer.
    pub fn answer(&self, head: &RequestHead<'_>, from: &ConnectionFacts, out: &mut Vec<u8>) -> Option<FastAnswer> {
        let _ = (&self.engine, &self.current, head, from, out);
        None
    }

    /// Counts and logs an answer whose writing has ended: `sent` bytes of its body went out; `failed` where that is not all.
    pub fn ended(&self, answer: FastAnswer, sent: u64, failed: bool) {
        let _ = (answer, sent, failed);
    }
}
