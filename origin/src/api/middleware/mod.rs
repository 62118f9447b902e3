//! What every request passes through.

mod charset;
mod cors;
mod no_store;
mod observe;
mod timeout;

pub(crate) use charset::charset;
pub use cors::cors;
pub use no_store::no_store;
pub use observe::{HttpMetrics, RequestId, observe};
pub use timeout::timed;
