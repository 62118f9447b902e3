//! What a thread keeps from one request to the next, so that a hit neither allocates nor shares what it writes to.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::Cache;
use vitrine_shared::clock::{BootTime, millis, unix};

use super::FastPath;
use super::templates::Templates;
use crate::encoding::Accept;
use crate::engine::Moment;
use crate::key::Framer;
use crate::reload::{Current, Snapshot};

/// How long the distance of the two clocks is taken for the same: a step of the wall clock is seen within it.
const SAME_DISTANCE: Duration = Duration::from_secs(1);

thread_local! {
    static WORK: RefCell<Option<Workspace>> = const { RefCell::new(None) };
}

/// Of one thread, for one fast path.
pub(super) struct Workspace {
    /// Whose it is: tests run several in a process.
    of: u64,
    pub(super) current: Cache<Current, Arc<Snapshot>>,
    /// The generation of the rules that the templates were made by.
    pub(super) generation: u64,
    pub(super) framer: Framer,
    pub(super) templates: Templates,
    /// The last Accept-Encoding that was read, and what it says.
    pub(super) accept: (Vec<u8>, Accept),
    clocks: Clocks,
}

/// The wall clock by the other's readings.
#[derive(Debug)]
struct Clocks {
    boot: BootTime,
    /// To the nanosecond: of sums of whole milliseconds some would lag behind, and what has just ended would pass for fresh.
    unix: Duration,
}

/// Lends this thread's workspace to `work`.
pub(super) fn with<R>(path: &FastPath, work: impl FnOnce(&mut Workspace) -> Option<R>) -> Option<R> {
    WORK.with(|slot| {
        let mut slot = slot.try_borrow_mut().ok()?;
        if slot.as_ref().is_none_or(|own| own.of != path.id) {
            *slot = Some(Workspace::new(path));
        }
        work(slot.as_mut()?)
    })
}

impl Workspace {
    fn new(path: &FastPath) -> Self {
        Self {
            of: path.id,
            current: Cache::new(path.current.clone()),
            generation: 0,
            framer: Framer::default(),
            templates: Templates::default(),
            accept: (Vec::new(), Accept::default()),
            clocks: Clocks::read(BootTime::now()),
        }
    }

    /// Reads the lease's clock, and takes the other's time from it.
    pub(super) fn now(&mut self) -> Moment {
        self.clocks.at(BootTime::now())
    }
}

impl Clocks {
    /// The wall clock, right after this reading of the other.
    fn read(boot: BootTime) -> Self {
        Self { boot, unix: unix() }
    }

    /// Both, by a reading of the one.
    fn at(&mut self, boot: BootTime) -> Moment {
        if boot.since(self.boot) > SAME_DISTANCE {
            *self = Self::read(boot);
        }
        Moment { boot, unix: millis(self.unix.saturating_add(boot.since(self.boot))) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use vitrine_shared::clock::unix_millis;

    use super::*;

    #[test]
    fn it_does_not_lag_behind_the_wall_clock() {
        let (begun, mut clocks) = (Instant::now(), Clocks::read(BootTime::now()));
        while begun.elapsed() < Duration::from_millis(20) {
            let before = unix_millis();
            assert!(clocks.at(BootTime::now()).unix >= before);
        }
    }
}
