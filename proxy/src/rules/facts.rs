//! What the rules may look at.

use http::{Method, header};

use crate::fields::FieldLines;
use crate::key::Target;

/// One request, as far as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'r> {
    /// Its method.
    pub method: &'r Method,
    /// Its target in normal form.
    pub target: &'r Target<'r>,
    /// Its header fields, as the client sent them.
    pub headers: FieldLines<'r>,
    /// Whether it carries content.
    pub has_body: bool,
}

impl<'r> RequestFacts<'r> {
    /// Facts of an HTTP/1.1 request, where fields tell whether there is content (RFC 9112 §6.3).
    ///
    /// In HTTP/2 content may come without either field: set [`RequestFacts::has_body`] from the stream's end.
    pub fn new(method: &'r Method, target: &'r Target<'r>, headers: impl Into<FieldLines<'r>>) -> Self {
        let headers = headers.into();
        let length_is_zero = headers.get_all(&header::CONTENT_LENGTH).all(|line| line.trim_ascii() == b"0");
        let has_body = headers.contains(&header::TRANSFER_ENCODING) || !length_is_zero;
        Self { method, target, headers, has_body }
    }
}
