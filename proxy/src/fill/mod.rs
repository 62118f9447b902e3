//! Fills: asking an upstream on behalf of all who wait for the same thing.
//!
//! A fill is a task of its own. Requests wait for its [`Outcome`] and read its [`body`] as it grows; the task stores what is
//! complete. A client that leaves cancels nothing, coalescing is the normal case, and revalidation is a fill that got a 304.

pub mod body;
pub mod budget;
mod commit;
mod context;
pub mod exchange;
mod hit_for_pass;
mod inflight;
mod judge;
pub mod metrics;
mod queue;
mod recall;
mod reply;
pub mod request;
mod running;
mod task;
pub(crate) mod verdict;

pub use context::Context;
pub use hit_for_pass::Unstored;
pub use inflight::{Inflight, Place};
pub use queue::Queue;
pub(crate) use recall::Found as Recollected;
pub use reply::{Reply, Share, Source, Storable};
pub use running::{Ends, Fill, Outcome, Started};
pub use task::Job;
