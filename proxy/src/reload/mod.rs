//! The configuration changes while requests run: read and checked whole, then swapped whole; stored objects stay.
//!
//! [`Loader`] reads the file, [`in_force`] holds what cannot change without a restart, [`Reloader`] swaps the [`Snapshot`] that each
//! request takes once at its start, and [`watch`] tells when: on SIGHUP and when the file changes. `POST /reload` on the operations
//! port asks for the same. A file that is wrong changes nothing.

mod fixed;
mod loader;
mod look;
pub mod metrics;
mod reloader;
mod report;
mod snapshot;
pub mod watch;

pub use fixed::{InForce, in_force};
pub use loader::{Loaded, Loader};
pub(crate) use look::Look;
pub use reloader::{Outcome, Reloader, Trigger};
pub use report::{Attempt, ConfigReport, Refused};
pub use snapshot::{Current, Digest, Snapshot};
