//! Who is asked where the cache cannot answer: upstreams as configured, and the running state of their addresses.
//!
//! [`Pools`] holds a [`Pool`] for each upstream. A request takes its [`Attempts`] from there, and from those one [`Attempt`] after the
//! other, each at an address that [`Balance`] chose among those that are [healthy](HealthCheck) and not [ejected](Ejection).

mod address;
mod attempts;
mod balance;
mod checks;
mod definition;
mod ejection;
pub mod h1;
mod head;
mod health;
mod peer;
mod pool;
mod pools;
mod report;
mod resolve;
mod retry_budget;
mod state;
mod tag_header;

pub use address::{Address, AddressError};
pub use attempts::{Attempt, Attempts, is_failure};
pub use balance::{Affinity, Balance, Candidate};
pub use definition::{CONNECT_TIMEOUT, TRANSFER_TIMEOUT, Upstream};
pub use ejection::Ejection;
pub use head::{HeadError, MAX_INTERIM, settle};
pub use health::HealthCheck;
pub use peer::peer;
use peer::{IDLE_TIMEOUT, server_name};
pub use pool::Pool;
pub use pools::Pools;
pub use report::{AddressReport, UpstreamReport, register};
pub use retry_budget::Retries;
pub use tag_header::{TagHeader, TagHeaderError};
