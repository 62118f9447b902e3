//! The Store API on real servers: what answers say of themselves, filters, and the read cache under purges.

// Helpers of tests fail by panicking too.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod answers;
mod caching;
mod completeness;
#[path = "../support/counting.rs"]
mod counting;
mod filters;
mod places;
mod projection;
mod selling;
mod shop;
mod soundness;
mod statements;
