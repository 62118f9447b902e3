//! `vitrine clean-data`: forgets the demo shop.

use std::path::Path;
use std::process::ExitCode;

use super::LauncherError;
use super::lock::{LOCK_FILE, LockedData};
use super::logs::say;
use crate::stack::{StackError, end_leftovers, remove_cluster};

pub(crate) fn run(folder: &Path) -> Result<ExitCode, LauncherError> {
    if !folder.exists() {
        say("vitrine", "there is no data");
        return Ok(ExitCode::SUCCESS);
    }
    if !folder.join(LOCK_FILE).is_file() {
        return Err(LauncherError::NotOurs { folder: folder.to_owned() });
    }
    let locked = LockedData::take(folder)?;
    end_leftovers(&locked.data().pids());
    remove_cluster(folder)?;
    std::fs::remove_dir_all(folder).map_err(|source| StackError::Io {
        doing: "remove",
        path: folder.to_owned(),
        source,
    })?;
    say("vitrine", "the data is gone");
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_folder_is_removed_and_only_while_nothing_runs_on_it() {
        let parent = tempfile::tempdir().unwrap();
        let foreign = parent.path().join("foreign");
        std::fs::create_dir(&foreign).unwrap();
        assert!(matches!(run(&foreign), Err(LauncherError::NotOurs { .. })));

        let ours = parent.path().join("ours");
        let running = LockedData::take(&ours).unwrap();
        assert!(matches!(run(&ours), Err(LauncherError::Stack(StackError::Locked { .. }))));
        drop(running);
        run(&ours).unwrap();
        assert!(!ours.exists());
        run(&ours).unwrap();
    }
}
