//! May this object be served? (Invalidation protocol, rules 3, 4, 7, 8, 12 and 13.)
//!
//! [`TagTable`] is the pure core; [`Live`] shares one between the tasks of a process.

mod live;
mod table;

pub use live::{Checked, Live};
pub use table::{ApplyError, TagTable, Verdict};
