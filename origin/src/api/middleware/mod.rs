//! What every request passes through.

mod charset;
mod cors;
mod observe;
mod timeout;

pub(crate) use charset::charset;
pub use cors::cors;
pub use observe::{HttpMetrics, RequestId, observe};
pub use timeout::timed;
