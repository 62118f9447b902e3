//! What a file looks like from outside.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

/// What tells one state of a file from another without reading it; links are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    device: u64,
    inode: u64,
    length: u64,
    modified: Option<SystemTime>,
}

impl Look {
    /// `None` where there is no file.
    pub(crate) fn of(file: &Path) -> Option<Self> {
        let found = std::fs::metadata(file).ok()?;
        Some(Self { device: found.dev(), inode: found.ino(), length: found.len(), modified: found.modified().ok() })
    }
}
