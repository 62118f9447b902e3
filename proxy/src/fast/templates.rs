//! The templates of one thread: as many as fit into a fixed room. They stand in sets of a few places, so that one is found by looking at
//! one place in memory, and the newest of a set takes the place of the oldest.

use super::template::{Template, Wire};
use crate::encoding::Accept;

/// Room for the templates of one thread, in bytes.
const ROOM: usize = 4 << 20;
/// Sets; a power of two.
const SETS: usize = 2048;
/// Places of a set.
const WAYS: usize = 4;

/// What a template depends on, but for the fields that the rule's CORS looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// The object's number.
    pub(super) object: u64,
    /// The rule's place.
    pub(super) rule: usize,
    pub(super) accept: Accept,
    pub(super) is_not_modified: bool,
    pub(super) wire: Wire,
}

/// Under which a template is found: all of its kind, and a part of the Origin that it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label([u64; 3]);

/// A set fits into a cache line.
#[derive(Debug)]
struct Made {
    /// Of the label, which the template knows whole.
    mixed: u64,
    template: Template,
}

/// Where a template stands, until the next is inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(usize);

/// The templates.
#[derive(Debug, Default)]
pub(super) struct Templates {
    /// Set by set; nothing before the first is inserted.
    places: Vec<Option<Made>>,
    bytes: usize,
    /// The place that is emptied next where there is no room.
    hand: usize,
}

// === impl Templates ===

impl Templates {
    pub(super) fn find(&self, kind: &Kind, origin: Option<&[u8]>) -> Option<Place> {
        let label = Label::of(kind, origin);
        let (set, mixed) = label.set();
        let is = |made: &Option<Made>| {
            made.as_ref().is_some_and(|made| made.mixed == mixed && made.template.is_labelled(&label, origin))
        };
        self.places.get(set..set + WAYS)?.iter().position(is).map(|way| Place(set + way))
    }

    pub(super) fn at(&self, place: Place) -> Option<&Template> {
        self.places.get(place.0)?.as_ref().map(|made| &made.template)
    }

    /// Takes the place of what was made before for the same.
    pub(super) fn insert(&mut self, template: Template) -> Place {
        if self.places.is_empty() {
            self.places.resize_with(SETS * WAYS, || None);
        }
        self.bytes += template.weight();
        let (set, mixed) = template.label().set();
        let made = Made { mixed, template };
        let ways = &mut self.places[set..set + WAYS];
        let is_for_the_same = |other: &Option<Made>| {
            let (label, origin) = (made.template.label(), made.template.origin());
            other.as_ref().is_none_or(|other| other.template.is_labelled(label, origin))
        };
        let way = ways.iter().position(is_for_the_same).unwrap_or(WAYS - 1);
        ways[..=way].rotate_right(1);
        let goes = ways[0].replace(made);
        self.bytes -= goes.map_or(0, |goes| goes.template.weight());
        // Once around at most: a template that is larger than all the room stays alone.
        for _ in 0..self.places.len() {
            if self.bytes <= ROOM {
                break;
            }
            self.hand = (self.hand + 1) % self.places.len();
            if self.hand != set {
                self.bytes -= self.places[self.hand].take().map_or(0, |goes| goes.template.weight());
            }
        }
        Place(set)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

// === impl Label ===

impl Label {
    pub(super) fn of(kind: &Kind, origin: Option<&[u8]>) -> Self {
        // The 55 bits of what is accepted leave room for the flags.
        let flags = u64::from(kind.is_not_modified) | u64::from(kind.wire == Wire::Fields) << 1;
        let origin = origin.map_or(0, |origin| {
            origin.iter().fold(1, |sum: u64, &byte| (sum.rotate_left(7) ^ u64::from(byte)).wrapping_mul(MULTIPLIER))
        });
        Self([kind.object, kind.accept.packed() << 2 | flags, kind.rule as u64 ^ origin << 16])
    }

    /// The first place of its set, and its words mixed. Labels are numbers of this process, but for the Origin's part, of which many in one set push each other
    /// out and are made anew each time.
    fn set(&self) -> (usize, u64) {
        let mixed = self.0.iter().fold(0, |mixed: u64, &word| (mixed.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER));
        (usize::try_from(mixed >> 32).unwrap_or(0) % SETS * WAYS, mixed)
    }
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(object: u64) -> Kind {
        Kind { object, rule: 0, accept: Accept::default(), is_not_modified: false, wire: Wire::Text }
    }

    fn template(object: u64, origin: Option<&[u8]>, bytes: usize) -> Template {
        Template::of_text(Label::of(&kind(object), origin), origin, &vec![b'x'; bytes])
    }

    #[test]
    fn one_is_found_for_what_it_was_made_for() {
        let mut templates = Templates::default();
        assert_eq!(templates.find(&kind(1), None), None);
        let place = templates.insert(template(1, None, 5));
        assert_eq!(templates.find(&kind(1), None), Some(place));
        assert_eq!(templates.find(&kind(2), None), None);
        assert_eq!(templates.find(&kind(1), Some(b"https://a.example")), None);
        assert_eq!(templates.find(&Kind { is_not_modified: true, ..kind(1) }, None), None);
        assert_eq!(templates.find(&Kind { rule: 1, ..kind(1) }, None), None);
        templates.insert(template(1, Some(b"https://a.example"), 7));
        assert!(templates.find(&kind(1), Some(b"https://a.example")).is_some());
        templates.insert(template(1, None, 9));
        let place = templates.find(&kind(1), None).unwrap();
        assert_eq!(templates.at(place).unwrap().text_len(), 9, "the newest");
        assert_eq!(templates.places.iter().flatten().count(), 2, "it took the place of the other");
        templates.clear();
        assert_eq!((templates.find(&kind(1), None), templates.bytes), (None, 0));
    }

    #[test]
    fn one_that_is_larger_than_the_room_stands_alone() {
        let mut templates = Templates::default();
        templates.insert(template(1, None, 5));
        let place = templates.insert(template(2, None, ROOM + 1));
        assert_eq!(templates.find(&kind(2), None), Some(place));
        assert_eq!(templates.places.iter().flatten().count(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        /// Whatever is inserted is found at once, and all together fit into the room.
        #[test]
        fn the_room_bounds_them(sizes in proptest::collection::vec(100usize..100_000, 200..400)) {
            let mut templates = Templates::default();
            for (object, size) in (1..).zip(sizes) {
                let place = templates.insert(template(object, None, size));
                prop_assert_eq!(templates.find(&kind(object), None), Some(place));
                let bytes: usize = templates.places.iter().flatten().map(|made| made.template.weight()).sum();
                prop_assert_eq!(bytes, templates.bytes);
                prop_assert!(bytes <= ROOM);
            }
        }
    }
}
