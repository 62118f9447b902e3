//! A request that this edge answers itself, without Pingora: what is cached, or is to be. Here is the response as it goes onto the
//! connection: its head, and its content within the framing that the head announces (RFC 9112 §6).

use std::io;
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, StatusCode, Version, header};
use httparse::Header;
use pingora::http::{RequestHeader, ResponseHeader};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::connection::Connection;
use super::frame::Framing;
use super::lent::Lent;
use super::requests::Request;
use super::slow::{After, Back, come_back};
use crate::downstream::{Limits, OwnAnswer};
use crate::key::Scheme;

/// A request, and the connection that its response is written to.
#[derive(Debug)]
pub struct OwnSession {
    lent: Lent,
    head: Arc<RequestHeader>,
    peer: IpAddr,
    scheme: Scheme,
    keep_alive: bool,
    response: Response,
    sent: u64,
}

/// What is known of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Response {
    /// Its head is to come.
    Awaited,
    /// Its head was written.
    Head(StatusCode, Content),
    /// All of it was written.
    Ended(StatusCode),
}

/// How its content is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// So many bytes are to come.
    Length(u64),
    /// In chunks.
    Chunked,
    /// To the connection's end.
    ToTheEnd,
}

// === impl OwnSession ===

impl OwnSession {
    /// The request's head.
    pub(crate) fn head(&self) -> &RequestHeader {
        &self.head
    }

    /// The same, to be kept.
    pub(crate) fn shared_head(&self) -> Arc<RequestHeader> {
        self.head.clone()
    }

    /// The other end's address.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Whether it came in clear text or by TLS.
    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The connection ends after this response. To be called before its head is written, which says so.
    pub(crate) fn end_after(&mut self) {
        self.keep_alive = false;
    }

    /// Whether the final head was written.
    pub(crate) fn is_head_sent(&self) -> bool {
        self.response != Response::Awaited
    }

    /// The status that was sent, 0 for none; and how many bytes of content.
    pub(crate) fn sent(&self) -> (u16, u64) {
        let status = match self.response {
            Response::Awaited => 0,
            Response::Head(status, _) | Response::Ended(status) => status.as_u16(),
        };
        (status, self.sent)
    }

    /// Writes a head, interim or final. A final one is held back until content or [the end](Self::end) comes.
    pub(crate) async fn write_head(&mut self, head: &ResponseHeader) -> io::Result<()> {
        let is_final = !head.status.is_informational();
        if is_final {
            let content = self.content(head);
            self.keep_alive &= content != Content::ToTheEnd;
            self.response = Response::Head(head.status, content);
        }
        let mut bytes = Vec::with_capacity(1024);
        bytes.extend_from_slice(b"HTTP/1.1 ");
        bytes.extend_from_slice(head.status.as_str().as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(head.status.canonical_reason().unwrap_or_default().as_bytes());
        bytes.extend_from_slice(b"\r\n");
        let connection = if self.keep_alive { &b"keep-alive"[..] } else { b"close" };
        let own = is_final.then_some((header::CONNECTION.as_str(), connection));
        // What the upstream said has its own; a refusal is of now (RFC 9110 §6.6.1).
        let now = || httpdate::fmt_http_date(std::time::SystemTime::now());
        let date = (is_final && !head.headers.contains_key(header::DATE)).then(now);
        let date = date.as_ref().map(|date| (header::DATE.as_str(), date.as_bytes()));
        let given = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        for (name, value) in given.chain(date).chain(own) {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                bytes.extend_from_slice(part);
            }
        }
        bytes.extend_from_slice(b"\r\n");
        self.lent.write_all(&bytes).await?;
        if is_final { Ok(()) } else { self.flush().await }
    }

    /// How the content of a response with this head is framed (RFC 9112 §6.3).
    fn content(&self, head: &ResponseHeader) -> Content {
        let contentless = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        if contentless || self.head.method == Method::HEAD {
            return Content::Length(0);
        }
        if head.headers.contains_key(header::TRANSFER_ENCODING) {
            return Content::Chunked;
        }
        let length = head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        length.map_or(Content::ToTheEnd, Content::Length)
    }

