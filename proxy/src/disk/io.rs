//! The little that is asked of a file system, so that tests can make it fail.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

/// What the edge's own folder may be: read, written and entered by its user.
const FOLDER_MODE: u32 = 0o700;
/// What a file in it may be: read and written by its user.
const FILE_MODE: u32 = 0o600;

/// A file system.
pub(crate) trait Io: std::fmt::Debug + Send + Sync {
    /// Makes a folder, with those above it, that only this user may enter; one that is there already becomes such.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// The names of all that is in a folder; nothing where it is not there.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// The names of the files in a folder, with their lengths.
    fn list(&self, folder: &Path) -> io::Result<Vec<(String, u64)>>;
    /// Makes a file that was not there, or empties it, with room for `size` bytes.
    fn create(&self, path: &Path, size: u64) -> io::Result<Arc<dyn Blob>>;
    /// Opens a file to read it, and to write where that is allowed.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn Blob>>;
    /// Reads a whole file of at most `most` bytes.
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>>;
    /// Puts a file in the place of another, or of none.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; that it is not there is no error.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Brings what was done in a folder to the disk.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Takes a lock that no other process can have at the same time; `None` where another has it.
    fn lock(&self, path: &Path) -> io::Result<Option<Lock>>;
}

/// An open file.
pub(crate) trait Blob: std::fmt::Debug + Send + Sync {
    /// Reads some bytes; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
    /// Writes some bytes, at least one.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize>;
    /// How long it is.
    fn len(&self) -> io::Result<u64>;
    /// Cuts it off, or fills it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Brings it to the disk.
    fn sync(&self) -> io::Result<()>;
}

/// A lock that is held until this is dropped, or the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Disk;

// === helpers over any ===

/// Reads exactly `buffer`, or fails.
pub(crate) fn read_exact(blob: &dyn Blob, mut buffer: &mut [u8], mut at: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match blob.read_at(buffer, at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = &mut buffer[read..];
                at += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all of `bytes`, or fails.
pub(crate) fn write_all(blob: &dyn Blob, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match blob.write_at(bytes, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                at += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

// === impl Lock ===

impl Lock {
    /// Whether the file at this path is still the one that is locked: not after the folder was removed, or replaced.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        let (Ok(held), Ok(found)) = (self.file.metadata(), std::fs::metadata(path)) else {
            return false;
        };
        (held.dev(), held.ino()) == (found.dev(), found.ino())
    }
}

// === impl Io ===

impl Io for Disk {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)?;
        let mode = std::fs::metadata(path)?.permissions().mode();
        if mode & 0o777 == FOLDER_MODE {
            Ok(())
        } else {
            std::fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))
        }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                files.push((name, metadata.len()));
            }
        }
        Ok(files)
    }

    fn create(&self, path: &Path, size: u64) -> io::Result<Arc<dyn Blob>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(FILE_MODE).open(path)?;
        if size > 0 {
            reserve(&file, size)?;
        }
        Ok(Arc::new(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Blob>> {
        match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => Ok(Arc::new(file)),
            Err(error)
                if matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied) =>
            {
                Ok(Arc::new(File::open(path)?))
            }
            Err(error) => Err(error),
        }
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Room on the disk for a whole segment, so that it does not run full in the middle; where the file system cannot, so be it.
fn reserve(file: &File, size: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::empty(), 0, size) {
        Ok(()) => Ok(()),
        Err(Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => file.set_len(size),
        Err(error) => Err(error.into()),
    }
}

impl Blob for File {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(self, bytes, at)
    }

    fn len(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_its_files_are_for_this_user_alone() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        Disk.make_folder(&folder).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let file = folder.join("f");
        let blob = Disk.create(&file, 10).unwrap();
        assert_eq!((mode(&file), blob.len().unwrap()), (0o600, 10));
        assert!(Disk.lock(&folder.join("lock")).unwrap().is_some());
        assert_eq!(mode(&folder.join("lock")), 0o600);
    }

    #[test]
    fn a_lock_is_had_once_and_knows_its_file() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let lock = Disk.lock(&path).unwrap().unwrap();
        assert!(Disk.lock(&path).unwrap().is_none());
        assert!(lock.is_at(&path));
        std::fs::remove_file(&path).unwrap();
        assert!(!lock.is_at(&path));
        let other = Disk.lock(&path).unwrap().unwrap();
        assert!(other.is_at(&path) && !lock.is_at(&path));
        drop(other);
        assert!(Disk.lock(&path).unwrap().is_some());
    }
}
