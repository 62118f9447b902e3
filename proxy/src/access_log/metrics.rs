//! What is lost of the log.

use prometheus::Registry;
use vitrine_shared::telemetry;

use crate::metrics::Pulled;

/// Registers the counter of lines that were dropped.
pub fn register(registry: &Registry) -> prometheus::Result<()> {
    let dropped = || telemetry::lines().map_or(0, telemetry::Lines::dropped);
    registry.register(Box::new(Pulled::counter(
        "vitrine_log_dropped_total",
        "Lines of the log that were dropped, since standard error did not take them in time.",
        dropped,
    )?))
}
