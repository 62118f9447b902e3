//! The journal's files: segments of lines, of which the newest begins with all that is known.
//!
//! A segment appears whole, by renaming, and only the process that began it appends to it. So whatever earlier processes left torn is never
//! written behind. The older segments hold history for members that lag, and nothing else.

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vitrine_shared::clock;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::Purge;
use vitrine_shared::ledger::Earlier;

use super::line::{self, Begin, Lines, Record};
use super::standing::Standing;
use crate::disk::io::{Blob, Io, Lock, write_all};

/// The file that is locked.
const LOCK: &str = "lock";
/// What lies in the root of a file system of its own.
const MOUNTED: &str = "lost+found";
/// What becomes a segment when it is whole.
const NEW: &str = "segment.new";
/// A segment that has grown to this is followed by the next, in bytes.
const SEGMENT: u64 = 4 << 20;
/// Most bytes of segments that are kept, and most segments.
const KEPT: (u64, usize) = (32 << 20, 100);
/// How long after its last line was written a segment's file may have been changed: a disk may be slow. Copying, unpacking and moving it back
/// change it too.
const CHANGED_WITHIN: u64 = 30;
/// Longest segment that is read: one order more than a whole one, and the keys of its begin.
const MOST_READ: u64 = 64 << 20;

/// A folder that no other process has.
#[derive(Debug)]
pub(super) struct Claim {
    io: Arc<dyn Io>,
    folder: PathBuf,
    /// As long as this is held, nobody else numbers by this journal.
    _lock: Lock,
}

/// A journal that is written.
#[derive(Debug)]
pub(super) struct Journal {
    claim: Claim,
    /// The newest segment; absent where it could not be written to its end, so that another must be begun.
    open: Option<Open>,
    /// The last segment that was begun.
    number: u64,
    /// All segments, the oldest first.
    kept: VecDeque<Segment>,
}

/// The segment that is appended to.
#[derive(Debug)]
struct Open {
    blob: Arc<dyn Blob>,
    len: u64,
    chain: u64,
}

/// A segment in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    number: u64,
    /// The number that was given last before it.
    after: u64,
    len: u64,
}

/// What a folder held.
#[derive(Debug)]
pub(super) struct Found {
    /// What is known.
    pub(super) standing: Standing,
    /// Who may hold leases.
    pub(super) earlier: Earlier,
    /// Why a new term began; absent where the earlier process's goes on.
    pub(super) new_term: Option<Loss>,
    segments: VecDeque<Segment>,
}

/// Why what was numbered before is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// There is no journal.
    #[error("there is no journal")]
    None,
    /// It cannot be read to its end.
    #[error("the journal is torn or damaged")]
    Damaged,
    /// Its file was changed later than by whoever wrote it.
    #[error("the journal's files were touched after they were written: they may have been put back")]
    Touched,
    /// Somebody knows a number that it does not.
    #[error("a member knows a purge that the journal does not: its files were put back, or lost")]
    Forgotten,
}

/// A folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Another process has it.
    #[error("another process numbers purges by the journal in {}: there can be one sequencer", .0.display())]
    Locked(PathBuf),
    /// Something else lies in it.
    #[error("{} holds files that are no journal: name a folder of its own as `journal` under [sequencer]", .0.display())]
    Foreign(PathBuf),
    /// The file system said no.
    #[error("the journal in {}: {error}", .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

fn file_name(number: u64) -> String {
    format!("segment-{number:012}.log")
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("segment-")?.strip_suffix(".log")?.parse().ok()
}

// === impl Claim ===

impl Claim {
    /// Takes a folder, which is made where it is not there.
    pub(super) fn take(io: Arc<dyn Io>, folder: &Path) -> Result<Self, Unusable> {
        let unusable = |error| Unusable::Io { path: folder.to_owned(), error };
        let names = io.names(folder).map_err(unusable)?;
        if names.iter().any(|name| name != MOUNTED) && !names.iter().any(|name| name == LOCK) {
            return Err(Unusable::Foreign(folder.to_owned()));
        }
        let lock = io.make_folder(folder).and_then(|()| io.lock(&folder.join(LOCK))).map_err(unusable)?;
        let lock = lock.ok_or_else(|| Unusable::Locked(folder.to_owned()))?;
        Ok(Self { io, folder: folder.to_owned(), _lock: lock })
    }

