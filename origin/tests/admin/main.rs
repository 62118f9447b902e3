//! The Admin API on real databases: what it answers, what it refuses, and which events it leaves.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod categories;
mod concurrency;
mod differences;
mod events;
mod golden;
mod outbox;
mod promotions;
mod refusals;
mod shop;
mod uploads;
mod writes;
