//! `vitrine prove`, which Ctrl-C ends with all that it made.

use std::process::ExitCode;

use super::LauncherError;
use super::signals::StopSignals;
use crate::prove::{self, ProveError, ProveOptions};

pub(crate) async fn run(options: &ProveOptions) -> Result<ExitCode, LauncherError> {
    let mut stop = StopSignals::listen()?;
    // Dropping a run ends its programs, and then its network.
    let proven = tokio::select! {
        _ = stop.next() => return Err(ProveError::Stopped.into()),
        proven = prove::run(options) => proven?,
    };
    Ok(if proven { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
