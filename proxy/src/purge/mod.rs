//! Purges that are made at this edge: what they reach, who made them, and what is remembered of them.
//!
//! [`Purger`] makes them; the tag table of `vitrine_shared::coherence` and [`Presence`] hold what they change; [`Provenance`] is
//! what objects and fills carry to be checked against both; [`log::PurgeLog`] tells afterwards who did what.

pub mod address;
pub mod after_unsafe;
pub mod idempotency;
pub mod log;
pub mod magento;
pub mod metrics;
mod presence;
mod provenance;
mod purger;
pub mod request;
pub mod target;

pub use presence::{Presence, Present, URL_BYTES};
pub use provenance::Provenance;
pub use purger::{Cause, Purger};
