//! The operations server: metrics, health and status, on an address of its own that is never proxied.
//!
//! `/metrics` and `/health/*` are open, so keep the address on loopback or a private network; `/status`,
//! `POST /reload`, `POST /purge`, `/purges`, `/trail`, `/explain` and `/objects` need the token.

mod everywhere;
mod explain;
mod gauges;
mod objects;
mod purge;
mod reload;
mod serve;
mod status;
mod token;
mod trail;

pub use gauges::Gauges;
pub(crate) use purge::refuse;
pub use serve::OpsServer;
pub(crate) use serve::unauthorized;
pub use status::StatusReport;
pub use token::OpsToken;
