//! Everything between the listening sockets and a request's decision.

mod limits;

pub use limits::{H2Limits, Limits, Pace};
