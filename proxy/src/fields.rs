//! The fields of a message as decisions look at them, however they are held: as a map, or as a head in a connection's buffer.

use http::header::ValueIter;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::fast::{HeadFields, HeadLines};

/// The fields of a message.
#[derive(Clone, Copy, Debug)]
pub enum FieldLines<'r> {
    /// In a map.
    Map(&'r HeaderMap),
    /// In a buffer.
    Head(HeadFields<'r>),
}

/// The values of the lines of one field, in their order.
#[derive(Debug)]
pub enum Lines<'r, 'n> {
    /// Of a map.
    Map(ValueIter<'r, HeaderValue>),
    /// Of a head.
    Head(HeadLines<'r, 'n>),
}

// === impl FieldLines ===

impl<'r> From<&'r HeaderMap> for FieldLines<'r> {
    fn from(map: &'r HeaderMap) -> Self {
        Self::Map(map)
    }
}

impl<'r> FieldLines<'r> {
    /// The values of all lines of a field, in their order.
    pub fn get_all<'n>(self, name: &'n HeaderName) -> Lines<'r, 'n> {
        match self {
            Self::Map(map) => Lines::Map(map.get_all(name).iter()),
            Self::Head(head) => Lines::Head(head.lines(name)),
        }
    }

    /// The value of the first line of a field.
    pub fn get(self, name: &HeaderName) -> Option<&'r [u8]> {
        match self {
            Self::Map(map) => map.get(name).map(HeaderValue::as_bytes),
            Self::Head(head) => head.lines(name).next(),
        }
    }

    /// The value of a field that has exactly one line.
    pub fn get_one(self, name: &HeaderName) -> Option<&'r [u8]> {
        let mut lines = self.get_all(name);
        lines.next().filter(|_| lines.next().is_none())
    }

    /// The same in a map. Allocates.
    pub fn to_map(self) -> HeaderMap {
        match self {
            Self::Map(map) => map.clone(),
            Self::Head(head) => head.to_map(),
        }
    }

    /// Whether there is a line of this field.
    pub fn contains(self, name: &HeaderName) -> bool {
        match self {
            Self::Map(map) => map.contains_key(name),
            Self::Head(head) => head.lines(name).next().is_some(),
        }
    }
}

// === impl Lines ===

impl<'r> Iterator for Lines<'r, '_> {
    type Item = &'r [u8];

    fn next(&mut self) -> Option<&'r [u8]> {
        match self {
            Self::Map(lines) => lines.next().map(HeaderValue::as_bytes),
            Self::Head(lines) => lines.next(),
        }
    }
}

impl DoubleEndedIterator for Lines<'_, '_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Self::Map(lines) => lines.next_back().map(HeaderValue::as_bytes),
            Self::Head(lines) => lines.next_back(),
        }
    }
}

/// A value as text, where it is of visible ASCII, space and tab alone (RFC 9110 §5.5).
pub fn text(value: &[u8]) -> Option<&str> {
    // Without a branch for each byte, so that several are looked at at once.
    let other = value.iter().fold(0, |other, &byte| other | u8::from(byte != b'\t' && !(0x20..0x7f).contains(&byte)));
    if other == 0 { std::str::from_utf8(value).ok() } else { None }
}
