//! Ending what a killed run left behind.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::pid_file::PidFile;
use super::wait::wait_blocking;

/// How long leftovers may take to end in order before they are killed.
const GRACE: Duration = Duration::from_secs(8);

/// Ends every process named by a pid file in `folder`, and removes the files. Returns the names of those that still ran.
///
/// A process whose start time differs from the one noted is a stranger and is left alone.
/// Call this only when no other run can be using the folder.
pub fn end_leftovers(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.extension().is_none_or(|extension| extension != "pid") {
            continue;
        }
        let running = PidFile::read(&path).filter(|file| file.process.is_alive());
        match (running, path.file_stem()) {
            (Some(file), Some(name)) => found.push((name.to_string_lossy().into_owned(), file, path)),
            _ => drop(std::fs::remove_file(&path)),
        }
    }
    for (_, file, _) in &found {
        file.process.signal_group(Signal::SIGCONT);
        file.process.signal(file.stop_signal);
    }
    wait_blocking(GRACE, || found.iter().all(|(_, file, _)| !file.process.is_alive()));
    for (_, file, path) in &found {
        file.process.signal_group(Signal::SIGKILL);
        wait_blocking(Duration::from_secs(2), || !file.process.is_alive());
        let _ = std::fs::remove_file(path);
    }
    found.into_iter().map(|(name, _, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::pid_file::ProcessId;
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    fn sleeper() -> (std::process::Child, ProcessId) {
        let child = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        let id = ProcessId::running(i32::try_from(child.id()).unwrap()).unwrap();
        (child, id)
    }

    #[test]
    fn a_leftover_is_ended_and_its_file_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, process) = sleeper();
        let path = folder.path().join("origin.pid");
        PidFile { process, stop_signal: Signal::SIGTERM }.write(&path).unwrap();
        assert_eq!(end_leftovers(folder.path()), ["origin"]);
        assert!(!process.is_alive());
        assert!(!path.exists());
        child.wait().unwrap();
    }

    #[test]
    fn a_stopped_leftover_is_woken_and_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, process) = sleeper();
        process.signal(Signal::SIGSTOP);
        PidFile { process, stop_signal: Signal::SIGTERM }.write(&folder.path().join("edge-0.pid")).unwrap();
        assert_eq!(end_leftovers(folder.path()), ["edge-0"]);
        child.wait().unwrap();
    }

    #[test]
    fn a_stranger_with_the_same_pid_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, process) = sleeper();
        let path = folder.path().join("origin.pid");
        let earlier = ProcessId { start: process.start - 1, ..process };
        PidFile { process: earlier, stop_signal: Signal::SIGKILL }.write(&path).unwrap();
        assert!(end_leftovers(folder.path()).is_empty());
        assert!(process.is_alive());
        assert!(!path.exists());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
