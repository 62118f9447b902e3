//! What is stored: complete objects in memory, within one byte budget that counts all that they cost, and what is on its way to
//! become one.
//!
//! The store is found by a hash and compares the full key, so a collision is a miss. It says nothing of whether an object may be
//! served: that is decided at each hit from its stamp, tags and freshness.
//!
//! `object`, `body`, `fields`, `derived` and `variants` are what is stored; `table` is where it is found; `policy` says what is
//! evicted, `budget` when; `memory` puts them together.

mod body;
mod budget;
mod derived;
mod fields;
mod memory;
pub mod metrics;
mod names;
mod node;
mod object;
mod packed;
mod policy;
mod size_class;
mod table;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod variants;

pub use body::StoredBody;
pub(crate) use body::cost;
pub use budget::{Charge, Kind};
pub use derived::Derived;
pub use fields::{StoredFields, StoredLines, StoredValues};
pub use memory::{Found, Look, OnEvict, Store};
pub use object::{Meta, Object, Promise, Tags};
pub use table::{PARTS, Part};
pub use variants::Variants;
