//! The folder of one test: removed when the test ends, or by the next test when it was killed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::geteuid;

use super::data_dir::make_folder;
use super::leftovers::end_leftovers;
use super::pid_file::ProcessId;
use super::{DataDir, StackError, random_hex};

/// A temporary [`DataDir`]. Its name tells which process owns it, so the folder of a dead one is known as such.
#[derive(Debug)]
pub struct Scratch {
    data: DataDir,
}

impl Scratch {
    /// A new folder under the system's temporary folder. Ends and removes what killed tests left there.
    pub fn new() -> Result<Self, StackError> {
        Self::below(&std::env::temp_dir())
    }

    /// The same under another folder, such as one in memory.
    pub fn below(folder: &Path) -> Result<Self, StackError> {
        let parent = folder.join(format!("vitrine-test-{}", geteuid()));
        make_folder(&parent, 0o711)?;
        refuse_foreign(&parent)?;
        sweep(&parent);
        let own = ProcessId::own().ok_or_else(|| StackError::Invalid {
            what: "/proc/self/stat".to_owned(),
            reason: "it tells no start time; the private stack needs Linux with /proc mounted".to_owned(),
        })?;
        let folder = parent.join(format!("{}-{}-{}", own.pid, own.start, random_hex(4)));
        Ok(Self { data: DataDir::open(&folder)? })
    }

    /// The folder.
    pub fn data(&self) -> &DataDir {
        &self.data
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.data.root()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let keep = std::thread::panicking() && std::env::var_os("VITRINE_KEEP_FAILED").is_some();
        if keep {
            eprintln!("kept the folder of the failed test: {}", self.path().display());
        } else {
            let _ = fs::remove_dir_all(self.path());
        }
    }
}

/// Somebody else could have made the folder first, in a temporary folder that all may write.
fn refuse_foreign(parent: &Path) -> Result<(), StackError> {
    let metadata = fs::symlink_metadata(parent).map_err(StackError::io("look at", parent))?;
    if metadata.is_dir() && metadata.uid() == geteuid().as_raw() {
        return Ok(());
    }
    Err(StackError::Invalid {
        what: parent.display().to_string(),
        reason: "it is no folder of this user; remove it, or set TMPDIR to another folder".to_owned(),
    })
}

/// Ends the servers of dead owners and removes their folders. Several sweeps at once do no harm.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for folder in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if owner_of(&folder).is_some_and(|owner| !owner.is_alive()) {
            end_leftovers(&folder.join("pids"));
            let _ = fs::remove_dir_all(folder);
        }
    }
}

fn owner_of(folder: &Path) -> Option<ProcessId> {
    let mut parts = folder.file_name()?.to_str()?.split('-');
    Some(ProcessId { pid: parts.next()?.parse().ok()?, start: parts.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::{Program, ServerProcess};

    #[test]
    fn it_is_removed_at_the_end() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().to_owned();
        assert!(path.is_dir());
        drop(scratch);
        assert!(!path.exists());
    }

    #[test]
    fn the_servers_and_folder_of_a_killed_owner_are_swept_and_those_of_a_living_one_are_not() {
        let scratch = Scratch::new().unwrap();
        let own = ProcessId::own().unwrap();
        let parent = scratch.path().join("several");
        let start = |folder: &str| {
            let data = DataDir::open(&parent.join(folder)).unwrap();
            ServerProcess::spawn(Program::new("sleeper", "/bin/sleep", &data).args(["600"])).unwrap()
        };
        let mut of_living = start(&format!("{}-{}-aa", own.pid, own.start));
        let mut of_dead = start(&format!("{}-{}-bb", own.pid, own.start + 1));
        sweep(&parent);
        assert!(of_living.is_running());
        assert!(!of_dead.is_running());
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 1);
    }
}
