//! The outbox, the relay, the feed, members and acknowledgements, on real servers.

// Helpers of tests fail by panicking too.
#![allow(clippy::unwrap_used)]

mod acknowledging;
mod at_the_door;
mod by_hand;
mod failures;
mod files;
mod following;
mod numbering;
mod ordering;
mod program;
mod publishing;
mod replicas;
mod shop;
mod signing_in;
mod waiting_writes;
