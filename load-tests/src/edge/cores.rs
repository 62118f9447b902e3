//! Which core runs what.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::EdgeError;

const THIS_THREAD: Pid = Pid::from_raw(0);

/// Keeps this thread, and what it starts from now on, on one core.
pub(super) fn pin(core: usize) -> Result<(), EdgeError> {
    let failed = |source| EdgeError::Core { core, source };
    let mut set = CpuSet::new();
    set.set(core).map_err(failed)?;
    sched_setaffinity(THIS_THREAD, &set).map_err(failed)
}

/// Starts something on another core: a process inherits the cores of the thread that starts it.
pub(super) fn start_on<T>(core: usize, start: impl FnOnce() -> T) -> Result<T, EdgeError> {
    let failed = |source| EdgeError::Core { core, source };
    let own = sched_getaffinity(THIS_THREAD).map_err(failed)?;
    pin(core)?;
    let started = start();
    sched_setaffinity(THIS_THREAD, &own).map_err(failed)?;
    Ok(started)
}
