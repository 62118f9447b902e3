//! The glue to Pingora: requests come in here, are decided by the rules, and are answered by the engine or passed on.

mod cached;
mod clients;
mod disk;
mod edge;
pub(crate) mod forward;
mod limits;
mod memory;
pub mod metrics;
mod own;
mod pass;
pub(crate) mod preflight;
pub(crate) mod purge;
mod recipient;
pub(crate) mod request_id;
mod sequencing;
mod server;
pub(crate) mod target;
mod trail;
mod write;

pub use edge::{Edge, RequestContext};
pub use memory::InUse;
pub use server::{Server, StartError, Stop};
