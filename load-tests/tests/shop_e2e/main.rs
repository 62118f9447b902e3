//! End-to-end tests: the whole shop as users run it, by its real programs and servers.

// A test that cannot go on should say so by panicking, in its helpers too.
#![allow(clippy::unwrap_used)]

mod common;
mod faults;
mod probe;
mod readme;
mod redis;
mod sdk;
mod trail;
mod walk;
