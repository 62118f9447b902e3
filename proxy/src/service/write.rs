//! Writing an answer to the client.

use bytes::Bytes;
use http::{HeaderValue, Method, Version, header};
use pingora::http::ResponseHeader;
use pingora::protocols::http::{HttpTask, ServerSession};
use pingora::{Error, ErrorType};
use vitrine_shared::headers::X_REQUEST_ID;

use super::limits::{WRITE_PIECE, WRITE_TIMEOUT};
use crate::engine::{Answer, Content};

/// The error with which a response that cannot be completed ends; the client's connection is then cut, never ended cleanly.
pub(super) const CUT_SHORT: ErrorType = ErrorType::Custom("ResponseCutShort");

/// Writes head and content.
///
/// Pingora overwrites Date with its own clock and adds Connection (its HTTP/1 writer offers no way around that); Age is right
/// all the same, since clients add the time since they received it (RFC 9111 §4.2.3).
pub(super) async fn write(
    session: &mut ServerSession,
    answer: Answer,
    request_id: &HeaderValue,
) -> pingora::Result<()> {
    let bodiless = session.req_header().method == Method::HEAD;
    let version = session.req_header().version;
    let mut head = ResponseHeader::build(answer.status, Some(answer.fields.len() + 3))?;
    for (name, value) in &answer.fields {
        head.append_header(name.clone(), value.clone())?;
    }
    head.insert_header(X_REQUEST_ID, request_id.clone())?;
    let growing = matches!(answer.content, Content::Growing(_));
    if growing && !answer.fields.contains_key(header::CONTENT_LENGTH) && version == Version::HTTP_11 {
        head.insert_header(header::TRANSFER_ENCODING, "chunked")?;
    }
    session.write_response_header(Box::new(head)).await?;
    if bodiless {
        return session.write_response_body(Bytes::new(), true).await;
    }
    match answer.content {
        Content::None => {}
        Content::Whole(chunks) => {
            for chunk in chunks.iter() {
                write_chunk(session, chunk).await?;
            }
        }
        Content::Growing(mut reader) => loop {
            if !reader.is_ready() {
                flush(session).await?;
            }
            match reader.next().await {
                Ok(Some(chunk)) => write_chunk(session, &chunk).await?,
                Ok(None) => break,
                Err(error) => return Err(Error::because(CUT_SHORT, "the response cannot be completed", error)),
            }
        },
    }
    session.write_response_body(Bytes::new(), true).await
}

async fn write_chunk(session: &mut ServerSession, chunk: &Bytes) -> pingora::Result<()> {
    let mut rest = chunk.clone();
    while !rest.is_empty() {
        let piece = rest.split_to(rest.len().min(WRITE_PIECE));
        session.write_response_body(piece, false).await?;
    }
    Ok(())
}

/// Sends what Pingora holds back: of a response with a known length it keeps up to 1,460 bytes, the head among them, until
/// more or the end comes, which from a slow upstream may be long.
///
/// Pingora offers no flush by itself, but its handling of a failed exchange is one: it writes out what it has and hands the
/// error back, without a change to the session.
async fn flush(session: &mut ServerSession) -> pingora::Result<()> {
    const FLUSHED: ErrorType = ErrorType::Custom("Flushed");
    let tasks = vec![HttpTask::Body(None, false), HttpTask::Failed(Error::new(FLUSHED))];
    match tokio::time::timeout(WRITE_TIMEOUT, session.response_duplex_vec(tasks)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if *error.etype() == FLUSHED => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Error::explain(ErrorType::WriteTimedout, "flushing a response").into_down()),
    }
}
