//! The templates of one thread: as many as fit into a fixed room, the least recently used half goes when that is full.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use super::template::{Template, Wire};
use crate::encoding::Accept;

/// Room for the templates of one thread, in bytes: twice half of this.
const ROOM: usize = 4 << 20;

/// What a template depends on, but for the fields that the rule's CORS looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    /// The object's number.
    pub(super) object: u64,
    /// The rule's place.
    pub(super) rule: usize,
    pub(super) accept: Accept,
    pub(super) is_not_modified: bool,
    pub(super) wire: Wire,
}

/// A template, and the Origin that it was made for.
#[derive(Debug)]
struct Made {
    origin: Option<Box<[u8]>>,
    template: Rc<Template>,
}

#[derive(Debug, Default)]
struct Half {
    made: HashMap<Kind, Vec<Made>, BuildHasherDefault<Mixed>>,
    bytes: usize,
}

/// The templates.
#[derive(Debug, Default)]
pub(super) struct Templates {
    young: Half,
    old: Half,
}

/// Keys are numbers of this process: nobody outside chooses them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mixed(u64);

// === impl Templates ===

impl Templates {
    pub(super) fn get(&mut self, kind: &Kind, origin: Option<&[u8]>) -> Option<Rc<Template>> {
        if let Some(found) = self.young.get(kind, origin) {
            return Some(found);
        }
        let found = self.old.get(kind, origin)?;
        self.insert(*kind, origin, found.clone());
        Some(found)
    }

    pub(super) fn insert(&mut self, kind: Kind, origin: Option<&[u8]>, template: Rc<Template>) {
        if self.young.bytes > ROOM / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        let origin: Option<Box<[u8]>> = origin.map(Into::into);
        self.young.bytes +=
            template.weight() + size_of::<(Kind, Made)>() + origin.as_ref().map_or(0, |origin| origin.len());
        let all = self.young.made.entry(kind).or_default();
        all.retain(|made| made.origin != origin);
        all.push(Made { origin, template });
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Half {
    fn get(&self, kind: &Kind, origin: Option<&[u8]>) -> Option<Rc<Template>> {
        let all = self.made.get(kind)?;
        all.iter().find(|made| made.origin.as_deref() == origin).map(|made| made.template.clone())
    }
}

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u16(&mut self, value: u16) {
        self.write_u64(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(MULTIPLIER);
    }
}
