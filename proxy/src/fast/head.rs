//! The head of an HTTP/1.1 request as it stands in the connection's buffer.

use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::Header;

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

/// The fields of a head, found by name.
#[derive(Clone, Copy, Debug)]
pub struct HeadFields<'b> {
    fields: &'b [Header<'b>],
    /// Which [slots](slot) there are fields of: most names that are asked for are absent.
    slots: u64,
}

/// The values of the lines of one field.
#[derive(Debug)]
pub struct HeadLines<'b, 'n> {
    fields: &'b [Header<'b>],
    name: &'n [u8],
}

// === impl RequestHead ===

impl<'b> RequestHead<'b> {
    /// Of what a parser found.
    pub fn new(method: &'b str, target: &'b str, minor_version: u8, fields: &'b [Header<'b>]) -> Self {
        Self { method, target, minor_version, fields: HeadFields::new(fields) }
    }
}

// === impl HeadFields ===

impl<'b> HeadFields<'b> {
    /// Of what a parser found.
    pub fn new(fields: &'b [Header<'b>]) -> Self {
        let slots = fields.iter().fold(0, |slots, field| slots | slot(field.name.as_bytes()));
        Self { fields, slots }
    }

    /// Whether one of these is there.
    pub(super) fn has_any(&self, names: &[HeaderName], slots: u64) -> bool {
        self.slots & slots != 0 && names.iter().any(|name| self.lines(name).next().is_some())
    }

    /// The same in a map. Allocates.
    pub(crate) fn to_map(self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.fields.len());
        for field in self.fields {
            // The parser takes no others.
            let name = HeaderName::from_bytes(field.name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(field.value)) {
                map.append(name, value);
            }
        }
        map
    }

    /// The values of all lines of a field, in their order.
    pub fn lines<'n>(&self, name: &'n HeaderName) -> HeadLines<'b, 'n> {
        let name = name.as_str().as_bytes();
        let fields = if self.slots & slot(name) == 0 { &[][..] } else { self.fields };
        HeadLines { fields, name }
    }
}

// === impl HeadLines ===

impl HeadLines<'_, '_> {
    fn is_named(&self, field: &Header<'_>) -> bool {
        field.name.as_bytes().eq_ignore_ascii_case(self.name)
    }
}

impl<'b> Iterator for HeadLines<'b, '_> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let at = self.fields.iter().position(|field| self.is_named(field))?;
        let value = self.fields[at].value;
        self.fields = &self.fields[at + 1..];
        Some(value)
    }
}

impl DoubleEndedIterator for HeadLines<'_, '_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let at = self.fields.iter().rposition(|field| self.is_named(field))?;
        let value = self.fields[at].value;
        self.fields = &self.fields[..at];
        Some(value)
    }
}

/// The [slots](slot) of several names.
pub(super) fn slots(names: &[HeaderName]) -> u64 {
    names.iter().fold(0, |slots, name| slots | slot(name.as_str().as_bytes()))
}

/// One of 64 bits for a name, by its length and its ends; the same for any case of its letters.
fn slot(name: &[u8]) -> u64 {
    let first = name.first().map_or(0, |byte| byte & 0x1f);
    let last = name.last().map_or(0, |byte| byte & 0x1f);
    1 << ((usize::from(first) ^ (usize::from(last) << 1) ^ name.len().wrapping_mul(7)) & 63)
}
