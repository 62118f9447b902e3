//! Header sections that were parsed lately. A client sends the same one with request after request, but for the target: a page's images,
//! a server that renders and asks for its data. To compare it costs less than to parse it.

use std::cell::RefCell;

use httparse::Header;

use super::frame::Frame;
use crate::fast::HeaderSection;

/// Longest section that is remembered, in bytes.
const LONGEST: usize = 2 << 10;
/// How many a thread remembers, in pairs of places: a megabyte at most, and usually an eighth of that.
const PLACES: usize = 256;
/// Eighths of a section of which some bytes tell it from others.
const EIGHTHS: usize = 8;

thread_local! {
    /// Empty until the first request, and then of all connections of this thread.
    static KNOWN: RefCell<Known> = RefCell::new(Known::default());
}

/// A header section that is well-formed in a request of HTTP/1.1.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) fields: HeaderSection,
    pub(super) frame: Frame,
}

/// Those that are remembered, and the one that was parsed last.
#[derive(Debug, Default)]
pub(super) struct Known {
    places: Vec<Option<Section>>,
    /// One that is not to be remembered: too long, or of HTTP/1.0, where other rules hold.
    other: Option<Section>,
}

/// Where a section stands until the next is inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Known(usize),
    Other,
}

// === impl Known ===

impl Known {
    /// With this thread's.
    pub(super) fn with<T>(use_it: impl FnOnce(&mut Self) -> T) -> T {
        KNOWN.with_borrow_mut(use_it)
    }

    /// The section that consists of just these bytes.
    pub(super) fn find(&self, text: &[u8]) -> Option<Place> {
        let is_it = |place: &usize| {
            self.places.get(*place).and_then(Option::as_ref).is_some_and(|section| section.fields.text() == text)
        };
        pair(text)?.into_iter().find(is_it).map(Place::Known)
    }

    pub(super) fn at(&self, place: Place) -> Option<&Section> {
        match place {
            Place::Known(place) => self.places.get(place)?.as_ref(),
            Place::Other => self.other.as_ref(),
        }
    }

    /// Takes in a section and what was found in it; remembers it where `is_lasting`.
    pub(super) fn insert(&mut self, text: &[u8], fields: &[Header<'_>], frame: Frame, is_lasting: bool) -> Place {
        let place = pair(text).filter(|_| is_lasting).map_or(Place::Other, |[first, second]| {
            if self.places.is_empty() {
                self.places.resize_with(PLACES, || None);
            }
            // The newest stands first, and the one before it beside it.
            self.places.swap(first, second);
            Place::Known(first)
        });
        let section = match place {
            Place::Known(place) => &mut self.places[place],
            Place::Other => &mut self.other,
        };
        match section {
            // What was long gives its memory back.
            Some(section) if section.fields.text().len() <= LONGEST => {
                section.fields.read(text, fields);
                section.frame = frame;
            }
            _ => *section = Some(Section { fields: HeaderSection::of(text, fields), frame }),
        }
        place
    }
}

/// The two places for a section of these bytes; `None` where they are none that is remembered. Some of the bytes tell: of those that have
/// the same, two are remembered.
fn pair(text: &[u8]) -> Option<[usize; 2]> {
    if text.len() > LONGEST || !text.ends_with(b"\r\n\r\n") {
        return None;
    }
    let words = (1..EIGHTHS).filter_map(|eighth| text[text.len() * eighth / EIGHTHS..].first_chunk());
    let mixed = words.fold(text.len() as u64, |mixed, word| {
        (mixed.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    let first = usize::try_from(mixed >> 32).ok()? % PLACES;
    Some([first, first ^ 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_bytes_are_found() {
        let mut known = Known::default();
        let text = b"Host: h\r\nCookie: session=1\r\n\r\n".to_vec();
        assert_eq!(known.find(&text), None);
        let place = known.insert(&text, &[], Frame::EMPTY, true);
        assert_eq!(
            (known.find(&text), known.at(place).map(|section| section.frame)),
            (Some(place), Some(Frame::EMPTY))
        );
        for at in 0..text.len() {
            let mut other = text.clone();
            other[at] ^= 1;
            assert_eq!(known.find(&other), None, "{at}");
        }
        assert_eq!((known.find(&text[1..]), known.find(&[&text[..], b"G"].concat())), (None, None));
    }

    #[test]
    fn two_that_look_alike_are_remembered() {
        // What tells them apart lies where nobody looks.
        let texts = ["a", "b", "c"].map(|host| format!("Host: {host}\r\nAccept: {}\r\n\r\n", "x".repeat(400)));
        let places = texts.each_ref().map(|text| pair(text.as_bytes()));
        assert!(places[0] == places[1] && places[1] == places[2]);
        let mut known = Known::default();
        for text in &texts {
            known.insert(text.as_bytes(), &[], Frame::EMPTY, true);
        }
        let found = texts.each_ref().map(|text| known.find(text.as_bytes()).is_some());
        assert_eq!(found, [false, true, true]);
    }

    #[test]
    fn those_of_another_version_and_long_ones_are_not_remembered() {
        let mut known = Known::default();
        let long = [&[b'a'; LONGEST][..], b"\r\n\r\n"].concat();
        for (text, is_lasting) in [(&b"Host: h\r\n\r\n"[..], false), (&long, true)] {
            let place = known.insert(text, &[], Frame::EMPTY, is_lasting);
            assert_eq!((place, known.find(text)), (Place::Other, None));
            assert_eq!(known.at(place).unwrap().fields.text(), text);
        }
    }

    #[test]
    fn they_take_bounded_room() {
        let mut known = Known::default();
        for number in 0..10 * PLACES {
            known.insert(format!("Host: {number}.example\r\nAccept: */*\r\n\r\n").as_bytes(), &[], Frame::EMPTY, true);
        }
        assert_eq!(known.places.len(), PLACES);
        let used = known.places.iter().flatten().count();
        assert!(used > PLACES / 2, "they spread: {used}");
    }
}
