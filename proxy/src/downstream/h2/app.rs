//! One connection's requests.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use pingora::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream};
use pingora::http::ResponseHeader;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::{H2Options, HttpSession, default_h2_options};
use pingora::server::ShutdownWatch;

use super::super::connection::Connection;
use super::super::worker::Worker;
use super::Windows;
use crate::downstream::Limits;
use crate::fast::{ConnectionFacts, FastMapAnswer};

/// Fewest and most bytes of a response that wait in a stream to be sent.
const LEAST_UNSENT: u32 = 8 << 10;
const MOST_UNSENT: u32 = 256 << 10;

/// Answers a connection's requests, from memory or by the slow path.
pub(super) struct App {
    worker: Arc<Worker>,
    facts: ConnectionFacts,
    limits: Arc<Limits>,
    options: HttpServerOptions,
}

// === impl App ===

impl App {
    pub(super) fn new(connection: &Connection) -> Self {
        let mut options = HttpServerOptions::default();
        options.h2_idle_timeout = Some(connection.limits.idle_timeout);
        Self { worker: connection.worker_handle(), facts: connection.facts, limits: connection.limits.clone(), options }
    }

    /// Answers from memory; false where the slow path is to.
    async fn answer_fast(&self, session: &mut HttpSession) -> bool {
        if !session.is_body_empty() {
            return false;
        }
        let Some(mut answer) = self.worker.fast.answer_map(session.req_header(), &self.facts) else {
            return false;
        };
        let mut sent = 0;
        let written = write(session, &mut answer, &mut sent).await;
        self.worker.fast.ended_map(answer, sent, written.is_err());
        true
    }
}

/// Writes an answer, and counts the bytes of its body that were taken.
async fn write(session: &mut HttpSession, answer: &mut FastMapAnswer, sent: &mut u64) -> pingora::Result<()> {
    let (mut parts, ()) = Response::new(()).into_parts();
    (parts.status, parts.headers) = (answer.status, std::mem::take(&mut answer.fields));
    let chunks = answer.body.as_ref().map(|body| body.chunks());
    let chunks: &[Bytes] = chunks.as_deref().unwrap_or_default();
    session.write_response_header(Box::new(ResponseHeader::from(parts)), chunks.is_empty())?;
    for (index, chunk) in chunks.iter().enumerate() {
        session.write_body(chunk.clone(), index + 1 == chunks.len()).await?;
        *sent += chunk.len() as u64;
    }
    Ok(())
}

#[async_trait]
impl HttpServerApp for App {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        stop: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        if let ServerSession::H2(session) = &mut session
            && self.answer_fast(session).await
        {
            return None;
        }
        self.worker.slow.answer(session, stop).await;
        None
    }

    fn h2_options(&self) -> Option<H2Options> {
        let limits = self.limits.h2;
        let windows = Windows::of(&limits);
        let unsent = (windows.connection / limits.streams.max(1)).clamp(LEAST_UNSENT, MOST_UNSENT);
        let mut options = default_h2_options();
        options
            .max_header_list_size(u32::try_from(self.limits.head).unwrap_or(u32::MAX))
            .max_concurrent_streams(limits.streams)
            .initial_connection_window_size(windows.connection)
            .initial_window_size(windows.stream)
            .max_send_buffer_size(unsent as usize)
            .max_concurrent_reset_streams(limits.streams as usize)
            .max_local_error_reset_streams(Some(limits.resets as usize));
        Some(options)
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        Some(&self.options)
    }
}