    /// What is in it; `fresh_term` gives the number of a term that begins now.
    pub(super) fn read(&self, fresh_term: impl FnOnce() -> u32) -> Result<Found, Unusable> {
        self.find(fresh_term).map_err(|error| Unusable::Io { path: self.folder.clone(), error })
    }

    fn find(&self, fresh_term: impl FnOnce() -> u32) -> io::Result<Found> {
        let files = self.io.list(&self.folder)?;
        let mut numbers: Vec<u64> = files.iter().filter_map(|(name, _)| number_of(name)).collect();
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        let Some(&newest) = numbers.first() else {
            let standing = Standing::afresh(Epoch::new(fresh_term(), 0));
            return Ok(Found {
                standing,
                earlier: Earlier::Unknown,
                new_term: Some(Loss::None),
                segments: VecDeque::new(),
            });
        };
        let mut segments: VecDeque<Segment> = VecDeque::new();
        let loss = if self.was_touched(newest)? { Loss::Touched } else { Loss::Damaged };
        match self.segment(newest)?.filter(|_| loss != Loss::Touched) {
            Some((mut standing, segment, _)) => {
                segments.push_front(segment);
                for &number in numbers.iter().skip(1) {
                    // What is lost of the history costs members that lag a fresh start, and nothing else.
                    let Ok(Some((before, segment, purges))) = self.segment(number) else { break };
                    let last = segments.front().map_or(0, |segment| segment.after);
                    if before.position() != Epoch::new(standing.position().term, last) || !standing.prepend(&purges) {
                        break;
                    }
                    segments.push_front(segment);
                }
                let earlier = if standing.is_quiet() { Earlier::Unknown } else { Earlier::Members(standing.members()) };
                Ok(Found { standing, earlier, new_term: None, segments })
            }
            None => Ok(Found {
                standing: self.remains(&numbers, fresh_term())?,
                earlier: Earlier::Unknown,
                new_term: Some(loss),
                segments,
            }),
        }
    }

    /// Whether the newest segment's file was changed by somebody else since, or the folder: no time of them but this one can be set at will.
    /// The folder changes when a segment is begun, and not again before the next.
    fn was_touched(&self, number: u64) -> io::Result<bool> {
        let path = self.folder.join(file_name(number));
        let changed_at = |path: &Path| Ok::<_, io::Error>(u64::try_from(std::fs::metadata(path)?.ctime()).unwrap_or(0));
        let lines = line::read(&self.io.read(&path, MOST_READ)?);
        let file = changed_at(&path)?.abs_diff(lines.written_at);
        let folder = changed_at(&self.folder)?.abs_diff(lines.begun_at);
        Ok(lines.is_whole && !lines.records.is_empty() && file.max(folder) > CHANGED_WITHIN)
    }

    /// A segment that is whole: what is known at its end, and its purges.
    fn segment(&self, number: u64) -> io::Result<Option<(Standing, Segment, Vec<Purge>)>> {
        let bytes = self.io.read(&self.folder.join(file_name(number)), MOST_READ)?;
        let lines = line::read(&bytes);
        let Some(begin) = begin(&lines).filter(|begin| lines.is_whole && begin.segment == number) else {
            return Ok(None);
        };
        let mut standing = Standing::of(begin);
        let mut purges = Vec::new();
        for record in lines.records.iter().skip(1) {
            if standing.apply(record).is_err() {
                return Ok(None);
            }
            if let Record::Purge(numbered) = record {
                purges.push(numbered.purge.clone());
            }
        }
        let segment = Segment { number, after: begin.position.seq, len: bytes.len() as u64 };
        Ok(Some((standing, segment, purges)))
    }

