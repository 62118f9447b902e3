//! Writes answers from memory.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use h2::SendStream;
use http::{HeaderMap, Method, Response, StatusCode};
use pingora::http::ResponseHeader;
use pingora::protocols::http::v2::server::HttpSession;

use super::super::worker::Worker;
use crate::fast::FastMapAnswer;
use crate::refusal::Refusal;
use crate::store::StoredBody;

/// Writes an answer. Up to `at_once` bytes of a body are handed over whole, to be sent as the client lets them go; the pieces of a longer
/// one a task sends, one after the other.
pub(super) fn begin(worker: &Arc<Worker>, session: HttpSession, mut answer: FastMapAnswer, at_once: u64) {
    let body = answer.body.take().filter(|body| !body.is_empty());
    let Some(mut writer) = write_head(session, answer.status, std::mem::take(&mut answer.fields), body.is_none())
    else {
        return worker.fast.ended_map(answer, 0, true);
    };
    match body {
        None => worker.fast.ended_map(answer, 0, false),
        Some(body) if body.len() <= at_once => {
            let is_sent = send(&mut writer, &body).is_ok();
            worker.fast.ended_map(answer, if is_sent { body.len() } else { 0 }, !is_sent);
        }
        Some(body) => {
            let worker = worker.clone();
            tokio::spawn(async move {
                let mut sent = 0;
                let written = send_slowly(&mut writer, &body, &mut sent).await;
                worker.fast.ended_map(answer, sent, written.is_none());
            });
        }
    }
}

/// Writes a refusal, whatever of the request is still to come.
pub(super) fn refuse(session: HttpSession, refusal: &Refusal) {
    let (fields, body) = refusal.response();
    let is_head = session.req_header().method == Method::HEAD;
    if let Some(mut writer) = write_head(session, refusal.status, fields, is_head)
        && !is_head
    {
        // An error says that the stream is no more.
        let _ = writer.send_data(body, true);
    }
}

/// Writes the head; `None` where the stream is no more.
fn write_head(
    mut session: HttpSession,
    status: StatusCode,
    fields: HeaderMap,
    is_end: bool,
) -> Option<SendStream<Bytes>> {
    let (mut parts, ()) = Response::new(()).into_parts();
    (parts.status, parts.headers) = (status, fields);
    session.write_response_header(Box::new(ResponseHeader::from(parts)), is_end).ok()?;
    session.take_response_body_writer()
}

/// Hands a body over.
fn send(writer: &mut SendStream<Bytes>, body: &StoredBody) -> Result<(), h2::Error> {
    let mut chunks = body.each_chunk().peekable();
    while let Some(chunk) = chunks.next() {
        writer.send_data(chunk, chunks.peek().is_none())?;
    }
    Ok(())
}

/// Hands over what there is room for, again and again, and counts it; `None` where the stream is no more.
async fn send_slowly(writer: &mut SendStream<Bytes>, body: &StoredBody, sent: &mut u64) -> Option<()> {
    let mut chunks = body.each_chunk().peekable();
    while let Some(mut chunk) = chunks.next() {
        while !chunk.is_empty() {
            writer.reserve_capacity(chunk.len());
            let room = poll_fn(|cx| writer.poll_capacity(cx)).await?.ok()?;
            let piece = chunk.split_to(room.min(chunk.len()));
            *sent += piece.len() as u64;
            writer.send_data(piece, chunk.is_empty() && chunks.peek().is_none()).ok()?;
        }
    }
    Some(())
}
