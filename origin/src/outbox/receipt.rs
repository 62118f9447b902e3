//! What a committed write can be waited for by.

use std::collections::BTreeSet;
use std::time::Instant;

use super::Ticket;

/// The tickets of one write's events; empty where it changed nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    tickets: BTreeSet<Ticket>,
    committed: Option<Instant>,
}

// === impl Receipt ===

impl Receipt {
    /// Adds an event's ticket.
    pub fn add(&mut self, ticket: Ticket) {
        self.tickets.insert(ticket);
    }

    /// The tickets.
    pub fn tickets(&self) -> &BTreeSet<Ticket> {
        &self.tickets
    }

    /// Whether the write changed nothing.
    pub fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }

    /// Notes that the write is committed by now.
    pub fn note_commit(&mut self) {
        self.committed = Some(Instant::now());
    }

    /// When the write was committed, where that is known.
    pub fn committed(&self) -> Option<Instant> {
        self.committed
    }
}

impl From<BTreeSet<Ticket>> for Receipt {
    fn from(tickets: BTreeSet<Ticket>) -> Self {
        Self { tickets, committed: None }
    }
}

impl From<Ticket> for Receipt {
    fn from(ticket: Ticket) -> Self {
        Self { tickets: [ticket].into(), committed: None }
    }
}
