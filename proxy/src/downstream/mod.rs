//! Everything between the listening sockets and a request's decision: connections are accepted and divided among workers, held to the
//! limits, and read request by request. What is fresh in memory is answered here ([`crate::fast`]); all else the slow path answers.

mod acceptor;
mod admission;
mod connection;
mod deadline;
mod h1;
mod limits;
mod metrics;
mod outgoing;
mod pacing;
mod slow_path;
mod transport;
mod worker;

mod server;

pub use h1::OwnSession;
#[cfg(fuzzing)]
pub(crate) use h1::fuzzing;
pub(crate) use h1::{ContentError, keep_date};
pub use limits::{H2Limits, Limits, Pace};
pub use metrics::DownstreamMetrics;
pub use server::Downstream;
pub use slow_path::{OwnAnswer, SlowPath};
