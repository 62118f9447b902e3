//! Who is answered: a session of Pingora's, or a connection that this edge answers itself.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Version};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::protocols::http::{HttpTask, ServerSession};
use pingora::{Error, ErrorType};

use super::limits::{WRITE_PIECE, WRITE_TIMEOUT};
use crate::downstream::{OwnSession, keep_date};
use crate::key::Scheme;

/// A client, and its request.
pub(super) enum Recipient<'c> {
    /// Over HTTP/2, and over HTTP/1 where it is passed or not plain.
    Pingora(&'c mut ServerSession),
    /// Over HTTP/1.1.
    Own(&'c mut OwnSession),
}

// === impl Recipient ===

impl Recipient<'_> {
    /// Its request.
    pub(super) fn head(&self) -> &RequestHeader {
        match self {
            Self::Pingora(session) => session.req_header(),
            Self::Own(session) => session.head(),
        }
    }

    /// Whether it came in clear text or by TLS.
    pub(super) fn scheme(&self) -> Scheme {
        match self {
            Self::Pingora(session) if session.digest().is_some_and(|digest| digest.ssl_digest.is_some()) => {
                Scheme::Https
            }
            Self::Pingora(_) => Scheme::Http,
            Self::Own(session) => session.scheme(),
        }
    }

    /// Its request, to be kept while the client is written to.
    pub(super) fn shared_head(&self) -> Arc<RequestHeader> {
        match self {
            Self::Pingora(session) => Arc::new(session.req_header().clone()),
            Self::Own(session) => session.shared_head(),
        }
    }

    pub(super) fn version(&self) -> Version {
        self.head().version
    }

    pub(super) fn is_head(&self) -> bool {
        self.head().method == Method::HEAD
    }

    /// Whether the request has content, where its fields do not tell: in HTTP/2 they need not.
    pub(super) fn has_content(&mut self) -> Option<bool> {
        match self {
            Self::Pingora(session) => session.is_http2().then(|| !session.is_body_empty()),
            Self::Own(_) => Some(false),
        }
    }

    /// Whether the request can be passed from here; else it begins anew as one of Pingora's.
    pub(super) fn can_be_passed(&self) -> bool {
        matches!(self, Self::Pingora(_))
    }

    /// The connection ends after the response, whose head is to say so.
    pub(super) fn end_after(&mut self) {
        match self {
            Self::Pingora(session) => session.set_keepalive(None),
            Self::Own(session) => session.end_after(),
        }
    }

    /// Writes a head, interim or final. Pingora adds Connection, and overwrites Date with its own clock, which [`keep_date`] makes good.
    pub(super) async fn write_head(&mut self, head: ResponseHeader, date: Option<&HeaderValue>) -> pingora::Result<()> {
        match self {
            Self::Pingora(session) => {
                keep_date(session, date);
                session.write_response_header(Box::new(head)).await.map_err(Error::into_down)
            }
            Self::Own(session) => session.write_head(&head).await.map_err(gone),
        }
    }

    /// Writes a part of the content.
    pub(super) async fn write(&mut self, chunk: &Bytes) -> pingora::Result<()> {
        match self {
            Self::Pingora(session) => {
                let most = if session.is_http2() { WRITE_PIECE } else { usize::MAX };
                let mut rest = chunk.clone();
                while !rest.is_empty() {
                    let piece = rest.split_to(rest.len().min(most));
                    session.write_response_body(piece, false).await.map_err(Error::into_down)?;
                }
                Ok(())
            }
            Self::Own(session) => session.write(chunk).await.map_err(gone),
        }
    }

    /// Ends the content.
    pub(super) async fn end(&mut self) -> pingora::Result<()> {
        match self {
            Self::Pingora(session) => session.write_response_body(Bytes::new(), true).await.map_err(Error::into_down),
            Self::Own(session) => session.end().await.map_err(gone),
        }
    }

    /// Waits for something on behalf of the client; an error as soon as it leaves, so that who left holds neither a connection nor a place
    /// in a body.
    ///
    /// Over HTTP/1.1 a client has left that resets the connection, or closes its half of it: that it still reads cannot be known, and
    /// waiting for it would let strangers hold connections that they have closed.
    pub(super) async fn while_there<T>(&mut self, waited: impl Future<Output = T>) -> pingora::Result<T> {
        tokio::select! {
            biased;
            done = waited => Ok(done),
            () = self.left() => {
                let message = "the client left while an upstream was waited for";
                Err(Error::explain(ErrorType::ConnectionClosed, message).into_down())
            }
        }
    }

    /// Waits until the client leaves.
    async fn left(&mut self) {
        match self {
            Self::Pingora(session) => drop(session.read_body_or_idle(true).await),
            Self::Own(session) => session.left().await,
        }
    }

    /// Sends what is held back until more comes.
    ///
    /// Pingora keeps up to 1,460 bytes of a response with a known length, the head among them, until more or the end comes, which from a slow
    /// upstream may be long. It offers no flush by itself, but its handling of a failed exchange is one: it writes out what it has and
    /// hands the error back, without a change to the session.
    pub(super) async fn flush(&mut self) -> pingora::Result<()> {
        const FLUSHED: ErrorType = ErrorType::Custom("Flushed");
        let session = match self {
            Self::Pingora(session) => session,
            Self::Own(session) => return session.flush().await.map_err(gone),
        };
        let tasks = vec![HttpTask::Body(None, false), HttpTask::Failed(Error::new(FLUSHED))];
        match tokio::time::timeout(WRITE_TIMEOUT, session.response_duplex_vec(tasks)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if *error.etype() == FLUSHED => Ok(()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::explain(ErrorType::WriteTimedout, "flushing a response").into_down()),
        }
    }
}

/// The client has left, or takes the response too slowly.
#[expect(clippy::unnecessary_box_returns, reason = "Pingora's results hold boxed errors")]
fn gone(error: std::io::Error) -> Box<Error> {
    Error::because(ErrorType::WriteError, "writing a response", error).into_down()
}
