//! The head of an HTTP/1.1 request as it stands in the connection's buffer.

use http::HeaderName;
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

    /// The values of all lines of a field, in their order.
    pub fn lines<'n>(&self, name: &'n HeaderName) -> impl Iterator<Item = &'b [u8]> + use<'b, 'n> {
        let name = name.as_str().as_bytes();
        let fields = if self.slots & slot(name) == 0 { &[][..] } else { self.fields };
        fields.iter().filter(move |field| field.name.as_bytes().eq_ignore_ascii_case(name)).map(|field| field.value)
    }
}

/// One of 64 bits for a name, by its length and its ends; the same for any case of its letters.
fn slot(name: &[u8]) -> u64 {
    let first = name.first().copied().unwrap_or_default() & 0x1f;
    let last = name.last().copied().unwrap_or_default() & 0x1f;
    let place = u32::from(first) ^ (u32::from(last) << 1) ^ (name.len() as u32).wrapping_mul(7);
    1 << (place & 63)
}
