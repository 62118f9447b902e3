//! What the feed does next, given what has happened: no IO and no clock of its own, so that a simulation can drive it.
//!
//! Two ways lead to the purges. The Redis Stream is fast and may lose or delay; the origin's feed endpoint is the truth.
//! Each renewal of the lease brings the newest position, so that a silent stream is noticed: what the stream has not brought
//! [`STREAM_GRACE`] after it became known is fetched from the endpoint.

use std::sync::Arc;
use std::time::Duration;

use vitrine_shared::clock::BootTime;
use vitrine_shared::coherence::{ApplyError, Live};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, Page, Renewal, VERSION};
use vitrine_shared::lease::Lease;

use super::connection::Connection;
use super::status::{Source, Status};
use crate::disk::Tier;
use crate::purge::log::PurgeLog;
use crate::trail::Outcomes;

/// How long the stream may take to bring what is known to exist.
pub const STREAM_GRACE: Duration = Duration::from_millis(100);
/// How long the endpoint may hold a request open while there is nothing new and no stream to read.
const POLL_WAIT: Duration = Duration::from_secs(10);
/// Pause between two empty pages, for an endpoint that does not hold requests open.
const POLL_PAUSE: Duration = Duration::from_millis(50);
/// First and longest pause after a failure of the endpoint.
const PAGE_RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// First and longest pause after a failure of the stream.
const STREAM_RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Pause after a report that failed or was refused.
const REPORT_RETRY: Duration = Duration::from_millis(250);

/// How the lease is kept.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTerms {
    /// How often it is renewed, where it does not end sooner: at the latest when a third of it has passed.
    pub renew_every: Duration,
    /// Longest lease that is believed, whatever the origin grants.
    pub longest: Duration,
}

/// What has happened.
#[derive(Debug)]
pub enum Event {
    /// Time has passed.
    Tick,
    /// The endpoint answered.
    Page(Page),
    /// The endpoint did not, or not in a form that is understood.
    PageFailed,
    /// The stream can be read.
    StreamOpened,
    /// The stream brought a batch.
    Batch(Batch),
    /// The stream cannot be read, or holds what is not understood.
    StreamBroken,
    /// A report was answered.
    Renewed {
        /// When the report was sent: the lease runs from then.
        sent_at: BootTime,
        /// The answer.
        renewal: Renewal,
    },
    /// A report was not answered.
    RenewalFailed,
}

/// What to do. At most one page, one report and one stream are ever under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the endpoint for what follows `after`; it may hold the request for `wait`.
    FetchPage {
        /// Where this edge stands.
        after: Epoch,
        /// How long the endpoint may wait for something new.
        wait: Duration,
    },
    /// Read the stream from the entry after `after`.
    OpenStream {
        /// Where this edge stands.
        after: Epoch,
    },
    /// Report where this edge stands, and ask for the lease.
    Report {
        /// Where this edge stands.
        applied: Epoch,
    },
}

/// The state of the feed.
#[derive(Debug)]
pub struct Machine {
    live: Arc<Live>,
    connection: Arc<Connection>,
    status: Arc<Status>,
    log: Arc<PurgeLog>,
    outcomes: Arc<Outcomes>,
    terms: LeaseTerms,
    has_stream: bool,
    /// Where what is applied is written down.
    disk: Option<Arc<Tier>>,
    /// Whether the tag table knows what was purged before this process, so that the feed goes on from there.
    restored: bool,
    /// Whether a first position was taken, or the first one was gone on from; nothing is reported before.
    positioned: bool,
    /// Something between `applied` and what was seen is missing.
    gap: bool,
    newest: Epoch,
    behind_since: Option<BootTime>,
    stream: Link,
    page: Link,
    reported: Option<Epoch>,
    report_under_way: bool,
    report_due: BootTime,
    report_not_before: BootTime,
}

/// One of the two ways, with its pauses after failures.
#[derive(Debug)]
struct Link {
    under_way: bool,
    up: bool,
    not_before: BootTime,
    failures: u32,
    pauses: (Duration, Duration),
}

// === impl Machine ===

