//! The purge feed: how this edge learns of purges, keeps its lease, and knows that it is cut off (invalidation protocol,
//! rules 3, 9 and 11).
//!
//! [`machine`] decides and does no IO; [`run`] carries out what it decides, with [`client`] for the origin's feed endpoint and
//! [`stream`] for the Redis Stream.

pub mod client;
pub mod connection;
pub mod machine;
pub mod metrics;
pub mod run;
pub mod status;
pub mod stream;
