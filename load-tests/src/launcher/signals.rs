//! Being asked to stop: Ctrl-C, SIGTERM, or the terminal's end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::LauncherError;

/// Waits for a request to stop. From its making on, such signals no longer end the process by themselves.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// Which request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// Ctrl-C, which the terminal also sends to every process of our group.
    Interrupt,
    /// SIGTERM or SIGHUP.
    Terminate,
}

impl StopSignals {
    pub(crate) fn listen() -> Result<Self, LauncherError> {
        let listen = |kind| signal(kind).map_err(|source| LauncherError::Signals { source });
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.hangup.recv() => StopSignal::Terminate,
        }
    }
}
