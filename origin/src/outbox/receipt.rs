//! What a committed write can be waited for by.

use std::collections::BTreeSet;

use super::Ticket;

/// The tickets of one write's events; empty where it changed nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt(BTreeSet<Ticket>);

// === impl Receipt ===

impl Receipt {
    /// Adds an event's ticket.
    pub fn add(&mut self, ticket: Ticket) {
        self.0.insert(ticket);
    }

    /// The tickets.
    pub fn tickets(&self) -> &BTreeSet<Ticket> {
        &self.0
    }

    /// Whether the write changed nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Ticket> for Receipt {
    fn from(ticket: Ticket) -> Self {
        Self([ticket].into())
    }
}
