//! Writing an answer to the client.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use pingora::http::ResponseHeader;
use pingora::{Error, ErrorType};
use vitrine_shared::headers::X_REQUEST_ID;

use super::recipient::Recipient;
use crate::engine::{Answer, Content};
use crate::fill::body::Reader;
use crate::policy::ByteRange;
use crate::represent::Unpacking;

/// The error with which a response that cannot be completed ends; the client's connection is then cut, never ended cleanly.
pub(super) const CUT_SHORT: ErrorType = ErrorType::Custom("ResponseCutShort");

/// Most bytes of a content without a length that are held back, for a client of HTTP/1.0, until its length is known. What is
/// longer goes on without one.
const HELD: usize = 1024 * 1024;

/// Writes head and content.
pub(super) async fn write(client: &mut Recipient<'_>, answer: Answer, request_id: &HeaderValue) -> pingora::Result<()> {
    let contentless = matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let bodiless = contentless || client.is_head();
    let version = client.version();
    let mut head = head_of(answer.status, answer.fields);
    head.insert_header(X_REQUEST_ID, request_id.clone())?;
    let growing = matches!(answer.content, Content::Growing(_) | Content::Part { .. } | Content::Unpacking(_));
    // RFC 9112 §6.1, RFC 9110 §8.6: a client would take what frames no content for the beginning of the next response.
    if answer.status == StatusCode::NO_CONTENT {
        head.remove_header(&header::CONTENT_LENGTH);
    }
    let mut content = answer.content;
    let mut held = Vec::new();
    if growing && !contentless && !head.headers.contains_key(header::CONTENT_LENGTH) {
        if version == Version::HTTP_11 {
            head.insert_header(header::TRANSFER_ENCODING, "chunked")?;
        } else if version < Version::HTTP_11 && !bodiless {
            let (chunks, is_all) = client.while_there(Box::pin(hold(&mut content))).await??;
            if is_all {
                let length: usize = chunks.iter().map(Bytes::len).sum();
                head.insert_header(header::CONTENT_LENGTH, length)?;
                content = Content::None;
            } else {
                client.end_after();
            }
            held = chunks;
        }
    }
    let date = head.headers.get(header::DATE).cloned();
    client.write_head(head, date.as_ref()).await?;
    if bodiless {
        return client.end().await;
    }
    for chunk in &held {
        client.write(chunk).await?;
    }
    match content {
        Content::None => {}
        Content::Whole(chunks) => {
            for chunk in chunks.iter() {
                client.write(chunk).await?;
            }
        }
        Content::Growing(reader) => write_growing(client, reader, ByteRange { start: 0, end: u64::MAX }).await?,
        Content::Unpacking(unpacking) => Box::pin(write_unpacking(client, *unpacking)).await?,
        Content::Part { reader, range } => write_growing(client, reader, range).await?,
    }
    client.end().await
}

/// A head of these fields. Without a spelling of names beside the map: they are written in lower case.
fn head_of(status: StatusCode, fields: HeaderMap) -> ResponseHeader {
    let (mut parts, ()) = http::Response::new(()).into_parts();
    (parts.status, parts.headers) = (status, fields);
    ResponseHeader::from(parts)
}

/// Takes what comes of a content whose length nobody knows, up to [`HELD`] bytes, and tells whether that is all.
///
/// A client of HTTP/1.0 knows no chunks and takes the end of the connection for the end of the content (RFC 9112 §6.3), so that one
/// that is cut short would look whole to it.
async fn hold(content: &mut Content) -> pingora::Result<(Vec<Bytes>, bool)> {
    let mut chunks = Vec::new();
    let mut size = 0;
    while size <= HELD {
        let cut = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::because(CUT_SHORT, "the response cannot be completed", error)
        };
        let next = match content {
            Content::Growing(reader) => reader.next().await.map_err(|error| cut(error.into()))?,
            Content::Unpacking(unpacking) => unpacking.next().await.map_err(|error| cut(error.into()))?,
            _ => return Ok((chunks, false)),
        };
        let Some(chunk) = next else {
            return Ok((chunks, true));
        };
        size += chunk.len();
        chunks.push(chunk);
    }
    Ok((chunks, false))
}

/// Writes, of what comes, the bytes in `range`, and waits for no more than those.
async fn write_growing(client: &mut Recipient<'_>, mut reader: Reader, range: ByteRange) -> pingora::Result<()> {
    let mut at = 0u64;
    while at < range.end {
        let next = if reader.is_ready() {
            reader.next().await
        } else {
            client.flush().await?;
            client.while_there(reader.next()).await?
        };
        match next {
            Ok(Some(chunk)) => {
                let end = at + chunk.len() as u64;
                if end > range.start {
                    // Both lie within the chunk, so they fit.
                    let from = usize::try_from(range.start.saturating_sub(at)).unwrap_or(0);
                    let to = usize::try_from(range.end.min(end) - at).unwrap_or(chunk.len());
                    client.write(&chunk.slice(from..to)).await?;
                }
                at = end;
            }
            Ok(None) => break,
            Err(error) => return Err(Error::because(CUT_SHORT, "the response cannot be completed", error)),
        }
    }
    Ok(())
}

/// Writes what comes as it is decoded.
async fn write_unpacking(client: &mut Recipient<'_>, mut unpacking: Unpacking) -> pingora::Result<()> {
    loop {
        let next = if unpacking.is_ready() {
            unpacking.next().await
        } else {
            client.flush().await?;
            client.while_there(unpacking.next()).await?
        };
        match next {
            Ok(Some(piece)) => client.write(&piece).await?,
            Ok(None) => return Ok(()),
            Err(error) => return Err(Error::because(CUT_SHORT, "the response cannot be decoded to its end", error)),
        }
    }
}
