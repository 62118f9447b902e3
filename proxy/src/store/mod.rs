//! What is stored: complete objects in memory, within a byte budget.
//!
//! The store is found by a 128-bit keyed hash and compares the full key, so a collision is a miss. It says nothing of
//! whether an object may be served: that is decided at each hit from its stamp, tags and freshness.

mod body;
mod derived;
mod fields;
mod memory;
pub mod metrics;
mod object;
mod variants;

pub use body::StoredBody;
pub use derived::Derived;
pub use fields::{StoredFields, StoredLines, StoredValues};
pub use memory::{Entry, Found, Look, Store, StoreError};
pub use object::{Meta, Object, Promise};
pub use variants::Variants;
