//! Vitrine's edge: a caching reverse proxy on Pingora, which drops what a write replaced before the write is acknowledged.
//!
//! A request goes [`service`] -> [`rules`] -> [`key`] -> [`engine`] -> [`fill`], or is passed by [`service`]. `docs/architecture.md` is the map.

pub mod access_log;
pub mod cache_status;
pub mod cases;
pub mod check;
mod chunked;
pub mod client;
pub mod config;
pub mod disk;
pub mod downstream;
pub mod encoding;
pub mod engine;
pub mod explain;
pub mod fast;
pub mod feed;
pub mod fields;
pub mod fill;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod glob;
pub mod key;
pub mod metrics;
pub mod ops;
pub mod policy;
pub mod purge;
pub mod rate;
pub mod reason;
pub mod refusal;
pub mod reload;
pub mod represent;
pub mod rules;
pub mod sequencer;
pub mod service;
pub mod store;
pub mod trail;
pub mod upstream;
pub mod vary;
mod weighted;
