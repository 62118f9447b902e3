//! A merchant beside the readers: one write to the catalog a second.

use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::contender::Contender;
use crate::bench::BenchError;

/// From one write to the next.
const EVERY: Duration = Duration::from_secs(1);

/// One that writes until it is stopped.
pub(super) struct Writer {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), BenchError>>,
}

// === impl Writer ===

impl Writer {
    /// Changes the subtitle of one product after the other, through the contender's own Admin API.
    pub(super) fn start(contender: &Contender) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let contender = contender.clone();
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            for number in 0_usize.. {
                tokio::select! {
                    _ = &mut stopped => break,
                    _ = ticks.tick() => {}
                }
                let path = format!("/admin/products/{}?fields=id", contender.catalog.product(number));
                contender.post_as_merchant(&path, &json!({ "subtitle": format!("Subtitle {number}") })).await?;
            }
            Ok(())
        });
        Self { stop, task }
    }

    pub(super) async fn stop(self) -> Result<(), BenchError> {
        // One that has failed has ended already, and tells why below.
        let _ = self.stop.send(());
        self.task.await.map_err(|error| BenchError::Answer(error.to_string()))?
    }
}
