//! What was evicted without having been used again: who comes back is let in at once.

use hashbrown::HashTable;

use super::fifo::Fifo;

/// Hashes of what was evicted lately, the oldest forgotten first. 32 bits tell enough apart: who is taken for another is let in too
/// early.
#[derive(Debug, Default)]
pub(super) struct Ghost {
    order: Fifo<u32>,
    hashes: HashTable<u32>,
}

// === impl Ghost ===

impl Ghost {
    /// Remembers a hash, and forgets the oldest where there are more than `most`.
    pub(super) fn remember(&mut self, hash: u32, most: usize) {
        if self.hashes.find(spread(hash), |&other| other == hash).is_none() {
            self.hashes.insert_unique(spread(hash), hash, |&hash| spread(hash));
        }
        self.order.push(hash);
        while self.order.len() > most {
            if let Some(oldest) = self.order.pop() {
                self.take(oldest);
            }
        }
        // A cache of which much was taken out needs less than it did.
        if self.hashes.capacity() > 1024 && self.hashes.len() * 4 < self.hashes.capacity() {
            self.hashes.shrink_to(self.hashes.len() * 2, |&hash| spread(hash));
        }
    }

    /// Whether a hash was remembered; it is forgotten. (Its place in the order stays, and may end a later stay early.)
    pub(super) fn take(&mut self, hash: u32) -> bool {
        self.hashes.find_entry(spread(hash), |&other| other == hash).is_ok_and(|entry| {
            entry.remove();
            true
        })
    }

    /// Bytes of memory that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.order.bytes() + self.hashes.allocation_size()
    }
}

/// The table wants 64 bits, of which the highest and the lowest count most.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first_and_what_is_taken_is_gone() {
        let mut ghost = Ghost::default();
        for hash in 0..5 {
            ghost.remember(hash, 3);
        }
        assert_eq!([0, 1, 2, 3, 4].map(|hash| ghost.take(hash)), [false, false, true, true, true]);
        assert!(!ghost.take(4));
    }

    #[test]
    fn it_holds_no_more_than_it_may() {
        let mut ghost = Ghost::default();
        for hash in 0..100_000 {
            ghost.remember(hash, 10_000);
        }
        assert!(ghost.bytes() < 10_000 * 20, "{}", ghost.bytes());
        ghost.remember(100_000, 10);
        assert!(ghost.bytes() < 10_000, "{}", ghost.bytes());
    }
}
