//! What became of the newest purges at this edge: when each came, how many stored objects it made unusable, and what was filled anew
//! first. For people; nothing that serves asks it, and hits do not know of it.
//!
//! Whether an object may be served is decided at each hit, and a purge touches no object. So nobody knows at the time of a purge what it
//! reaches: [`count`] goes through the store afterwards, in the background, and a fill that takes the place of an object tells of it
//! before. [`book`] is the pure core.

mod book;
pub mod count;
mod lines;
mod outcomes;

pub use outcomes::Outcomes;
