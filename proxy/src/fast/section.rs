//! The header section of an HTTP/1.1 request: its text, and where the fields lie in it.

use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::Header;

/// A header section (RFC 9110 §6.3) that was parsed: a copy of its text, and where its lines are. Read again, it uses the same memory.
#[derive(Debug, Default)]
pub struct HeaderSection {
    text: Vec<u8>,
    lines: Vec<Line>,
    /// Which [slots](slot) there are fields of: most names that are asked for are absent.
    slots: u64,
    /// Of which of them there are several lines: of the others the first is the last.
    repeated: u64,
    /// The first line of each slot.
    first: FirstLines,
}

/// The number of the first line of each slot.
#[derive(Clone, Copy, Debug)]
struct FirstLines([u8; SLOTS]);

/// Where a line's name and value begin and end in the text.
#[derive(Clone, Copy, Debug)]
struct Line {
    name: [u32; 2],
    value: [u32; 2],
}

/// The fields of a header section, found by name. A view: to copy it costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct HeadFields<'b>(&'b HeaderSection);

/// The values of the lines of one field.
#[derive(Debug)]
pub struct HeadLines<'b, 'n> {
    text: &'b [u8],
    lines: &'b [Line],
    name: &'n [u8],
}

/// How many slots there are.
const SLOTS: usize = u64::BITS as usize;

impl Default for FirstLines {
    fn default() -> Self {
        Self([0; SLOTS])
    }
}

// === impl HeaderSection ===

impl HeaderSection {
    /// Of text, and of what a parser found in that very text.
    pub fn of(text: &[u8], fields: &[Header<'_>]) -> Self {
        let mut section = Self::default();
        section.read(text, fields);
        section
    }

    /// Becomes that of other text.
    pub fn read(&mut self, text: &[u8], fields: &[Header<'_>]) {
        self.text.clear();
        self.text.extend_from_slice(text);
        self.lines.clear();
        self.lines.extend(
            fields
                .iter()
                .map(|field| Line { name: place(text, field.name.as_bytes()), value: place(text, field.value) }),
        );
        (self.slots, self.repeated) = (0, 0);
        for (number, field) in fields.iter().enumerate() {
            let slot = slot(field.name.as_bytes());
            let bit = 1 << slot;
            match u8::try_from(number) {
                Ok(number) if self.slots & bit == 0 => self.first.0[slot] = number,
                _ => self.repeated |= bit,
            }
            self.slots |= bit;
        }
    }

    /// As it was received.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// Where in `text` a part of it begins and ends; nowhere, where it is none.
fn place(text: &[u8], part: &[u8]) -> [u32; 2] {
    let start = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    let within = start.checked_add(part.len()).filter(|end| *end <= text.len());
    let place = within.and_then(|end| Some([u32::try_from(start).ok()?, u32::try_from(end).ok()?]));
    place.unwrap_or_default()
}

/// The part of `text` at a place.
fn at(text: &[u8], [start, end]: [u32; 2]) -> &[u8] {
    text.get(start as usize..end as usize).unwrap_or_default()
}

// === impl HeadFields ===

impl<'b> HeadFields<'b> {
    /// Those of a section.
    pub fn new(section: &'b HeaderSection) -> Self {
        Self(section)
    }

    /// Whether one of these is there.
    pub(super) fn has_any(self, names: &[HeaderName], slots: u64) -> bool {
        self.0.slots & slots != 0 && names.iter().any(|name| self.lines(name).next().is_some())
    }

    /// The same in a map. Allocates.
    pub(crate) fn to_map(self) -> HeaderMap {
        let Self(HeaderSection { text, lines, .. }) = self;
        let mut map = HeaderMap::with_capacity(lines.len());
        for line in lines {
            // The parser takes no others.
            let name = HeaderName::from_bytes(at(text, line.name));
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(at(text, line.value))) {
                map.append(name, value);
            }
        }
        map
    }

    /// The values of all lines of a field, in their order.
    pub fn lines<'n>(&self, name: &'n HeaderName) -> HeadLines<'b, 'n> {
        let Self(HeaderSection { text, lines, slots, repeated, first }) = self;
        let name = name.as_str().as_bytes();
        let slot = slot(name);
        let lines = match (slots >> slot & 1, repeated >> slot & 1) {
            (0, _) => &[][..],
            (_, 0) => lines.get(usize::from(first.0[slot])).map_or(&[][..], std::slice::from_ref),
            _ => lines,
        };
        HeadLines { text, lines, name }
    }
}

// === impl HeadLines ===

impl HeadLines<'_, '_> {
    fn is_named(&self, line: &Line) -> bool {
        let [start, end] = line.name;
        (end - start) as usize == self.name.len() && at(self.text, line.name).eq_ignore_ascii_case(self.name)
    }
}

impl<'b> Iterator for HeadLines<'b, '_> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let found = self.lines.iter().position(|line| self.is_named(line))?;
        let value = at(self.text, self.lines[found].value);
        self.lines = &self.lines[found + 1..];
        Some(value)
    }
}

