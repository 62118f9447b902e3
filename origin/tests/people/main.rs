//! Customers and who signs in: Medusa's own answers replayed, what is refused, sessions, resets, limits, and the merchant's side.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod addresses;
mod admin;
mod golden;
mod resets;
mod sessions;
mod shop;
mod sign_in;
