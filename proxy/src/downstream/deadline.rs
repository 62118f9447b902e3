//! Deadlines of connections. They are looked at together a few times a second, so that a request costs neither a timer nor a
//! look at the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval};

/// Between two looks.
pub(super) const TICK: Duration = Duration::from_millis(200);

/// A point in time: milliseconds since the worker began, as of the last look.
pub(super) type Millis = u64;

/// No deadline.
const NEVER: Millis = Millis::MAX;

/// The deadlines of one worker's connections.
#[derive(Debug)]
pub(super) struct Deadlines {
    began: Instant,
    now: AtomicU64,
    watched: Mutex<Vec<Arc<Watch>>>,
}

/// One connection's deadline.
#[derive(Debug)]
pub(super) struct Watch {
    at: AtomicU64,
    task: Mutex<Option<Waker>>,
}

/// In milliseconds.
pub(super) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(NEVER)
}

// === impl Deadlines ===

impl Deadlines {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), now: AtomicU64::new(0), watched: Mutex::default() }
    }

    /// The time of the last look.
    pub(super) fn now(&self) -> Millis {
        self.now.load(Ordering::Relaxed)
    }

    /// A watch that is looked at until nobody else holds it.
    pub(super) fn watch(&self) -> Arc<Watch> {
        let watch = Arc::new(Watch { at: AtomicU64::new(NEVER), task: Mutex::default() });
        self.watched.lock().push(watch.clone());
        watch
    }

    /// Looks again and again.
    pub(super) async fn run(&self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look(millis(self.began.elapsed()));
        }
    }

    /// Wakes the tasks whose time is over.
    pub(super) fn look(&self, now: Millis) {
        self.now.store(now, Ordering::Relaxed);
        self.watched.lock().retain(|watch| {
            if watch.is_due(now) {
                watch.wake();
            }
            Arc::strong_count(watch) > 1
        });
    }

    /// Wakes them all.
    pub(super) fn wake_all(&self) {
        self.watched.lock().iter().for_each(|watch| watch.wake());
    }
}

// === impl Watch ===

impl Watch {
    /// Sets the deadline `after` a time of [`Deadlines::now`]. It is never early: that time may be old by a tick.
    pub(super) fn set(&self, since: Millis, after: Millis) {
        self.at.store(since.saturating_add(after).saturating_add(millis(TICK)), Ordering::Relaxed);
    }

    /// Takes the deadline away.
    pub(super) fn clear(&self) {
        self.at.store(NEVER, Ordering::Relaxed);
    }

    /// Whether a deadline `at` that time is over, by the measure of [`Watch::set`].
    pub(super) fn is_over(at: Millis, now: Millis) -> bool {
        at.saturating_add(millis(TICK)) <= now
    }

    /// Whether the deadline is over.
    pub(super) fn is_due(&self, now: Millis) -> bool {
        self.at.load(Ordering::Relaxed) <= now
    }

    /// The task that is woken when the deadline is over.
    pub(super) fn register(&self, waker: &Waker) {
        let mut task = self.task.lock();
        if !task.as_ref().is_some_and(|task| task.will_wake(waker)) {
            *task = Some(waker.clone());
        }
    }

    fn wake(&self) {
        let task = self.task.lock().clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_is_due_is_woken_and_what_is_gone_is_forgotten() {
        let deadlines = Deadlines::new();
        let watch = deadlines.watch();
        let counted = Arc::new(Counted::default());
        watch.register(&counted.clone().into());
        let woken = || counted.0.load(Ordering::Relaxed);

        deadlines.look(1000);
        assert_eq!((deadlines.now(), woken()), (1000, 0), "there is no deadline");
        watch.set(1000, 300);
        deadlines.look(1499);
        assert_eq!(woken(), 0, "one tick more than asked for, since the time may have been old by one");
        deadlines.look(1500);
        assert_eq!(woken(), 1);
        assert!(Watch::is_over(1000, 1200) && !Watch::is_over(1000, 1199));
        watch.clear();
        deadlines.look(9000);
        assert_eq!(woken(), 1);

        drop(watch);
        deadlines.look(9001);
        assert!(deadlines.watched.lock().is_empty());
    }
}
