//! Rate limits: how many requests a caller has in a period, by rules that name the limits they are under.
//!
//! A caller has a bucket of tokens, which fills steadily; each request takes one, and without one it is refused with 429
//! (RFC 6585 §4). All buckets of a limit are kept in the same few memory, whoever comes: see [`sketch`].

mod caller;
mod limit;
mod limits;
pub mod metrics;
pub mod sketch;

pub use caller::{Caller, Part};
pub use limit::{Counted, Limit};
pub use limits::{Limited, RateLimits};

#[cfg(test)]
mod tests;
