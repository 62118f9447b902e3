//! Vitrine's edge: a caching reverse proxy on Pingora.

pub mod cache_status;
pub mod config;
pub mod feed;
pub mod fill;
pub mod key;
pub mod policy;
pub mod reason;
pub mod rules;
pub mod upstream;
pub mod vary;
