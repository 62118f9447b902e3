//! Which numbers were given lately by this process, so that who waits for one need not ask Postgres.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use vitrine_shared::epoch::Epoch;

use super::{Receipt, Ticket};

/// Most tickets that are remembered.
const MOST: usize = 20_000;

/// Numbers given lately; empty where another process leads.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    epochs: HashMap<Ticket, Epoch>,
    order: VecDeque<Ticket>,
}

// === impl Recent ===

impl Recent {
    /// Notes numbers that were committed.
    pub fn note(&self, tickets: &[(Ticket, Epoch)]) {
        let mut ring = self.0.lock();
        for (ticket, epoch) in tickets {
            if ring.epochs.insert(*ticket, *epoch).is_none() {
                ring.order.push_back(*ticket);
            }
        }
        while ring.order.len() > MOST {
            if let Some(oldest) = ring.order.pop_front() {
                ring.epochs.remove(&oldest);
            }
        }
    }

    /// The newest epoch of a write's events, where all of them are remembered; an empty receipt is nobody's.
    pub fn resolve(&self, receipt: &Receipt) -> Option<Epoch> {
        let ring = self.0.lock();
        let epochs: Option<Vec<Epoch>> =
            receipt.tickets().iter().map(|ticket| ring.epochs.get(ticket).copied()).collect();
        epochs?.into_iter().max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_resolves_to_its_newest_number_once_all_are_known_and_old_ones_are_forgotten() {
        let recent = Recent::default();
        let epoch = |seq| Epoch::new(1, seq);
        let mut both = Receipt::from(Ticket::of(7));
        both.add(Ticket::of(9));
        recent.note(&[(Ticket::of(9), epoch(2))]);
        assert_eq!(recent.resolve(&both), None);
        recent.note(&[(Ticket::of(7), epoch(3))]);
        assert_eq!(recent.resolve(&both), Some(epoch(3)));
        assert_eq!(recent.resolve(&Receipt::default()), None);
        let many: Vec<_> = (10..).take(MOST - 1).map(|id| (Ticket::of(id), epoch(4))).collect();
        recent.note(&many);
        assert_eq!(recent.resolve(&Ticket::of(9).into()), None);
        assert_eq!(recent.resolve(&Ticket::of(7).into()), Some(epoch(3)));
    }
}
