//! The outbox, the relay, the feed, members and acknowledgements, on real servers.

mod acknowledging;
mod failures;
mod following;
mod numbering;
mod publishing;
mod shop;
mod signing_in;
