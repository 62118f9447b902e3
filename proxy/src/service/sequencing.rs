//! The sequencer as a process has it, where it numbers purges.

use std::net::TcpListener;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use pingora::server::ShutdownWatch;
use pingora::services::background::BackgroundService;
use vitrine_shared::ledger::Terms;

use super::server::{StartError, listen};
use crate::config::Sequencer as Settings;
use crate::metrics::Metrics;
use crate::ops::OpsToken;
use crate::sequencer::{Sequencer, SequencerMetrics, serve};

/// How far clocks of two machines may differ over one lease: as Vitrine's origin has it.
const DRIFT: Duration = Duration::from_secs(2);

/// A sequencer with its port, to be served.
pub(super) struct Sequencing {
    sequencer: Sequencer,
    token: OpsToken,
    listener: Mutex<Option<TcpListener>>,
    /// The edge of this process among the members.
    own: String,
}

// === impl Sequencing ===

impl Sequencing {
    /// Takes the port and the journal.
    pub(super) fn open(settings: &Settings, metrics: &Metrics) -> Result<Self, StartError> {
        let listener = listen(settings.listen)?;
        let counted = SequencerMetrics::register(metrics.registry())?;
        let sequencer = Sequencer::open(&settings.journal, Terms::of(settings.lease, DRIFT), counted)?;
        let token = OpsToken::new(settings.token.expose());
        Ok(Self { sequencer, token, listener: Mutex::new(Some(listener)), own: String::new() })
    }

    /// With the member id of this process's edge.
    pub(super) fn of(self, own: String) -> Self {
        Self { own, ..self }
    }
}

#[async_trait]
impl BackgroundService for Sequencing {
    async fn start(&self, shutdown: ShutdownWatch) {
        let listener = self.listener.lock().take();
        let Some(listener) = listener.and_then(|listener| tokio::net::TcpListener::from_std(listener).ok()) else {
            tracing::error!("the sequencer cannot listen");
            return;
        };
        let served = serve(self.sequencer.clone(), self.token.clone(), listener, self.own.clone(), shutdown).await;
        if let Err(error) = served {
            tracing::error!(%error, "the sequencer's port has ended");
        }
    }
}
