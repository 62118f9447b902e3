//! Which requests the fast path looks at, and what they ask for.

use std::sync::LazyLock;

use http::{HeaderName, Method, Version, header};
use pingora::http::RequestHeader;

use super::head::RequestHead;
use super::section::{HeadFields, slots};
use crate::fields::{FieldLines, text};

/// Fields that ask for more than a stored response, or whose meaning is the slow path's to find out.
static NOT_PLAIN: [HeaderName; 8] = [
    header::RANGE,
    header::IF_MATCH,
    header::IF_UNMODIFIED_SINCE,
    header::EXPECT,
    header::UPGRADE,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
    header::TRAILER,
];
static NOT_PLAIN_SLOTS: LazyLock<u64> = LazyLock::new(|| slots(&NOT_PLAIN));
/// By which a client may find that it has the response already.
static CONDITIONS: [HeaderName; 2] = [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE];
static CONDITIONS_SLOTS: LazyLock<u64> = LazyLock::new(|| slots(&CONDITIONS));

/// A GET or HEAD without content, for one resource, all of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain<'r> {
    pub(super) method: &'static Method,
    /// The Host field, or the authority.
    pub(super) host: &'r str,
    /// Path and query, as sent.
    pub(super) path: &'r str,
    pub(super) fields: FieldLines<'r>,
    /// Whether there are preconditions that a cache answers.
    pub(super) is_conditional: bool,
    /// Whether the connection goes on; always so over HTTP/2.
    pub(super) keep_alive: bool,
}

impl<'r> Plain<'r> {
    /// Of an HTTP/1.1 request.
    pub(super) fn of_head(head: &RequestHead<'r>) -> Option<Self> {
        let method = match head.method {
            "GET" => &Method::GET,
            "HEAD" => &Method::HEAD,
            _ => return None,
        };
        let fields = head.fields;
        let is_plain =
            head.minor_version == 1 && head.target.starts_with('/') && !fields.has_any(&NOT_PLAIN, *NOT_PLAIN_SLOTS);
        if !is_plain {
            return None;
        }
        let is_conditional = fields.has_any(&CONDITIONS, *CONDITIONS_SLOTS);
        let keep_alive = keep_alive(fields)?;
        let fields = FieldLines::Head(fields);
        let host = fields.get_one(&header::HOST).and_then(text)?;
        Some(Self { method, host, path: head.target, fields, is_conditional, keep_alive })
    }

    /// Of an HTTP/2 request without content.
    pub(super) fn of_map(head: &'r RequestHeader) -> Option<Self> {
        let method = match head.method {
            Method::GET => &Method::GET,
            Method::HEAD => &Method::HEAD,
            _ => return None,
        };
        let fields = FieldLines::Map(&head.headers);
        let is_plain = head.version == Version::HTTP_2
            && !NOT_PLAIN.iter().any(|name| fields.contains(name))
            && !fields.contains(&header::HOST);
        if !is_plain {
            return None;
        }
        let is_conditional = CONDITIONS.iter().any(|name| fields.contains(name));
        let host = head.uri.authority()?.as_str();
        let path = std::str::from_utf8(head.raw_path()).ok().filter(|path| path.starts_with('/'))?;
        Some(Self { method, host, path, fields, is_conditional, keep_alive: true })
    }
}

/// Whether the client keeps the connection; `None` where it says anything else of it (RFC 9112 §9.3).
fn keep_alive(fields: HeadFields<'_>) -> Option<bool> {
    let mut lines = fields.lines(&header::CONNECTION);
    match (lines.next(), lines.next()) {
        (None, _) => Some(true),
        (Some(line), None) if line.eq_ignore_ascii_case(b"keep-alive") => Some(true),
        (Some(line), None) if line.eq_ignore_ascii_case(b"close") => Some(false),
        _ => None,
    }
}
