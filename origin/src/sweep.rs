//! Removes what has expired, in small batches, all the time.

use std::time::Duration;

use crate::modules::cart;
use crate::state::AppState;

/// A pause between batches, so that visitors come first.
const BETWEEN_BATCHES: Duration = Duration::from_millis(50);

/// Runs until the process stops. Several processes may sweep at once: each takes what no other has locked.
pub async fn run(state: AppState) {
    let every = state.config.carts.sweep_s;
    if every == 0 {
        return;
    }
    let mut pause = Duration::from_secs(every);
    while state.shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        pause = match cart::sweep(&state.pool).await {
            Ok(sweep) if sweep.may_go_on => BETWEEN_BATCHES,
            Ok(_) => Duration::from_secs(every),
            Err(error) => {
                tracing::warn!(%error, "expired carts were not removed; the next sweep tries again");
                Duration::from_secs(every)
            }
        };
    }
}
