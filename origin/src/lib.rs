//! Vitrine's origin: the shop as an HTTP API that speaks Medusa v2's wire form.
//!
//! Layers, from the outside: `api` (extract, call, shape the reply), `workflows` (what the shop does, in one transaction),
//! `modules` (one per domain, owning its tables). Reads that span modules are `query`. Every committed write leaves an event
//! in the `outbox`, which the `relay` numbers and publishes as purges; `feed` applies them to this process's own cache.

pub mod api;
pub mod cache;
pub mod cart;
pub mod circuit;
pub mod config;
pub mod database;
pub mod error;
pub mod feed;
pub mod limits;
pub mod metrics;
pub mod modules;
pub mod outbox;
pub mod pricing;
pub mod probe;
pub mod promotion;
pub mod providers;
pub mod query;
pub mod relay;
pub mod replicas;
pub mod seed;
pub mod serve;
pub mod sessions;
pub mod state;
pub mod sweep;
pub mod totals;
pub mod workflows;

pub use error::ApiError;
pub use state::AppState;