impl Machine {
    /// A feed that stands nowhere yet; `has_stream` where a Redis is configured.
    pub fn new(
        live: Arc<Live>,
        connection: Arc<Connection>,
        status: Arc<Status>,
        log: Arc<PurgeLog>,
        terms: LeaseTerms,
        has_stream: bool,
        now: BootTime,
    ) -> Self {
        Self {
            newest: live.applied(),
            live,
            connection,
            status,
            log,
            outcomes: Arc::default(),
            terms,
            has_stream,
            disk: None,
            restored: false,
            positioned: false,
            gap: false,
            behind_since: None,
            stream: Link::new(now, STREAM_RETRY),
            page: Link::new(now, PAGE_RETRY),
            reported: None,
            report_under_way: false,
            report_due: now,
            report_not_before: now,
        }
    }

    /// With a disk, which may have brought the tag table of an earlier process.
    #[must_use]
    pub fn with_disk(self, disk: Option<Arc<Tier>>, restored: bool) -> Self {
        Self { disk, restored, ..self }
    }

    /// With a trail, in which what comes is noted; whoever carries out the actions tells it when that was applied.
    #[must_use]
    pub fn with_trail(self, outcomes: Arc<Outcomes>) -> Self {
        Self { outcomes, ..self }
    }

    /// Takes in what has happened and says what to do.
    pub fn handle(&mut self, now: BootTime, event: Event) -> Vec<Action> {
        match event {
            Event::Tick => {}
            Event::Page(page) if page.v == VERSION => self.on_page(now, &page),
            Event::Page(_) | Event::PageFailed => self.page.failed(now),
            Event::StreamOpened => self.stream.succeeded(),
            Event::Batch(batch) => self.on_batch(now, &batch),
            Event::StreamBroken => {
                self.stream.failed(now);
                self.gap = true;
            }
            Event::Renewed { sent_at, renewal } if renewal.v == VERSION => self.on_renewal(now, sent_at, &renewal),
            Event::Renewed { .. } | Event::RenewalFailed => {
                self.report_under_way = false;
                self.report_not_before = now + REPORT_RETRY;
                self.status.lease_failed();
            }
        }
        self.note_lag(now);
        self.plan(now)
    }

    /// When to send a [`Event::Tick`] if nothing else happens before; `None` while only answers are waited for.
    pub fn next_wake(&self) -> Option<BootTime> {
        let report = (self.positioned && !self.report_under_way).then(|| self.report_at());
        let page = (!self.page.under_way).then(|| self.page_at()).flatten();
        let stream = self.stream_wanted().then_some(self.stream.not_before);
        [report, page, stream].into_iter().flatten().min()
    }

    fn plan(&mut self, now: BootTime) -> Vec<Action> {
        let mut actions = Vec::new();
        let applied = self.live.applied();
        if self.stream_wanted() && now >= self.stream.not_before {
            self.stream.under_way = true;
            actions.push(Action::OpenStream { after: applied });
        }
        if !self.page.under_way && self.page_at().is_some_and(|at| now >= at) {
            self.page.under_way = true;
            let idle = self.positioned && !self.gap && self.behind_since.is_none();
            let wait = if idle { POLL_WAIT } else { Duration::ZERO };
            actions.push(Action::FetchPage { after: applied, wait });
        }
        if self.positioned && !self.report_under_way && now >= self.report_at() {
            self.report_under_way = true;
            self.reported = Some(applied);
            actions.push(Action::Report { applied });
        }
        actions
    }

    fn stream_wanted(&self) -> bool {
        self.has_stream && self.positioned && !self.stream.under_way
    }

    /// When the endpoint should be asked next; `None` while the stream is enough.
    fn page_at(&self) -> Option<BootTime> {
        let at_once = self.page.not_before;
        if !self.positioned || self.gap || !self.stream.up {
            return Some(at_once);
        }
        self.behind_since.map(|since| at_once.max(since + STREAM_GRACE))
    }

    /// A report is due by time, or at once where `applied` has advanced since the last one.
    fn report_at(&self) -> BootTime {
        let news = self.reported.is_none_or(|reported| self.live.applied() > reported);
        if news { self.report_not_before } else { self.report_due.max(self.report_not_before) }
    }

