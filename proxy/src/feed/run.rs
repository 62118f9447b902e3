//! Carries out what the [`Machine`] decides.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use vitrine_redis::Server;
use vitrine_shared::clock::BootTime;
use vitrine_shared::coherence::Live;
use vitrine_shared::feed::{MemberKind, Report};

use super::client::FeedClient;
use super::connection::Connection;
use super::machine::{Action, Event, LeaseTerms, Machine};
use super::status::Status;
use super::stream;
use crate::disk::Tier;
use crate::purge::log::PurgeLog;
use crate::trail::Outcomes;

/// Events that may wait: the stream is read no faster than they are applied.
const EVENTS: usize = 64;

/// Everything the feed needs; [`Feed::run`] consumes it.
pub struct Feed {
    /// Asks the origin's internal port.
    pub client: FeedClient,
    /// The Redis that carries the stream; without it the endpoint is polled.
    pub redis: Option<Server>,
    /// How the lease is kept.
    pub terms: LeaseTerms,
    /// This edge's name, for people.
    pub name: String,
    /// The tag table to keep current.
    pub live: Arc<Live>,
    /// The lease to keep.
    pub connection: Arc<Connection>,
    /// Where it stands, for others.
    pub status: Arc<Status>,
    /// Where purges are noted.
    pub log: Arc<PurgeLog>,
    /// What became of them, which reports tell.
    pub outcomes: Arc<Outcomes>,
    /// Where they are written down.
    pub disk: Option<Arc<Tier>>,
    /// Whether the tag table knows what was purged before this process.
    pub restored: bool,
}

// === impl Feed ===

impl Feed {
    /// Keeps the tag table current and the lease renewed until `stop` turns true; then takes leave of the origin.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let (events, mut inbox) = mpsc::channel(EVENTS);
        let mut machine = Machine::new(
            self.live.clone(),
            self.connection.clone(),
            self.status.clone(),
            self.log.clone(),
            self.terms,
            self.redis.is_some(),
            BootTime::now(),
        )
        .with_disk(self.disk.clone(), self.restored)
        .with_trail(self.outcomes.clone());
        let mut following: Option<JoinHandle<()>> = None;
        let mut event = Event::Tick;
        loop {
            let now = BootTime::now();
            let actions = machine.handle(now, event);
            self.outcomes.applied(BootTime::now());
            for action in actions {
                self.perform(action, &events, &mut following);
            }
            let wait = machine.next_wake().map(|wake| wake.since(BootTime::now()));
            event = tokio::select! {
                Some(event) = inbox.recv() => event,
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => Event::Tick,
                _ = stop.wait_for(|stop| *stop) => break,
            };
        }
        if let Some(following) = following {
            following.abort();
        }
        // First no more serving without asking, then the leave that lets acknowledgements go on without this edge.
        self.connection.give_up(BootTime::now());
        if let Err(error) = self.client.leave().await {
            tracing::info!(%error, "could not take leave of the origin; the lease will run out");
        }
    }

    fn perform(&self, action: Action, events: &mpsc::Sender<Event>, following: &mut Option<JoinHandle<()>>) {
        let client = self.client.clone();
        let events = events.clone();
        match action {
            Action::FetchPage { after, wait } => {
                tokio::spawn(async move {
                    let event = client.page(after, wait).await.map_or_else(
                        |error| {
                            tracing::debug!(%error, "no page of the feed");
                            Event::PageFailed
                        },
                        Event::Page,
                    );
                    events.send(event).await
                });
            }
            Action::Report { applied } => {
                // Never a report more for them, and with writes all the time no more often than renewals come without.
                let outcomes = self.outcomes.report(BootTime::now(), self.terms.renew_every);
                let report = Report { outcomes, ..Report::new(MemberKind::Edge, self.name.clone(), applied) };
                let trail = self.outcomes.clone();
                tokio::spawn(async move {
                    let sent_at = BootTime::now();
                    let event = client.renew(&report).await.map_or_else(
                        |error| {
                            tracing::debug!(%error, "the lease was not renewed");
                            trail.again(&report.outcomes);
                            Event::RenewalFailed
                        },
                        |renewal| Event::Renewed { sent_at, renewal },
                    );
                    events.send(event).await
                });
            }
            Action::OpenStream { after } => {
                if let (Some(redis), previous) = (&self.redis, following.take()) {
                    if let Some(previous) = previous {
                        previous.abort();
                    }
                    *following = Some(tokio::spawn(stream::follow(redis.clone(), after, events)));
                }
            }
        }
    }
}
