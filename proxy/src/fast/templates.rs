//! The templates of one thread: as many as fit into a fixed room, the least recently used half goes when that is full.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::rc::Rc;

use super::template::{Template, Wire};
use crate::encoding::Accept;

/// Room for the templates of one thread, in bytes.
const ROOM: usize = 4 << 20;

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
struct Place([u64; 3]);

#[derive(Debug)]
struct Made {
    /// The Origin that it was made for.
    origin: Option<Box<[u8]>>,
    template: Rc<Template>,
}

#[derive(Debug, Default)]
struct Half {
    made: HashMap<Place, Made, BuildHasherDefault<Mixed>>,
    bytes: usize,
}

/// The templates.
#[derive(Debug, Default)]
pub(super) struct Templates {
    young: Half,
    old: Half,
}

/// Keys are numbers of this process, but for the Origin's part, of which many at one place are one that is made anew each time.
#[derive(Clone, Copy, Debug, Default)]
struct Mixed(u64);

// === impl Templates ===

impl Templates {
    pub(super) fn get(&mut self, kind: &Kind, origin: Option<&[u8]>) -> Option<Rc<Template>> {
        let place = Place::of(kind, origin);
        if let Some(found) = self.young.get(place, origin) {
            return Some(found.clone());
        }
        let found = self.old.get(place, origin)?.clone();
        self.insert(kind, origin, found.clone());
        Some(found)
    }

    pub(super) fn insert(&mut self, kind: &Kind, origin: Option<&[u8]>, template: Rc<Template>) {
        if self.young.bytes > ROOM / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.bytes += template.weight() + size_of::<(Place, Made)>() + origin.map_or(0, <[u8]>::len);
        let made = Made { origin: origin.map(Into::into), template };
        self.young.made.insert(Place::of(kind, origin), made);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Half {
    fn get(&self, place: Place, origin: Option<&[u8]>) -> Option<&Rc<Template>> {
        let made = self.made.get(&place)?;
        (made.origin.as_deref() == origin).then_some(&made.template)
    }
}

// === impl Place ===

impl Place {
    fn of(kind: &Kind, origin: Option<&[u8]>) -> Self {
        // The 55 bits of what is accepted leave room for the flags.
        let flags = u64::from(kind.is_not_modified) | u64::from(kind.wire == Wire::Fields) << 1;
        let origin = origin.map_or(0, |origin| {
            origin.iter().fold(1, |sum: u64, &byte| (sum.rotate_left(7) ^ u64::from(byte)).wrapping_mul(MULTIPLIER))
        });
        Self([kind.object, kind.accept.packed() << 2 | flags, kind.rule as u64 ^ origin << 16])
    }
}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|&word| state.write_u64(word));
    }
}

const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(23) ^ value).wrapping_mul(MULTIPLIER);
    }
}
