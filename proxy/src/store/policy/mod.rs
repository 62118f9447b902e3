//! What is evicted: S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023).
//!
//! What is new goes through a small queue, where most of what is never asked for again is found out soon. What was asked for there,
//! and what comes back soon after it was thrown out, goes to the main queue, whose oldest is evicted unless it was used since it was
//! last looked at. A use moves nothing: it counts up a number in the entry, so that a hit takes no lock here.
//!
//! Pure: it knows entries by [`Ticket`]s, and asks [`Residents`] for the rest.

mod fifo;
mod ghost;

use fifo::Fifo;
use ghost::Ghost;

/// The part of all bytes that the small queue keeps while the main one is evicted from: a 33rd. Of a 10th, 20th, 33rd and 100th
/// it did as well as any on Zipf mixes with sizes from 100 B to 50 MB, scans and drifts, and leaves time to be asked for again.
const SMALL: u64 = 33;
/// Uses that count, at most.
pub(super) const MOST_USES: u8 = 3;
/// Uses in the small queue that lead to the main one.
const PROMOTED: u8 = 1;
/// Entries in use that one eviction passes over: others wait for it, and where all are in use it would go around three times.
const MOST_PASSED: usize = 1024;
/// Fewest tickets of what is gone for which the queues are gone through.
const SWEPT: usize = 1024;

/// Names one stay of an entry in the queues. Of two stays of one key only the later has a resident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// A part of the entry's hash, by which it is found.
    pub(super) hash: u32,
    /// Which stay, and which kind of entry; given out by [`Policy::admit`].
    pub(super) stay: u32,
}

/// In which queue an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// It is new.
    Small,
    /// It was used again.
    Main,
}

/// What is known of a resident entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resident {
    /// What it weighs, in bytes; the same as long as it stays.
    pub(super) weight: u64,
    /// Uses since it was last looked at, at most [`MOST_USES`].
    pub(super) uses: u8,
    /// Whether its memory would not come free: it is being sent.
    pub(super) is_held: bool,
}

/// The entries behind the tickets.
pub(super) trait Residents {
    /// What is known of the entry; `None` where it is gone.
    fn look(&mut self, ticket: Ticket) -> Option<Resident>;
    /// The entry stays, in the main queue, with this many uses.
    fn keep(&mut self, ticket: Ticket, uses: u8);
    /// The entry goes, out of this queue.
    fn evict(&mut self, ticket: Ticket, from: Queue);
}

/// How an entry is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    pub(super) ticket: Ticket,
    pub(super) queue: Queue,
    /// Whether it was thrown out lately.
    pub(super) is_back: bool,
}

/// The queues.
#[derive(Debug, Default)]
pub(super) struct Policy {
    small: Fifo<Ticket>,
    main: Fifo<Ticket>,
    ghost: Ghost,
    small_bytes: u64,
    main_bytes: u64,
    /// Entries that are there.
    residents: usize,
    /// Stays given out.
    stays: u32,
    /// Whether anything had to go yet. Until then all goes to the main queue: of who loops through more than there is room for, a
    /// part stays.
    has_evicted: bool,
}

// === impl Ticket ===

impl Ticket {
    /// Which kind of entry.
    pub(super) fn table(self) -> u8 {
        (self.stay & 3) as u8
    }
}

// === impl Policy ===

impl Policy {
    /// Lets an entry in. `kind` is below 4, and a part of its ticket.
    pub(super) fn admit(&mut self, hash: u32, kind: u8, weight: u64) -> Admitted {
        let is_back = self.ghost.take(hash);
        let queue = if is_back || !self.has_evicted { Queue::Main } else { Queue::Small };
        self.stays = self.stays.wrapping_add(1);
        let ticket = Ticket { hash, stay: self.stays << 2 | u32::from(kind & 3) };
        self.residents += 1;
        self.enqueue(ticket, queue, weight);
        Admitted { ticket, queue, is_back }
    }

    /// Another entry has taken the place of one, and its ticket.
    pub(super) fn replaced(&mut self, queue: Queue, before: u64, after: u64) {
        let bytes = self.bytes_of(queue);
        *bytes = bytes.saturating_sub(before) + after;
    }

    /// An entry was taken out.
    pub(super) fn removed(&mut self, queue: Queue, weight: u64, residents: &mut impl Residents) {
        self.gone(queue, weight);
        let dead = self.small.len() + self.main.len() - self.residents;
        if dead > SWEPT.max(self.residents / 4) {
            self.small.retain(|ticket| residents.look(ticket).is_some());
            self.main.retain(|ticket| residents.look(ticket).is_some());
        }
    }

    /// Evicts one entry; `false` where there is none. `coming` are bytes of what is not let in yet, which count as new. Of those
    /// who are held, `spared` may be passed over.
    pub(super) fn evict(&mut self, coming: u64, spared: &mut usize, residents: &mut impl Residents) -> bool {
        let mut passed = 0;
        loop {
            let of_small = self.small_bytes + coming;
            let is_small_due = of_small >= (of_small + self.main_bytes) / SMALL;
            let from =
                if (is_small_due || self.main.len() == 0) && self.small.len() > 0 { Queue::Small } else { Queue::Main };
            let ticket = match from {
                Queue::Small => self.small.pop(),
                Queue::Main => self.main.pop(),
            };
            let Some(ticket) = ticket else {
                return false;
            };
            let Some(Resident { weight, uses, is_held }) = residents.look(ticket) else {
                continue;
            };
            let left = match from {
                Queue::Small | Queue::Main if passed == MOST_PASSED => None,
                Queue::Small if uses >= PROMOTED => Some(0),
                Queue::Main if uses > 0 => Some(uses.min(MOST_USES) - 1),
                Queue::Small | Queue::Main if is_held && *spared > 0 => {
                    *spared -= 1;
                    Some(0)
                }
                Queue::Small | Queue::Main => None,
            };
            if let Some(uses) = left {
                passed += 1;
                residents.keep(ticket, uses);
                *self.bytes_of(from) -= weight;
                self.enqueue(ticket, Queue::Main, weight);
                continue;
            }
            self.has_evicted = true;
            residents.evict(ticket, from);
            self.gone(from, weight);
            if from == Queue::Small {
                self.ghost.remember(ticket.hash, self.residents);
            }
            return true;
        }
    }

    /// Bytes of memory that the queues hold.
    pub(super) fn overhead(&self) -> usize {
        self.small.bytes() + self.main.bytes() + self.ghost.bytes()
    }

    #[cfg(test)]
    pub(super) fn weighs(&self) -> u64 {
        self.small_bytes + self.main_bytes
    }

    fn enqueue(&mut self, ticket: Ticket, queue: Queue, weight: u64) {
        *self.bytes_of(queue) += weight;
        match queue {
            Queue::Small => self.small.push(ticket),
            Queue::Main => self.main.push(ticket),
        }
    }

    fn gone(&mut self, queue: Queue, weight: u64) {
        let bytes = self.bytes_of(queue);
        *bytes = bytes.saturating_sub(weight);
        self.residents = self.residents.saturating_sub(1);
    }

    fn bytes_of(&mut self, queue: Queue) -> &mut u64 {
        match queue {
            Queue::Small => &mut self.small_bytes,
            Queue::Main => &mut self.main_bytes,
        }
    }
}

#[cfg(test)]
mod tests;
