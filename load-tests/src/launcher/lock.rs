//! One run at a time on a data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::stack::{DataDir, StackError};

pub(crate) const LOCK_FILE: &str = "vitrine.lock";

/// The data folder, ours until this is dropped. The system frees the lock when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct LockedData {
    data: DataDir,
    _lock: File,
}

impl LockedData {
    /// Takes the folder, making it if needed, or fails naming who has it.
    pub(crate) fn take(folder: &Path) -> Result<Self, StackError> {
        let data = DataDir::open(folder)?;
        let path = data.root().join(LOCK_FILE);
        let io = |doing| {
            let path = path.clone();
            move |source| StackError::Io { doing, path, source }
        };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(StackError::Locked { folder: data.root().to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
        }
        file.set_len(0).map_err(io("write"))?;
        file.rewind().map_err(io("write"))?;
        writeln!(file, "{}", std::process::id()).map_err(io("write"))?;
        Ok(Self { data, _lock: file })
    }

    pub(crate) fn data(&self) -> &DataDir {
        &self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_refused_with_the_first_ones_number() {
        let folder = tempfile::tempdir().unwrap();
        let first = LockedData::take(folder.path()).unwrap();
        let message = LockedData::take(folder.path()).unwrap_err().to_string();
        assert!(message.contains(&std::process::id().to_string()), "{message}");
        drop(first);
        LockedData::take(folder.path()).unwrap();
    }
}
