//! This process as a member.

use crate::state::AppState;

/// Runs until the process stops.
pub async fn run(state: AppState) {
    state.shutdown.cancelled().await;
}
