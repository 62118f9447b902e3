//! Everything between the listening sockets and a request's decision: connections are accepted and divided among workers, held to the
//! limits, and read request by request. What is fresh in memory is answered here ([`crate::fast`]); all else the slow path answers.

mod acceptor;
mod admission;
mod closing;
mod connection;
mod deadline;
mod h1;
mod h2;
mod limits;
mod metrics;
mod opening;
mod outgoing;
mod pacing;
mod pingora_io;
mod slow_path;
mod tls;
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
pub use tls::{CertificateError, CertificateFiles, CertificateMetrics, Certificates, Key};