    /// Writes a part of the content. What is more than the head announces is an error: a client would take it for the next response.
    pub(crate) async fn write(&mut self, chunk: &Bytes) -> io::Result<()> {
        let Response::Head(_, content) = &mut self.response else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if chunk.is_empty() {
            return Ok(());
        }
        match content {
            Content::Length(left) => {
                *left = left.checked_sub(chunk.len() as u64).ok_or(io::ErrorKind::InvalidData)?;
                self.lent.write_all(chunk).await?;
            }
            Content::ToTheEnd => self.lent.write_all(chunk).await?,
            Content::Chunked => {
                let size = format!("{:x}\r\n", chunk.len());
                let mut framed = Buf::chain(size.as_bytes(), chunk.clone()).chain(&b"\r\n"[..]);
                self.lent.write_all_buf(&mut framed).await?;
            }
        }
        self.sent += chunk.len() as u64;
        Ok(())
    }

    /// Ends the response; an error where its content is less than its head announced.
    pub(crate) async fn end(&mut self) -> io::Result<()> {
        let Response::Head(status, content) = self.response else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        match content {
            Content::Length(0) | Content::ToTheEnd => {}
            Content::Length(_) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Content::Chunked => self.lent.write_all(b"0\r\n\r\n").await?,
        }
        self.flush().await?;
        self.response = Response::Ended(status);
        Ok(())
    }

    /// Waits until the client has closed its half of the connection, or all of it.
    pub(crate) async fn left(&mut self) {
        // The request has no content, so that nothing but the end is read.
        let _ = self.lent.read(&mut [0]).await;
    }

    /// Writes what is held back.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        self.lent.flush().await
    }
}

/// Answers the request whose head is at the front of the buffer, where it is plain and cached.
pub(super) async fn answer(mut connection: Box<Connection>, request: Request) -> Result<After, Box<Connection>> {
    if request.framing != Framing::Length(0) || request.upgrades {
        return Err(connection);
    }
    let bytes = connection.buffer.split_to(request.length).freeze();
    let Some(head) = plain(&bytes) else {
        give_back(&mut connection, &bytes);
        return Err(connection);
    };
    if connection.buffer.is_empty() {
        connection.buffer = BytesMut::new();
    }
    let worker = connection.worker_handle();
    let back = Back::default();
    let (peer, scheme) = (connection.peer.ip(), connection.facts.scheme);
    let keep_alive = !request.is_last && !wants_close(&head);
    let lent = Lent::new(connection, &request, back.clone());
    let head = Arc::new(head);
    let mut session = OwnSession { lent, head, peer, scheme, keep_alive, response: Response::Awaited, sent: 0 };
    let answer = worker.slow.answer_own(&mut session).await;
    let is_whole = matches!(session.response, Response::Ended(_));
    let goes_on = session.keep_alive && is_whole;
    drop(session);
    if answer == OwnAnswer::NotMine {
        let Some(mut connection) = back.lock().take().map(|returned| returned.connection) else {
            return Ok(After::Gone);
        };
        give_back(&mut connection, &bytes);
        return Err(connection);
    }
    Ok(come_back(&back, goes_on, is_whole))
}

/// Puts a head before what else was received.
fn give_back(connection: &mut Connection, head: &[u8]) {
    let mut bytes = BytesMut::with_capacity(head.len() + connection.buffer.len());
    bytes.extend_from_slice(head);
    bytes.extend_from_slice(&connection.buffer);
    connection.buffer = bytes;
}

/// The head of a plain GET: nothing is asked that only the slow path knows. Its values lie in the bytes.
fn plain(bytes: &Bytes) -> Option<RequestHeader> {
    let mut fields = [const { MaybeUninit::uninit() }; Limits::MOST_FIELDS];
    let mut parsed = httparse::Request::new(&mut []);
    parsed.parse_with_uninit_headers(bytes, &mut fields).ok().filter(httparse::Status::is_complete)?;
    let (method, path) = (parsed.method?, parsed.path?);
    if method != "GET" || parsed.version != Some(1) || !path.starts_with('/') {
        return None;
    }
    let mut head = RequestHeader::build_no_case(Method::GET, path.as_bytes(), Some(parsed.headers.len())).ok()?;
    head.set_version(Version::HTTP_11);
    for Header { name, value } in &*parsed.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if [header::RANGE, header::EXPECT, header::TRAILER].contains(&name) {
            return None;
        }
        let value = if value.is_empty() { Bytes::new() } else { bytes.slice_ref(value) };
        head.append_header(name, HeaderValue::from_maybe_shared(value).ok()?).ok()?;
    }
    Some(head)
}

/// Whether the client wants the connection to end (RFC 9112 §9.6).
fn wants_close(head: &RequestHeader) -> bool {
    let lines = head.headers.get_all(header::CONNECTION).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"))
}
