//! The relay.

use prometheus::Registry;

use crate::state::AppState;

/// Metrics of the relay.
#[derive(Debug)]
pub struct RelayMetrics {}

impl RelayMetrics {
    /// Registers them.
    pub fn register(_registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {})
    }
}

/// Runs until the process stops.
pub async fn run(state: AppState) {
    state.shutdown.cancelled().await;
}
