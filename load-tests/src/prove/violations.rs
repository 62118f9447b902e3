//! What must not be, with all that is needed to look into it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use parking_lot::Mutex;

use super::error::{ProveError, system};

/// Violations that are printed; all are counted, and so many more are in the file.
const PRINTED: u64 = 12;
const WRITTEN: u64 = 2_000;

/// All that was found.
#[derive(Debug)]
pub(super) struct Violations {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    found: u64,
    file: File,
    /// What happened when, in seconds since the start: faults, and their ends.
    events: Vec<(f64, String)>,
}

impl Violations {
    /// Writes them into this file.
    pub(super) fn new(path: &Path) -> Result<Self, ProveError> {
        let file = File::create(path).map_err(system(format!("write {}", path.display())))?;
        Ok(Self { inner: Mutex::new(Inner { found: 0, file, events: Vec::new() }) })
    }

    /// Something happened that a violation may have to do with.
    pub(super) fn event(&self, at: u64, what: String) {
        let at = seconds(at);
        let mut inner = self.inner.lock();
        let _ = writeln!(inner.file, "{at:9.3} {what}");
        inner.events.push((at, what));
    }

    /// Notes a violation that was seen at `at`, in nanoseconds since the start.
    pub(super) fn found(&self, at: u64, what: &str) {
        let mut inner = self.inner.lock();
        inner.found += 1;
        if inner.found > WRITTEN {
            return;
        }
        let mut text = format!("VIOLATION at {:.3}: {what}\n", seconds(at));
        for (time, event) in inner.events.iter().rev().take(6).rev() {
            let _ = writeln!(text, "    around it: {time:.3} {event}");
        }
        let _ = inner.file.write_all(text.as_bytes());
        if inner.found <= PRINTED {
            print!("{text}");
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.inner.lock().found
    }
}

/// Nanoseconds as seconds.
pub(super) fn seconds(nanos: u64) -> f64 {
    std::time::Duration::from_nanos(nanos).as_secs_f64()
}
