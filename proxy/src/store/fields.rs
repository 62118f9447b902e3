//! The fields of a stored response as bytes: a line after the other, found by looking through them.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::names::{self, CODES};

/// The fields of a stored response, names in lower case, in the order in which they are sent. A view: to copy it costs nothing.
#[derive(Clone, Copy)]
pub struct StoredFields<'o>(&'o [u8]);

/// The lines of [`StoredFields`]: name and value.
#[derive(Clone, Debug)]
pub struct StoredLines<'o>(StoredFields<'o>);

/// The values of the lines of one field.
#[derive(Clone, Debug)]
pub struct StoredValues<'o, 'n> {
    rest: StoredFields<'o>,
    name: &'n str,
}

/// A line, and where it begins and ends.
struct Line<'o> {
    name: &'o str,
    value: &'o [u8],
    end: usize,
}

/// Appends the lines of a map in their stored form: the number of the name, or its length above all such numbers; the length of the value;
/// the name, where it has no number; the value.
pub(super) fn pack(fields: &HeaderMap, into: &mut Vec<u8>) {
    for (name, value) in fields {
        let code = names::code(name.as_str());
        push_length(code.unwrap_or(CODES + name.as_str().len()), into);
        push_length(value.len(), into);
        if code.is_none() {
            into.extend_from_slice(name.as_str().as_bytes());
        }
        into.extend_from_slice(value.as_bytes());
    }
}

/// Seven bits a byte, the lowest first; the high bit says that more follow.
fn push_length(mut length: usize, into: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(length & 0x7f).unwrap_or(0);
        length >>= 7;
        into.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            break;
        }
    }
}

fn length(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut length = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(length);
        }
    }
    None
}

// === impl StoredFields ===

impl<'o> StoredFields<'o> {
    /// Of bytes that [`pack`] made.
    pub(super) fn of(bytes: &'o [u8]) -> Self {
        Self(bytes)
    }

    /// The value of the first line of a field.
    pub fn get(self, name: &HeaderName) -> Option<&'o [u8]> {
        self.get_all(name).next()
    }

    /// The values of all lines of a field, in their order.
    pub fn get_all(self, name: &HeaderName) -> StoredValues<'o, '_> {
        StoredValues { rest: self, name: name.as_str() }
    }

    /// Whether there is a line of this field.
    pub fn contains(self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// All lines.
    pub fn iter(self) -> StoredLines<'o> {
        StoredLines(self)
    }

    /// The same in a map. Allocates.
    pub fn to_map(self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(self.iter().count());
        for (name, value) in self {
            // What was in a map can be so again.
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value)) {
                map.append(name, value);
            }
        }
        map
    }

    fn line(self) -> Option<Line<'o>> {
        let mut at = 0;
        let (name, value) = (length(self.0, &mut at)?, length(self.0, &mut at)?);
        let name = match name.checked_sub(CODES) {
            None => names::name(name)?,
            Some(length) => {
                let spelled = self.0.get(at..)?.get(..length)?;
                at += length;
                std::str::from_utf8(spelled).ok()?
            }
        };
        let value = self.0.get(at..)?.get(..value)?;
        Some(Line { name, value, end: at + value.len() })
    }

    /// What follows the first `bytes`.
    fn after(self, bytes: usize) -> Self {
        Self(self.0.get(bytes..).unwrap_or_default())
    }
}

impl<'o> IntoIterator for StoredFields<'o> {
    type Item = (&'o str, &'o [u8]);
    type IntoIter = StoredLines<'o>;

    fn into_iter(self) -> StoredLines<'o> {
        self.iter()
    }
}

impl std::fmt::Debug for StoredFields<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value)))).finish()
    }
}

// === impl StoredLines ===

impl<'o> Iterator for StoredLines<'o> {
    type Item = (&'o str, &'o [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.0.line()?;
        self.0 = self.0.after(line.end);
        Some((line.name, line.value))
    }
}

// === impl StoredValues ===

impl<'o> Iterator for StoredValues<'o, '_> {
    type Item = &'o [u8];

    fn next(&mut self) -> Option<&'o [u8]> {
        while let Some(line) = self.rest.line() {
            self.rest = self.rest.after(line.end);
            if line.name == self.name {
                return Some(line.value);
            }
        }
        None
    }
}

impl DoubleEndedIterator for StoredValues<'_, '_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let (mut rest, mut at, mut last) = (self.rest, 0, None);
        while let Some(line) = rest.line() {
            if line.name == self.name {
                last = Some((at, line.value));
            }
            at += line.end;
            rest = rest.after(line.end);
        }
        let (at, value) = last?;
        self.rest = StoredFields(self.rest.0.get(..at).unwrap_or_default());
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use http::header;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_found_by_name() {
        let mut map = HeaderMap::new();
        for (name, value) in [("link", "</a>"), ("etag", "\"1\""), ("link", "</b>"), ("x-empty", ""), ("link", "</c>")]
        {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let mut bytes = Vec::new();
        pack(&map, &mut bytes);
        let fields = StoredFields::of(&bytes);
        assert_eq!(fields.get(&header::ETAG), Some(&b"\"1\""[..]));
        assert_eq!(fields.get(&HeaderName::from_static("x-empty")), Some(&b""[..]));
        assert!(!fields.contains(&header::LAST_MODIFIED));
        let mut links = fields.get_all(&header::LINK);
        assert_eq!((links.next_back(), links.next()), (Some(&b"</c>"[..]), Some(&b"</a>"[..])));
        assert_eq!((links.next_back(), links.next_back(), links.next()), (Some(&b"</b>"[..]), None, None));
    }

    #[test]
    fn broken_bytes_end_early_and_do_not_panic() {
        let spelled = 1 + 64;
        for bytes in [
            &[1][..],
            &[1, 1],
            &[63, 0],
            &[spelled],
            &[spelled, 1],
            &[spelled, 1, b'a'],
            &[0xff; 20],
            &[spelled, 0xff, 0xff, 0xff, 0x7f, b'a'],
        ] {
            assert_eq!(StoredFields::of(bytes).iter().count(), 0, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            lines in proptest::collection::vec(("age|date|x-frame-options|[a-z][a-z0-9-]{0,9}|[a-z]{60,300}", proptest::collection::vec(0x20u8..0x7f, 0..300)), 0..20)
        ) {
            let mut map = HeaderMap::new();
            for (name, value) in &lines {
                map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap());
            }
            let mut bytes = Vec::new();
            pack(&map, &mut bytes);
            let fields = StoredFields::of(&bytes);
            prop_assert_eq!(fields.to_map(), map.clone());
            for name in map.keys() {
                let expected: Vec<&[u8]> = map.get_all(name).iter().map(HeaderValue::as_bytes).collect();
                prop_assert_eq!(fields.get_all(name).collect::<Vec<_>>(), expected.clone());
                prop_assert_eq!(fields.get_all(name).rev().collect::<Vec<_>>(), expected.into_iter().rev().collect::<Vec<_>>());
            }
        }
    }
}
