//! What an entry knows of its own standing with the [policy](super::policy).

use std::sync::atomic::{AtomicU8, AtomicU16, Ordering};

use super::policy::{MOST_USES, Queue};

/// An entry's stay, its uses and its queue. Uses are counted by whoever finds it; the rest changes under the policy's lock.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// In halves, so that it fits between other small fields.
    stay: [AtomicU16; 2],
    /// Uses since the policy last looked at it; [`FOUND`] beside them.
    uses: AtomicU8,
    /// [`MAIN`] and [`SUPERSEDED`].
    flags: AtomicU8,
}

/// Whether it was found since this was last asked.
const FOUND: u8 = 0x80;
/// It stands in the main queue.
const MAIN: u8 = 1;
/// Another has taken its place, or it was withdrawn.
const SUPERSEDED: u8 = 2;

// === impl Node ===

impl Node {
    /// Notes that a request found it.
    pub(super) fn note_use(&self) {
        let noted = self.uses.load(Ordering::Relaxed);
        let uses = (noted & !FOUND).saturating_add(1).min(MOST_USES) | FOUND;
        // Most hits find it noted already, and a plain read leaves the line shared between cores. Of two at once one may be lost.
        if uses != noted {
            self.uses.store(uses, Ordering::Relaxed);
        }
    }

    /// Whether it was found since this was last asked.
    pub(super) fn was_found(&self) -> bool {
        self.uses.fetch_and(!FOUND, Ordering::Relaxed) & FOUND != 0
    }

    /// Whether a use is known of.
    pub(super) fn is_used(&self) -> bool {
        self.uses.load(Ordering::Relaxed) != 0
    }

    pub(super) fn uses(&self) -> u8 {
        self.uses.load(Ordering::Relaxed) & !FOUND
    }

    pub(super) fn stay(&self) -> u32 {
        let [low, high] = self.stay.each_ref().map(|half| u32::from(half.load(Ordering::Relaxed)));
        high << 16 | low
    }

    pub(super) fn queue(&self) -> Queue {
        if self.flags.load(Ordering::Relaxed) & MAIN == 0 { Queue::Small } else { Queue::Main }
    }

    /// Whether another has taken its place since its stay began, or it was withdrawn.
    pub(super) fn is_superseded(&self) -> bool {
        self.flags.load(Ordering::Acquire) & SUPERSEDED != 0
    }

    /// Another has taken its place, or it was withdrawn.
    pub(super) fn supersede(&self) {
        self.flags.fetch_or(SUPERSEDED, Ordering::Release);
    }

    /// It stands in a queue, with this many uses.
    pub(super) fn set(&self, queue: Queue, uses: u8) {
        let found = self.uses.load(Ordering::Relaxed) & FOUND;
        self.uses.store(uses | found, Ordering::Relaxed);
        let flags = self.flags.load(Ordering::Relaxed) & !MAIN;
        self.flags.store(if queue == Queue::Main { flags | MAIN } else { flags }, Ordering::Relaxed);
    }

    /// It begins a stay.
    pub(super) fn begin(&self, stay: u32, queue: Queue) {
        self.stay[0].store((stay & 0xffff) as u16, Ordering::Relaxed);
        self.stay[1].store((stay >> 16) as u16, Ordering::Relaxed);
        self.flags.store(0, Ordering::Relaxed);
        self.set(queue, 0);
    }

    /// It takes the place of another.
    pub(super) fn succeed(&self, other: &Self) {
        self.begin(other.stay(), other.queue());
        self.set(other.queue(), other.uses());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_counted_to_a_limit_and_being_found_is_told_once() {
        let node = Node::default();
        assert!(!node.was_found());
        for _ in 0..300 {
            node.note_use();
        }
        assert_eq!((node.uses(), node.was_found(), node.was_found()), (MOST_USES, true, false));
        let next = Node::default();
        node.begin(7, Queue::Main);
        node.note_use();
        next.succeed(&node);
        assert_eq!((next.stay(), next.queue(), next.uses()), (7, Queue::Main, 1));
    }
}