    fn on_page(&mut self, now: BootTime, page: &Page) {
        let before = self.live.applied();
        self.page.succeeded();
        self.page.under_way = false;
        self.newest = self.newest.max(page.position);
        if !self.positioned && self.restored && page.position < before {
            self.start_over(page.position);
        } else if self.positioned || self.restored {
            if let Some(position) = page.take_position {
                self.take(now, position);
            }
            for batch in &page.batches {
                if self.apply(now, batch, Source::Endpoint).is_err() {
                    // The endpoint itself cannot close the gap: trust nothing older than its position.
                    self.take(now, page.position.max(batch.last()));
                    break;
                }
            }
        } else {
            // The store is empty, so nothing is lost by starting at the newest position.
            let position = page.take_position.unwrap_or_default().max(page.position);
            self.live.take_position(position);
            self.note(|disk| disk.note_position(position));
        }
        self.positioned = true;
        let applied = self.live.applied();
        // A later page continues where this one ended; without progress there is nothing more to be had here.
        self.gap = applied < page.position && applied > before;
        if page.position.term > applied.term {
            self.take(now, page.position);
            self.gap = false;
        }
        if applied == before {
            self.page.not_before = now + POLL_PAUSE;
        }
    }

    fn on_batch(&mut self, now: BootTime, batch: &Batch) {
        self.newest = self.newest.max(batch.last());
        if self.apply(now, batch, Source::Stream).is_err() {
            self.gap = true;
        }
    }

    fn on_renewal(&mut self, now: BootTime, sent_at: BootTime, renewal: &Renewal) {
        self.report_under_way = false;
        self.newest = self.newest.max(renewal.position);
        if let Some(millis) = renewal.lease_ms {
            let lasts = Duration::from_millis(millis).min(self.terms.longest);
            self.connection.grant(Lease::granted(sent_at, lasts));
            self.report_due = sent_at + (lasts / 3).min(self.terms.renew_every);
            self.status.lease_granted();
        } else {
            self.report_not_before = now + REPORT_RETRY;
            self.status.lease_refused();
        }
    }

    fn apply(&mut self, now: BootTime, batch: &Batch, source: Source) -> Result<(), ApplyError> {
        let before = self.live.applied();
        match self.live.apply(batch) {
            Ok(new) => {
                self.log.note_batch(batch, before);
                if new > 0 {
                    self.outcomes.note_batch(now, source.way(), batch, before);
                    self.note(|disk| disk.note_batch(batch));
                }
                self.status.applied(source, new);
                Ok(())
            }
            Err(error) => {
                tracing::info!(%error, ?source, "a batch of purges cannot be applied here");
                self.status.gap(source);
                Err(error)
            }
        }
    }

    fn take(&mut self, now: BootTime, position: Epoch) {
        if position > self.live.applied() {
            tracing::warn!(%position, "the feed's history is not held: every object stamped earlier is gone");
            self.live.take_position(position);
            self.outcomes.note_position(now, position);
            self.note(|disk| disk.note_position(position));
            self.status.position_taken();
        }
    }

    /// The origin stands before what an earlier process had applied: its history was lost without a new term, and its numbers will be
    /// given again.
    fn start_over(&mut self, position: Epoch) {
        let applied = self.live.applied();
        tracing::warn!(%position, %applied, "the feed's history has begun again: every object stored before is gone");
        self.live.start_over(position);
        self.outcomes.start_over();
        self.note(Tier::note_start_over);
        self.newest = position;
        self.status.position_taken();
    }

    fn note(&self, what: impl FnOnce(&Tier)) {
        if let Some(disk) = &self.disk {
            what(disk);
        }
    }

    fn note_lag(&mut self, now: BootTime) {
        let applied = self.live.applied();
        self.newest = self.newest.max(applied);
        if self.newest > applied {
            self.behind_since.get_or_insert(now);
        } else {
            self.behind_since = None;
            // Nothing is known to be missing: what a broken stream may have held is found out by the next page.
        }
        self.status.stands(self.newest, self.stream.up, self.page.failures == 0 && self.positioned);
    }
}

// === impl Link ===

impl Link {
    fn new(now: BootTime, pauses: (Duration, Duration)) -> Self {
        Self { under_way: false, up: false, not_before: now, failures: 0, pauses }
    }

    fn succeeded(&mut self) {
        self.up = true;
        self.failures = 0;
    }

    fn failed(&mut self, now: BootTime) {
        let (first, longest) = self.pauses;
        self.not_before = now + first.saturating_mul(1 << self.failures.min(10)).min(longest);
        self.failures = self.failures.saturating_add(1);
        self.under_way = false;
        self.up = false;
    }
}

#[cfg(test)]
mod tests;
