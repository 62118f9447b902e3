//! Watching over the running shop, and ending it in order.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::backing::Backing;
use super::logs::say;
use super::signals::StopSignals;
use crate::stack::{ServerProcess, Service};

const INTERVAL: Duration = Duration::from_millis(200);
/// What ended by itself is started again after this.
const RESTART_AFTER: Duration = Duration::from_secs(1);
/// From the request to stop: edges, then the origin, then Redis and Postgres have ended by these times, or are killed.
const EDGES_END: Duration = Duration::from_secs(3);
const ORIGIN_END: Duration = Duration::from_millis(7_500);
const SERVERS_END: Duration = Duration::from_millis(9_500);

/// The whole running shop.
pub(crate) struct Shop {
    // In the order in which they end when a start is given up and all is dropped.
    pub(crate) edges: Vec<Service>,
    pub(crate) origin: Service,
    pub(crate) backing: Backing,
}

impl Shop {
    /// Restarts what dies, until a signal asks to stop.
    pub(crate) async fn watch(&mut self, stop: &mut StopSignals) {
        let mut watched: Vec<Watched> =
            std::iter::once(&mut self.origin).chain(&mut self.edges).map(Watched::new).collect();
        let postgres = self.backing.postgres.as_mut().map(crate::stack::Postgres::process);
        let redis = self.backing.redis.as_mut().map(crate::stack::Redis::process);
        let mut servers: Vec<&mut ServerProcess> = postgres.into_iter().chain(redis).collect();
        loop {
            tokio::select! {
                _ = stop.next() => return,
                () = sleep(INTERVAL) => {}
            }
            for service in &mut watched {
                service.look();
            }
            for server in &mut servers {
                if let Some(status) = server.ended() {
                    let log = server.log().display();
                    say(server.name(), &format!("ended unexpectedly ({status}); stop and start again. Its log: {log}"));
                }
            }
        }
    }

    /// Ends everything: edges first, so that no request meets an origin that has gone.
    pub(crate) async fn stop(mut self) {
        let start = Instant::now();
        let edges = self.edges.iter_mut().map(|edge| edge.process().stop(EDGES_END));
        futures_util::future::join_all(edges).await;
        let left = |limit: Duration| limit.saturating_sub(start.elapsed());
        self.origin.process().stop(left(ORIGIN_END)).await;
        if let Some(s3) = &mut self.backing.s3 {
            s3.stop();
        }
        if let Some(redis) = &mut self.backing.redis {
            redis.process().stop(left(SERVERS_END)).await;
        }
        if let Some(postgres) = &mut self.backing.postgres {
            postgres.process().stop(left(SERVERS_END)).await;
        }
    }
}

/// A program that is started again when it dies.
struct Watched<'a> {
    process: &'a mut ServerProcess,
    restart_at: Option<Instant>,
}

impl<'a> Watched<'a> {
    fn new(service: &'a mut Service) -> Self {
        Self { process: service.process(), restart_at: None }
    }

    fn look(&mut self) {
        if let Some(status) = self.process.ended() {
            let log = self.process.log().display();
            say(self.process.name(), &format!("ended unexpectedly ({status}); starting it again. Its log: {log}"));
            self.restart_at = Some(Instant::now() + RESTART_AFTER);
        }
        if self.restart_at.is_some_and(|time| Instant::now() >= time) {
            self.restart_at = None;
            if let Err(error) = self.process.start() {
                say(self.process.name(), &error.to_string());
                self.restart_at = Some(Instant::now() + RESTART_AFTER);
            }
        }
    }
}
