//! An upstream that misbehaves on purpose, byte by byte. Whatever it does: clients get what it means or an error that they notice,
//! those who wait together get the same, nothing wrong is stored, no connection that is out of step is used again, no byte of one
//! response gets into another, nothing is held afterwards, and the upstream is asked as often as it must be.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod codings;
mod fields;
mod framing;
mod hang_ups;
mod heads;
mod refreshing;
mod stage;
mod statuses;
#[path = "../support/mod.rs"]
mod support;
