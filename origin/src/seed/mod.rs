//! The demo shop: the data set on which Vitrine is tested, measured and shown.
//!
//! It comes out the same at every load but for the salt of the administrator's password. The part that does not grow
//! with the number of products is one transaction; products follow in chunks, each a transaction that also moves the
//! mark in `seed_state`. So a load that was interrupted goes on where it stopped, and asking for more products adds
//! only those that are missing.

mod error;
mod facts;
mod ids;
mod load;
mod pictures;
mod products;
mod scope;
mod shop;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod told;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::config::Secret;

pub use error::SeedError;
pub use ids::{FixedIds, Ids, Kind};
pub use load::run;
pub use told::ToldIds;

/// When the demo shop was made, unless a load is told otherwise: 2026-01-01T00:00:00Z.
pub const CREATED_AT: DateTime<Utc> = match DateTime::from_timestamp_millis(1_767_225_600_000) {
    Some(time) => time,
    None => DateTime::UNIX_EPOCH,
};

/// What to load.
#[derive(Debug, Clone)]
pub struct SeedOptions {
    /// How many products the shop shall have at least.
    pub products: u64,
    /// What the URLs of pictures begin with, without a slash at the end.
    pub media_base_url: String,
    /// The token of the shop's publishable key.
    pub publishable_key: String,
    /// Who may sign in to the Admin API.
    pub admin: Option<Admin>,
    /// When the shop was made; product `i` is `i` milliseconds younger.
    pub created_at: DateTime<Utc>,
}

/// The administrator.
#[derive(Debug, Clone)]
pub struct Admin {
    /// The address to sign in with.
    pub email: String,
    /// The password; only its Argon2 hash is stored.
    pub password: Secret,
}

/// What a load did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: the shop had as many products, or more.
    AlreadyLoaded {
        /// How many it has.
        products: u64,
    },
    /// Something was missing and is now there.
    Loaded {
        /// Products that were added.
        added: u64,
        /// Products that the demo shop now has.
        products: u64,
        /// How long it took.
        elapsed: Duration,
    },
}
