//! The limits in force, with their counts.

use std::sync::Arc;
use std::time::Duration;

use prometheus::IntCounter;
use vitrine_shared::clock::BootTime;

use super::caller::{Caller, Secret};
use super::limit::{Counted, Limit};
use super::metrics::RateMetrics;
use super::sketch::{Pace, Sketch};
use crate::rules::LimitIndex;

/// All limits of a configuration, with what was counted under them.
#[derive(Debug, Default)]
pub struct RateLimits(Box<[Running]>);

/// A limit with its counts.
#[derive(Debug)]
struct Running {
    limit: Limit,
    pace: Pace,
    counts: Arc<Counts>,
    /// Requests over it.
    over: IntCounter,
}

/// A limit that a request is over, and for how long, in nanoseconds.
#[derive(Clone, Copy)]
struct Over<'l> {
    running: &'l Running,
    wait: u64,
}

/// What was counted under a limit; it outlives reloads that leave the limit as it is.
#[derive(Debug)]
struct Counts {
    sketch: Sketch,
    secret: Secret,
}

/// A request is over a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests: try again in {} s", self.retry_after())]
pub struct Limited {
    /// The limit's name.
    pub limit: Arc<str>,
    /// How long until its caller has a request again.
    pub wait: Duration,
}

// === impl RateLimits ===

impl RateLimits {
    /// The limits of a configuration, which comes into force after `earlier`: a limit that is as it was goes on with its counts.
    pub fn new(limits: &[Limit], earlier: &Self, metrics: &RateMetrics) -> Self {
        let running = |limit: &Limit| {
            let kept = earlier.0.iter().find(|kept| kept.limit.name == limit.name && kept.limit.counts_as(limit));
            Running {
                pace: limit.pace(),
                counts: kept.map_or_else(|| Arc::new(Counts::of(limit)), |kept| Arc::clone(&kept.counts)),
                over: metrics.over(&limit.name, limit.dry_run),
                limit: limit.clone(),
            }
        };
        let limits = Self(limits.iter().map(running).collect());
        metrics.keep(limits.0.iter().map(|running| &*running.limit.name));
        limits
    }

    /// Counts a request under those of its rule's limits (`named`) that count `counted` requests. An error where it is over one of
    /// them; then it counts under none.
    ///
    /// Each request is to be checked once for [`Counted::All`], where it is clear by whom it is answered, and once for
    /// [`Counted::Upstream`] where it goes on. The clock is read only where there is a limit.
    #[inline]
    pub fn check(
        &self,
        named: &[LimitIndex],
        counted: Counted,
        caller: &Caller<'_>,
        now: impl FnOnce() -> BootTime,
    ) -> Result<(), Limited> {
        if named.is_empty() {
            return Ok(());
        }
        self.count(named, counted, caller, since_boot(now())).map_err(|over| {
            over.running.over.inc();
            over.limited()
        })
    }

    /// As [`RateLimits::check`], for who leaves it to another to refuse the request, and to ask once more before: false where it is over
    /// a limit. Allocates nothing.
    #[inline]
    pub fn admits(&self, named: &[LimitIndex], counted: Counted, caller: &Caller<'_>, now: BootTime) -> bool {
        named.is_empty() || self.count(named, counted, caller, since_boot(now)).is_ok()
    }

    /// What [`RateLimits::check`] would say, without counting.
    pub fn look(
        &self,
        named: &[LimitIndex],
        counted: Counted,
        caller: &Caller<'_>,
        now: BootTime,
    ) -> Result<(), Limited> {
        self.look_at(named, counted, caller, since_boot(now)).map_err(|over| over.limited())
    }

    fn look_at(&self, named: &[LimitIndex], counted: Counted, caller: &Caller<'_>, now: u64) -> Result<(), Over<'_>> {
        for running in self.of(named, counted).filter(|running| !running.limit.dry_run) {
            let Some(hash) = running.caller(caller) else { continue };
            let wait = running.counts.sketch.wait(hash, running.pace, now);
            if wait > 0 {
                return Err(Over { running, wait });
            }
        }
        Ok(())
    }

    fn count(&self, named: &[LimitIndex], counted: Counted, caller: &Caller<'_>, now: u64) -> Result<(), Over<'_>> {
        // All are asked before any counts, so that what one refuses is not counted by the others.
        if named.len() > 1 {
            self.look_at(named, counted, caller, now)?;
        }
        for running in self.of(named, counted) {
            let Some(hash) = running.caller(caller) else { continue };
            match running.counts.sketch.take(hash, running.pace, now) {
                Ok(()) => {}
                Err(_) if running.limit.dry_run => running.over.inc(),
                // Of several also where the last token was taken since it was looked for.
                Err(wait) => return Err(Over { running, wait }),
            }
        }
        Ok(())
    }

    fn of(&self, named: &[LimitIndex], counted: Counted) -> impl Iterator<Item = &Running> {
        named.iter().filter_map(|index| self.0.get(index.get())).filter(move |running| running.limit.count == counted)
    }
}

// === impl Running ===

impl Running {
    /// The caller's hash; `None` where the request does not count.
    fn caller(&self, caller: &Caller<'_>) -> Option<u128> {
        if self.limit.excepts(caller.address) { None } else { caller.hash(&self.limit.by, self.counts.secret) }
    }
}

// === impl Over ===

impl Over<'_> {
    fn limited(&self) -> Limited {
        Limited { limit: Arc::clone(&self.running.limit.name), wait: Duration::from_nanos(self.wait) }
    }
}

// === impl Counts ===

impl Counts {
    fn of(limit: &Limit) -> Self {
        let sketch = if limit.by.is_empty() { Sketch::of_one() } else { Sketch::of_many() };
        Self { sketch, secret: rand::random() }
    }
}

// === impl Limited ===

impl Limited {
    /// The same in whole seconds, at least one, as Retry-After has it (RFC 9110 §10.2.3).
    pub fn retry_after(&self) -> u64 {
        let seconds = self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0);
        seconds.max(1)
    }
}

fn since_boot(now: BootTime) -> u64 {
    u64::try_from(now.since(BootTime::at(Duration::ZERO)).as_nanos()).unwrap_or(u64::MAX)
}
