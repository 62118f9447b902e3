//! The head of an HTTP/1.1 request as it stands in the connection's buffer.

use super::section::{HeadFields, HeaderSection};

/// A request's head, parsed and found well-formed.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'b> {
    /// The method, as sent.
    pub method: &'b str,
    /// The request target, as sent.
    pub target: &'b str,
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub minor_version: u8,
    /// The fields.
    pub fields: HeadFields<'b>,
}

// === impl RequestHead ===

impl<'b> RequestHead<'b> {
    /// Of what a parser found.
    pub fn new(method: &'b str, target: &'b str, minor_version: u8, section: &'b HeaderSection) -> Self {
        Self { method, target, minor_version, fields: HeadFields::new(section) }
    }
}
