//! The file that says which process a server is, so that a later run can end it safely.
//!
//! A pid alone may by then belong to a stranger, so the file also has the process's start time.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::StackError;

/// A process that is the same one as when this was written, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessId {
    pub(crate) pid: i32,
    /// Field 22 of /proc/PID/stat: clock ticks between boot and the process's start.
    pub(crate) start: u64,
}

impl ProcessId {
    /// The process with this pid, if it runs.
    pub(crate) fn running(pid: i32) -> Option<Self> {
        stat(pid).filter(|stat| stat.runs).map(|stat| Self { pid, start: stat.start })
    }

    /// A child that was not collected yet: it may have ended, but its pid is still its own.
    pub(crate) fn of_child(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        stat(pid).map(|stat| Self { pid, start: stat.start })
    }

    /// This process.
    pub(crate) fn own() -> Option<Self> {
        i32::try_from(std::process::id()).ok().and_then(Self::running)
    }

    /// Whether this very process still runs. One that has ended but was not collected by its parent does not.
    pub(crate) fn is_alive(self) -> bool {
        Self::running(self.pid) == Some(self)
    }

    /// Signals the process, if it is still the same.
    pub(crate) fn signal(self, signal: Signal) {
        if self.is_alive() {
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Signals the process and the group it leads, if it is still the same.
    pub(crate) fn signal_group(self, signal: Signal) {
        if self.is_alive() {
            let _ = killpg(Pid::from_raw(self.pid), signal);
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }
}

/// What a pid file holds: the process, and the signal that asks it to end in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) process: ProcessId,
    pub(crate) stop_signal: Signal,
}

impl PidFile {
    pub(crate) fn write(self, path: &Path) -> Result<(), StackError> {
        let text = format!("{} {} {}\n", self.process.pid, self.process.start, self.stop_signal);
        fs::write(path, text).map_err(StackError::io("write", path))
    }

    /// `None` for a file that is gone, half-written or not ours: then there is nothing that may be killed.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let mut words = text.split_whitespace();
        let pid = words.next()?.parse().ok().filter(|pid| *pid > 1)?;
        let start = words.next()?.parse().ok()?;
        let stop_signal = Signal::from_str(words.next()?).ok()?;
        Some(Self { process: ProcessId { pid, start }, stop_signal })
    }
}

/// What the kernel tells of a process.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    start: u64,
    /// Whether it runs: it has not ended without being collected.
    runs: bool,
}

fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The program's name, field 2, may contain spaces and brackets: fields are counted from the last bracket.
fn parse_stat(stat: &str) -> Option<Stat> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let runs = !matches!(fields.next()?, "Z" | "X");
    Some(Stat { start: fields.nth(18)?.parse().ok()?, runs })
}

/// The processes whose parent is `pid`.
pub(crate) fn children_of(pid: i32) -> Vec<i32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|child| parent_of(*child) == Some(pid))
        .collect()
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 10 11";

    #[test]
    fn the_start_time_is_field_22_whatever_the_name() {
        assert_eq!(parse_stat(STAT), Some(Stat { start: 987_654, runs: true }));
    }

    #[test]
    fn a_zombie_does_not_run() {
        assert!(!parse_stat(&STAT.replace(" S ", " Z ")).unwrap().runs);
    }

    #[test]
    fn this_process_is_alive_and_a_later_one_with_its_pid_is_another() {
        let own = ProcessId::own().unwrap();
        assert!(own.is_alive());
        assert!(!ProcessId { start: own.start + 1, ..own }.is_alive());
    }

    #[test]
    fn what_is_written_is_read_back_and_rubbish_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.pid");
        let file = PidFile { process: ProcessId { pid: 4711, start: 9 }, stop_signal: Signal::SIGINT };
        file.write(&path).unwrap();
        assert_eq!(PidFile::read(&path), Some(file));
        for rubbish in ["", "1 5 SIGTERM", "-4 5 SIGTERM", "12", "12 x SIGTERM", "12 5 SIGNOT"] {
            fs::write(&path, rubbish).unwrap();
            assert_eq!(PidFile::read(&path), None, "{rubbish:?}");
        }
    }
}
