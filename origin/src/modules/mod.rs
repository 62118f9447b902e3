//! Modules: one per domain, owning its tables.

pub mod auth;
