//! What a thread keeps from one request to the next, so that a hit neither allocates nor shares what it writes to.

use std::cell::RefCell;
use std::sync::Arc;

use arc_swap::Cache;
use vitrine_shared::clock::{BootTime, unix_millis};

use super::FastPath;
use super::templates::Templates;
use crate::encoding::Accept;
use crate::engine::Moment;
use crate::key::Framer;
use crate::reload::{Current, Snapshot};

/// How long the distance of the two clocks is taken for the same, in milliseconds: a step of the wall clock is seen within it.
const SAME_DISTANCE: u64 = 1000;

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
    unix: u64,
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
            clocks: Clocks { boot: BootTime::now(), unix: unix_millis() },
        }
    }

    /// Reads the lease's clock, and takes the other's time from it.
    pub(super) fn now(&mut self) -> Moment {
        let boot = BootTime::now();
        let mut since = u64::try_from(boot.since(self.clocks.boot).as_millis()).unwrap_or(u64::MAX);
        if since > SAME_DISTANCE {
            self.clocks = Clocks { boot, unix: unix_millis() };
            since = 0;
        }
        Moment { boot, unix: self.clocks.unix.saturating_add(since) }
    }
}
