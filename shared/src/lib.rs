//! The contract between Vitrine's proxy and origin: what both must agree on, and nothing else.
//!
//! This crate does no IO of its own but reading a config file, and imports neither Pingora, Axum, sqlx nor Redis; of Tokio it has what waits.

pub mod ack;
pub mod clock;
pub mod coherence;
pub mod config;
pub mod epoch;
pub mod event;
pub mod event_trail;
pub mod feed;
pub mod headers;
pub mod id;
pub mod lease;
pub mod ledger;
pub mod outcome;
pub mod tag;
pub mod telemetry;
