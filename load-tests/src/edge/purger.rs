//! Purges that come while ours is measured, as they do in a shop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::EdgeError;
use super::catalog::own_tag;
use super::client::Client;
use super::server::Server;

/// Ten a second.
const EVERY: Duration = Duration::from_millis(100);
/// One purge of so many reaches a hot object; the others are of products that nobody asks for.
const HOT_EVERY: u32 = 10;
/// The metrics are read once in so many purges: every five seconds, three times as often as Prometheus does by itself.
const SCRAPE_EVERY: u32 = 50;

/// Purges in the background until it is stopped.
pub(super) struct Purger {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u32, EdgeError>>,
}

impl Purger {
    /// Where the server is ours, starts on the core of the calling thread.
    pub(super) fn for_ours(server: &Server) -> Result<Option<Self>, EdgeError> {
        if !server.contender.is_ours() {
            return Ok(None);
        }
        let mut client = Client::connect(server.addresses.ops)?;
        let (token, stop) = (server.ops_token.clone(), Arc::new(AtomicBool::new(false)));
        let ends = stop.clone();
        let thread = std::thread::spawn(move || {
            let begin = Instant::now();
            let mut done = 0;
            while !ends.load(Ordering::Relaxed) {
                let id = if done % HOT_EVERY == 0 { done / HOT_EVERY * 7 % 1_000 } else { 90_000_000 + done };
                client.purge_tag(&token, &own_tag(id))?;
                if done % SCRAPE_EVERY == 0 {
                    client.get("ops", "/metrics")?;
                }
                done += 1;
                std::thread::sleep((begin + EVERY * done).saturating_duration_since(Instant::now()));
            }
            Ok(done)
        });
        Ok(Some(Self { stop, thread }))
    }

    /// Stops and tells how many purges there were.
    pub(super) fn stop(self) -> Result<u32, EdgeError> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| EdgeError::Answer("the thread that purges has panicked".to_owned()))?
    }
}

impl Client {
    /// Purges everything with a tag, at once.
    pub(super) fn purge_tag(&mut self, token: &str, tag: &str) -> Result<(), EdgeError> {
        self.post("/purge?scope=edge", token, &format!(r#"{{"purges": [{{"tag": "{tag}"}}]}}"#))
    }
}
