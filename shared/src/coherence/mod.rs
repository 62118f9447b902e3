//! May this object be served? (Invalidation protocol, rules 3, 4, 7, 8, 12 and 13.)
//!
//! [`TagTable`] is the pure core; [`Live`] shares one between the tasks of a process. Purges come by the origin's feed, numbered
//! with epochs, or are made at this member, numbered by a clock of its own; a [`Stamp`] holds a place on both.

mod live;
mod purges;
mod recent;
mod snapshot;
mod stamp;
mod table;

pub use live::{Checked, Live};
pub use snapshot::{Held, Numbered, Snapshot};
pub use stamp::Stamp;
pub use table::{ApplyError, Position, Reached, TagTable, numbered};

/// Whether an object may be served; the later is the harder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing of it was purged since it was made.
    Servable,
    /// A soft purge reached it: it may be served while it is refreshed.
    SoftPurged,
    /// A hard purge or a floor reached it: it must not be served, whatever its freshness (rule 5).
    Purged,
}
