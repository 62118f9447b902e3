//! The settings of the cache's disk tier.

use std::path::PathBuf;

use super::problems::Problems;
use super::raw::RawDisk;

/// The disk tier of the cache (`docs/disk.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Its folder, which is its own.
    pub path: PathBuf,
    /// Most bytes of files in it.
    pub size: u64,
    /// What is written.
    pub admission: Admission,
    /// Most bytes that wait to be written; past it objects are not written.
    pub queue: u64,
}

/// Which objects are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Those that were asked for more than once.
    Reused,
    /// All that are stored.
    All,
}

/// Bytes that may wait, where nothing is said.
const QUEUE: u64 = 16 << 20;
/// Least bound of the folder: with less, hardly an object lives to be asked for again.
const LEAST_SIZE: u64 = 1 << 20;
/// The words for what is written.
const ADMISSIONS: [(&str, Admission); 2] = [("reused", Admission::Reused), ("all", Admission::All)];

pub(super) fn compile(raw: &RawDisk, max_object: u64, problems: &mut Problems<'_>) -> Option<Disk> {
    let path = PathBuf::from(raw.path.get_ref());
    if path.parent().is_none() {
        let help = "it is made where it is not there, and nothing else may lie in it";
        problems.error(&raw.path, "`path` must name a folder of the cache's own", Some(help.to_owned()));
    }
    let size = problems.size_or(Some(&raw.size), 0);
    if size.is_some_and(|size| size < LEAST_SIZE) {
        problems.error(&raw.size, "`size` must be at least 1MiB", None);
    }
    let queue = problems.size_or(raw.queue.as_ref(), QUEUE);
    if queue.is_some_and(|queue| queue < max_object.min(QUEUE)) {
        let message = "`queue` is smaller than the largest object, which would never be written";
        let help = "at least `max_object`, or 16MiB where that is larger";
        problems.error_at_key(raw.queue.as_ref(), message, Some(help.to_owned()));
    }
    let admission = match &raw.admission {
        None => Some(Admission::Reused),
        Some(word) => {
            let known = ADMISSIONS.iter().find(|(name, _)| name == word.get_ref()).map(|(_, admission)| *admission);
            if known.is_none() {
                problems.unknown(word, "admission", ADMISSIONS.iter().map(|(name, _)| *name));
            }
            known
        }
    };
    Some(Disk { path, size: size?, admission: admission?, queue: queue? })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::testing::{load, told};

    #[test]
    fn a_disk_is_a_folder_with_a_bound() {
        assert_eq!(load("").unwrap().disk, None);
        let disk = load("[cache.disk]\npath = \"/var/cache/v\"\nsize = \"10GiB\"").unwrap().disk.unwrap();
        assert_eq!((disk.path.as_path(), disk.size), (Path::new("/var/cache/v"), 10 << 30));
        assert_eq!((disk.admission, disk.queue), (Admission::Reused, 16 << 20));
        let all = load("[cache.disk]\npath = \"d\"\nsize = \"1GiB\"\nadmission = \"all\"\nqueue = \"64MiB\"").unwrap();
        assert_eq!(all.disk.map(|disk| (disk.admission, disk.queue)), Some((Admission::All, 64 << 20)));
    }

    #[test]
    fn what_cannot_be_is_told_at_its_line() {
        for (lines, line, says) in [
            ("path = \"/\"\nsize = \"1GiB\"", 7, "a folder of the cache's own"),
            ("path = \"\"\nsize = \"1GiB\"", 7, "a folder of the cache's own"),
            ("path = \"d\"\nsize = \"10\"", 8, "is not a size"),
            ("path = \"d\"\nsize = \"10KiB\"", 8, "at least 1MiB"),
            ("path = \"d\"\nsize = \"1GiB\"\nadmission = \"al\"", 9, "did you mean `all`?"),
            ("path = \"d\"\nsize = \"1GiB\"\nqueue = \"1MiB\"", 9, "would never be written"),
            ("path = \"d\"", 6, "size"),
        ] {
            let told = told(load(&format!("[cache.disk]\n{lines}")).unwrap_err());
            assert!(told[0].starts_with(&format!("{line}: ")) && told[0].contains(says), "{lines}: {told:?}");
        }
    }
}
