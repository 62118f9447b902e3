//! What a server has used, over all its processes: processor time and memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use super::EdgeError;
use crate::stack::children_of;

/// Processor time (user and system) of each process of a server, at one moment.
///
/// A process's own clock counts its ended threads too, to the nanosecond, unlike the sum over /proc/PID/task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CpuTimes(BTreeMap<i32, Duration>);

impl CpuTimes {
    /// Of the process and all below it.
    pub(crate) fn of_tree(root: i32) -> Result<Self, EdgeError> {
        let mut times = BTreeMap::new();
        for pid in tree(root) {
            match of_process(pid) {
                Ok(time) => drop(times.insert(pid, time)),
                // One that has ended meanwhile; the root has not.
                Err(_) if pid != root => {}
                Err(source) => return Err(EdgeError::Usage { pid, source: source.into() }),
            }
        }
        Ok(Self(times))
    }

    /// What was used since then. A process that is new since counts whole, one that has ended since does not count.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        let used = |(pid, now): (&i32, &Duration)| now.saturating_sub(before.0.get(pid).copied().unwrap_or_default());
        self.0.iter().map(used).sum()
    }
}

fn of_process(pid: i32) -> nix::Result<Duration> {
    Ok(clock_gettime(ClockId::pid_cpu_clock_id(Pid::from_raw(pid))?)?.into())
}

/// The process and all below it.
fn tree(root: i32) -> Vec<i32> {
    let mut all = vec![root];
    let mut at = 0;
    while let Some(pid) = all.get(at) {
        all.extend(children_of(*pid));
        at += 1;
    }
    all
}

/// Memory in bytes: of the processes, each shared page counted once among those that share it (PSS), and of files in a folder
/// that lies in memory.
pub(crate) fn memory(root: i32, in_memory: Option<&Path>) -> Result<u64, EdgeError> {
    let mut total = in_memory.map_or(0, disk_usage);
    for pid in tree(root) {
        let path = format!("/proc/{pid}/smaps_rollup");
        match std::fs::read_to_string(&path) {
            Ok(text) => total += pss(&text).unwrap_or_default(),
            Err(_) if pid != root => {}
            Err(source) => return Err(EdgeError::Usage { pid, source }),
        }
    }
    Ok(total)
}

/// The line `Pss: N kB`, in bytes.
fn pss(smaps: &str) -> Option<u64> {
    let line = smaps.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// What the files below a folder take, in bytes, by the blocks that they have. What vanishes meanwhile takes nothing.
pub(super) fn disk_usage(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;

    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => metadata.blocks() * 512 + disk_usage(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proportional_memory_is_read_from_the_rollup() {
        let text = "55e8-7ffd ---p 00000000 00:00 0  [rollup]\nRss:   3456 kB\nPss:   1200 kB\nPss_Dirty:  800 kB\n";
        assert_eq!(pss(text), Some(1200 * 1024));
        assert_eq!(pss("Rss: 1 kB\n"), None);
    }

    #[test]
    fn time_since_then_counts_new_processes_whole_and_ended_ones_not() {
        let at = |times: &[(i32, u64)]| {
            CpuTimes(times.iter().map(|(pid, nanos)| (*pid, Duration::from_nanos(*nanos))).collect())
        };
        let before = at(&[(1, 100), (2, 1_000)]);
        assert_eq!(at(&[(1, 150), (3, 7)]).since(&before), Duration::from_nanos(57));
    }

    #[test]
    fn work_of_this_process_is_seen() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let before = CpuTimes::of_tree(pid).unwrap();
        let worker = std::thread::spawn(|| (0..3_000_000_u64).fold(0, |sum, n| std::hint::black_box(sum ^ n)));
        worker.join().unwrap();
        assert!(CpuTimes::of_tree(pid).unwrap().since(&before) > Duration::from_micros(100));
        assert!(memory(pid, None).unwrap() > 1 << 20);
    }
}
