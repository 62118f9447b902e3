//! Carts over HTTP: Medusa's own answers replayed, what is refused, what changes at once, and how many statements each route costs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

#[path = "../golden/compare.rs"]
mod compare;
mod concurrency;
#[path = "../support/counting.rs"]
mod counting;
mod differences;
mod expiry;
mod flush;
mod golden;
#[path = "../golden/ids.rs"]
mod ids;
mod order;
mod refusals;
mod replay;
#[path = "../golden/samples.rs"]
#[allow(dead_code, reason = "only what the samples tell is used here, and they are not replayed")]
mod samples;
mod shop;
mod statements;