impl DoubleEndedIterator for HeadLines<'_, '_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let found = self.lines.iter().rposition(|line| self.is_named(line))?;
        let value = at(self.text, self.lines[found].value);
        self.lines = &self.lines[..found];
        Some(value)
    }
}

/// The [slots](slot) of several names.
pub(super) fn slots(names: &[HeaderName]) -> u64 {
    names.iter().fold(0, |slots, name| slots | 1 << slot(name.as_str().as_bytes()))
}

/// One of 64 numbers for a name, by its length and its ends; the same for any case of its letters.
fn slot(name: &[u8]) -> usize {
    let first = name.first().map_or(0, |byte| byte & 0x1f);
    let last = name.last().map_or(0, |byte| byte & 0x1f);
    (usize::from(first) ^ (usize::from(last) << 1) ^ name.len().wrapping_mul(7)) % SLOTS
}

#[cfg(test)]
mod tests {
    use http::header;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_found_in_the_copy_after_the_text_is_gone() {
        let mut section = HeaderSection::default();
        for text in [&b"Host: h\r\nAccept: a\r\nx-y:\r\nACCEPT:  b \r\n\r\n"[..], b"Host: other\r\nAccept: c\r\n\r\n"] {
            let text = text.to_vec();
            let mut fields = [httparse::EMPTY_HEADER; 8];
            let (_, fields) = httparse::parse_headers(&text, &mut fields).unwrap().unwrap();
            section.read(&text, fields);
        }
        let fields = HeadFields::new(&section);
        assert_eq!(fields.lines(&header::ACCEPT).collect::<Vec<_>>(), [b"c"], "nothing is left of what it was before");
        assert_eq!((section.len(), fields.lines(&header::HOST).next()), (2, Some(&b"other"[..])));

        let text = b"Host: h\r\nAccept: a\r\nx-y:\r\nACCEPT:  b \r\n\r\n".to_vec();
        let mut fields = [httparse::EMPTY_HEADER; 8];
        let (_, fields) = httparse::parse_headers(&text, &mut fields).unwrap().unwrap();
        let section = HeaderSection::of(&text, fields);
        drop(text);
        let fields = HeadFields::new(&section);
        assert_eq!(fields.lines(&header::ACCEPT).collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(fields.lines(&header::ACCEPT).rev().collect::<Vec<_>>(), [b"b", b"a"]);
        assert_eq!(fields.lines(&HeaderName::from_static("x-y")).collect::<Vec<_>>(), [b""]);
        assert_eq!(fields.lines(&header::ETAG).count(), 0);
        assert_eq!(fields.to_map().get_all(header::ACCEPT).iter().count(), 2);
    }

    proptest! {
        /// Whatever other names share a slot with it, a name's lines are those of that name.
        #[test]
        fn lines_are_those_of_the_name(names in prop::collection::vec("[aA][b-dB-D]{0,2}[aA]|host|Host", 0..400)) {
            let lines: Vec<_> = names.iter().enumerate().map(|(number, name)| format!("{name}: {number}\r\n")).collect();
            let text = lines.concat() + "\r\n";
            let mut fields = [httparse::EMPTY_HEADER; 400];
            let (_, fields) = httparse::parse_headers(text.as_bytes(), &mut fields).unwrap().unwrap();
            let section = HeaderSection::of(text.as_bytes(), fields);
            for asked in ["aba", "aca", "abba", "aa", "host", "adda"].map(HeaderName::from_static) {
                let is_it = |field: &&Header<'_>| field.name.eq_ignore_ascii_case(asked.as_str());
                let expected: Vec<_> = fields.iter().filter(is_it).map(|field| field.value).collect();
                prop_assert_eq!(HeadFields::new(&section).lines(&asked).collect::<Vec<_>>(), expected.clone());
                let reversed: Vec<_> = expected.into_iter().rev().collect();
                prop_assert_eq!(HeadFields::new(&section).lines(&asked).rev().collect::<Vec<_>>(), reversed);
            }
        }
    }

    #[test]
    fn what_lies_elsewhere_is_empty_and_not_another_text() {
        let (text, foreign) = (b"Host: h\r\n\r\n".to_vec(), "x-other".to_owned());
        let section = HeaderSection::of(&text, &[Header { name: &foreign, value: b"elsewhere" }]);
        assert_eq!(HeadFields::new(&section).to_map().len(), 0);
    }
}
