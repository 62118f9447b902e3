//! A file system that fails as the test says.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

use parking_lot::{Condvar, Mutex};

use super::io::{Blob, Disk, Io, Lock};

/// Wraps the real one; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faulty(Arc<Faults>);

#[derive(Debug, Default)]
struct Faults {
    /// The error number that all that changes anything fails with; 0 for none.
    writes: AtomicI32,
    /// Likewise for reading.
    reads: AtomicI32,
    /// Likewise for removing.
    removals: AtomicI32,
    /// Writes at most so many bytes at once; 0 for all.
    short: AtomicUsize,
    /// Fails each write after so many more bytes were written; used with `writes`.
    is_stuck: AtomicBool,
    stuck: Mutex<usize>,
    freed: Condvar,
}

#[derive(Debug)]
struct FaultyBlob {
    blob: Arc<dyn Blob>,
    faults: Arc<Faults>,
}

/// No space left on the device.
pub(crate) const ENOSPC: i32 = 28;
/// Input or output error.
pub(crate) const EIO: i32 = 5;
/// The file system is read-only.
pub(crate) const EROFS: i32 = 30;

impl Faulty {
    /// All that changes anything fails from now on; 0 for no more.
    pub(crate) fn fail_writes(&self, errno: i32) {
        self.0.writes.store(errno, Ordering::SeqCst);
    }

    /// Reading fails from now on.
    pub(crate) fn fail_reads(&self, errno: i32) {
        self.0.reads.store(errno, Ordering::SeqCst);
    }

    /// Removing fails from now on.
    pub(crate) fn fail_removals(&self, errno: i32) {
        self.0.removals.store(errno, Ordering::SeqCst);
    }

    /// Writes take at most so many bytes at once.
    pub(crate) fn shorten_writes(&self, most: usize) {
        self.0.short.store(most, Ordering::SeqCst);
    }

    /// Reading and writing hangs until it is told otherwise.
    pub(crate) fn hang(&self, hangs: bool) {
        let _held = self.0.stuck.lock();
        self.0.is_stuck.store(hangs, Ordering::SeqCst);
        self.0.freed.notify_all();
    }

    /// Waits until so many hang.
    pub(crate) fn until_stuck(&self, most: usize) {
        let mut stuck = self.0.stuck.lock();
        while *stuck < most {
            self.0.freed.wait(&mut stuck);
        }
    }
}

impl Faults {
    fn pass(&self, errno: &AtomicI32) -> io::Result<()> {
        let mut stuck = self.stuck.lock();
        if self.is_stuck.load(Ordering::SeqCst) {
            *stuck += 1;
            self.freed.notify_all();
            while self.is_stuck.load(Ordering::SeqCst) {
                self.freed.wait(&mut stuck);
            }
            *stuck -= 1;
        }
        drop(stuck);
        match errno.load(Ordering::SeqCst) {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    fn writes(&self) -> io::Result<()> {
        self.pass(&self.writes)
    }

    fn reads(&self) -> io::Result<()> {
        self.pass(&self.reads)
    }
}

impl Faulty {
    fn wrap(&self, blob: Arc<dyn Blob>) -> Arc<dyn Blob> {
        Arc::new(FaultyBlob { blob, faults: self.0.clone() })
    }
}

impl Io for Faulty {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.0.writes()?;
        Disk.make_folder(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.0.reads()?;
        Disk.names(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, u64)>> {
        self.0.reads()?;
        Disk.list(folder)
    }

    fn create(&self, path: &Path, size: u64) -> io::Result<Arc<dyn Blob>> {
        self.0.writes()?;
        Disk.create(path, size).map(|blob| self.wrap(blob))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Blob>> {
        self.0.reads()?;
        Disk.open(path).map(|blob| self.wrap(blob))
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.0.reads()?;
        Disk.read(path, most)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.writes()?;
        Disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.pass(&self.0.removals)?;
        Disk.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.0.writes()?;
        Disk.sync_folder(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        self.0.writes()?;
        Disk.lock(path)
    }
}

impl Blob for FaultyBlob {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.faults.reads()?;
        self.blob.read_at(buffer, at)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        self.faults.writes()?;
        let most = match self.faults.short.load(Ordering::SeqCst) {
            0 => bytes.len(),
            most => most.min(bytes.len()),
        };
        self.blob.write_at(&bytes[..most], at)
    }

    fn len(&self) -> io::Result<u64> {
        self.blob.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.faults.writes()?;
        self.blob.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.writes()?;
        self.blob.sync()
    }
}
