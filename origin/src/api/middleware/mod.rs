//! What every request passes through.

mod cors;
mod observe;
mod timeout;

pub use cors::cors;
pub use observe::{HttpMetrics, RequestId, observe};
pub use timeout::timed;
