//! `vitrine bench-edge` and its helpers: they block, and so run on threads of their own.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::LauncherError;
use super::signals::StopSignals;
use crate::edge::{self, EdgeBenchOptions, EdgeError};

/// Runs the bench; a signal ends it, and the servers that it has started.
pub(crate) async fn run(options: EdgeBenchOptions) -> Result<ExitCode, LauncherError> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut signals = StopSignals::listen()?;
    let ends = stop.clone();
    let mut bench = tokio::task::spawn_blocking(move || edge::run(options, ends));
    let ended = tokio::select! {
        ended = &mut bench => ended,
        _ = signals.next() => {
            stop.store(true, Ordering::Relaxed);
            bench.await
        }
    };
    finish(ended)
}

/// Runs something that blocks until the process ends.
pub(crate) async fn apart(
    task: impl FnOnce() -> Result<(), EdgeError> + Send + 'static,
) -> Result<ExitCode, LauncherError> {
    finish(tokio::task::spawn_blocking(task).await)
}

fn finish(ended: Result<Result<(), EdgeError>, tokio::task::JoinError>) -> Result<ExitCode, LauncherError> {
    let panicked = |error: tokio::task::JoinError| EdgeError::Answer(format!("the bench has panicked: {error}"));
    ended.map_err(panicked)??;
    Ok(ExitCode::SUCCESS)
}