    /// What can be read of a journal that is damaged, at the begin of a term that is above all that it tells of.
    fn remains(&self, numbers: &[u64], fresh_term: u32) -> io::Result<Standing> {
        let mut best = Standing::default();
        for &number in numbers {
            let lines = line::read(&self.io.read(&self.folder.join(file_name(number)), MOST_READ)?);
            let Some(begin) = begin(&lines) else { continue };
            let mut standing = Standing::of(begin);
            // What does not follow is what is damaged.
            let _ = lines.records.iter().skip(1).try_for_each(|record| standing.apply(record));
            if standing.position() > best.position() {
                best = standing;
            }
        }
        Ok(best.in_term(fresh_term.max(best.position().term.saturating_add(1))))
    }
}

fn begin(lines: &Lines) -> Option<&Begin> {
    match lines.records.first() {
        Some(Record::Begin(begin)) if begin.v == line::VERSION => Some(begin),
        _ => None,
    }
}

// === impl Journal ===

impl Journal {
    /// Goes on from what was found, in a segment of its own. When this returns, that is safe.
    pub(super) fn go_on(claim: Claim, found: &mut Found) -> Result<Self, Unusable> {
        let listed = claim.io.list(&claim.folder);
        let names = listed.map_err(|error| Unusable::Io { path: claim.folder.clone(), error })?;
        let number = names.iter().filter_map(|(name, _)| number_of(name)).max().unwrap_or(0);
        let path = claim.folder.clone();
        let mut journal = Self { claim, open: None, number, kept: std::mem::take(&mut found.segments) };
        journal.begin(&mut found.standing).map_err(|error| Unusable::Io { path, error })?;
        Ok(journal)
    }

    /// Begins a segment with all that is known. What is no longer held forgets its history too.
    pub(super) fn begin(&mut self, standing: &mut Standing) -> io::Result<()> {
        let Claim { io, folder, .. } = &self.claim;
        self.open = None;
        // A number is not used again, whatever becomes of its file.
        self.number += 1;
        let number = self.number;
        let (mut bytes, mut chain) = (Vec::new(), 0);
        line::write(clock::unix().as_secs(), &Record::Begin(standing.begin(number)), &mut chain, &mut bytes);
        let new = folder.join(NEW);
        let blob = io.create(&new, 0)?;
        write_all(&*blob, &bytes, 0)?;
        blob.sync()?;
        io.rename(&new, &folder.join(file_name(number)))?;
        io.sync_folder(folder)?;
        let len = bytes.len() as u64;
        self.kept.push_back(Segment { number, after: standing.position().seq, len });
        self.open = Some(Open { blob, len, chain });
        self.prune(standing);
        Ok(())
    }

    /// Writes records down. When this returns, they are safe; where it fails, none of them counts, and a segment must be begun.
    pub(super) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let Some(mut open) = self.open.take() else {
            return Err(io::Error::other("no segment is open"));
        };
        let mut bytes = Vec::new();
        let at = clock::unix().as_secs();
        for record in records {
            line::write(at, record, &mut open.chain, &mut bytes);
        }
        write_all(&*open.blob, &bytes, open.len)?;
        open.blob.sync()?;
        open.len += bytes.len() as u64;
        if let Some(segment) = self.kept.back_mut() {
            segment.len = open.len;
        }
        self.open = Some(open);
        Ok(())
    }

    /// Whether a segment must be begun before more is appended.
    pub(super) fn is_full(&self) -> bool {
        self.open.as_ref().is_none_or(|open| open.len >= SEGMENT)
    }

    /// Removes the oldest segments where there are too many, and all that are no part of the history.
    fn prune(&mut self, standing: &mut Standing) {
        let bytes = |kept: &VecDeque<Segment>| kept.iter().map(|segment| segment.len).sum::<u64>();
        while self.kept.len() > 1 && (bytes(&self.kept) > KEPT.0 || self.kept.len() > KEPT.1) {
            self.kept.pop_front();
        }
        // Before the first that is held nothing is known, of earlier terms as well.
        if let Some(oldest) = self.kept.front() {
            standing.forget(oldest.after);
        }
        let Claim { io, folder, .. } = &self.claim;
        for (name, _) in io.list(folder).unwrap_or_default() {
            let is_kept = |number| self.kept.iter().any(|segment| segment.number == number);
            if number_of(&name).is_some_and(|number| !is_kept(number)) {
                // What stays is in nobody's way: the newest segment counts.
                let _ = io.remove(&folder.join(name));
            }
        }
    }
}
