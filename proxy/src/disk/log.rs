//! The segments together: records are appended to the newest, and the oldest makes room.
//!
//! Of what makes room, that which was asked for since it was written goes to the newest segment once more, up to half of it. So
//! what is used stays, what was asked for once goes with its segment, and the disk is written one large piece after the other.
//!
//! Segments go in the order in which they came. So a record never outlives one that was written later: what was said of it later,
//! by a newer record or by an invalidation, lasts as long as it does.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::index::{Index, Place, State};
use super::io::Io;
use super::layout::{Listed, SegmentId};
use super::metrics::{DiskMetrics, Operation};
use super::segment::{Active, Prepared, Sealed, Segment, seal};

/// Parts of the bound that a segment is at least small enough for, where the largest object lets it.
const SEGMENTS: u64 = 64;
/// Segments that there are at least, whatever the largest object.
const LEAST_SEGMENTS: u64 = 4;
/// Longest segment, in bytes.
const LARGEST_SEGMENT: u64 = 256 << 20;
/// Most records of one segment: their list is held in memory while it is written.
const MOST_LISTED: u64 = 128 << 10;
/// One record for so many bytes of the bound is the most: so memory for the index is bounded.
const BYTES_FOR_RECORD: u64 = 4 << 10;
/// What a record costs besides the body of the largest object: its header and head.
const RECORD_OVERHEAD: u64 = 64 << 10;

/// How much there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Most bytes of files.
    pub(super) size: u64,
    /// Bytes of a segment.
    pub(super) segment: u64,
    /// Most records in all.
    pub(super) records: usize,
    /// Most records of a segment.
    pub(super) listed: usize,
}

/// What whoever reads shares with the one who writes.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Where everything lies.
    pub(super) index: Index,
    /// The segments by number.
    segments: RwLock<HashMap<u32, Arc<Segment>>>,
    /// Bytes of all segments.
    bytes: AtomicU64,
    /// The number of the newest segment.
    newest: AtomicU64,
}

/// The segments, as the one who writes has them.
pub(super) struct Log {
    io: Arc<dyn Io>,
    folder: PathBuf,
    /// Whether the folder still is this process's: another may lie under its name.
    is_held: Box<dyn Fn() -> bool + Send>,
    lineage: u64,
    bounds: Bounds,
    shared: Arc<Shared>,
    metrics: DiskMetrics,
    /// Bytes of other files in the folder, which count too.
    others: Arc<AtomicU64>,
    active: Option<Active>,
    /// The oldest first.
    sealed: VecDeque<Sealed>,
    next: u32,
}

/// What came of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It can be read.
    Whole,
    /// It was invalidated while it was written.
    Gone,
    /// It was invalidated before.
    Overtaken,
    /// No segment is long enough for it.
    TooLarge,
}

// === impl Bounds ===

impl Bounds {
    /// For files of at most `size` bytes, and objects of at most `max_object`.
    pub(super) fn new(size: u64, max_object: u64) -> Self {
        let wanted = (size / SEGMENTS).min(LARGEST_SEGMENT).max(max_object.saturating_add(RECORD_OVERHEAD));
        // Offsets have 32 bits.
        let segment = wanted.min(size / LEAST_SEGMENTS).min(u32::MAX.into());
        let records = (size / BYTES_FOR_RECORD).max(64);
        let listed = (records / LEAST_SEGMENTS).min(MOST_LISTED);
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        Self { size, segment, records: count(records), listed: count(listed) }
    }
}

// === impl Shared ===

impl Shared {
    /// The segment of this number, where it is still there.
    pub(super) fn segment(&self, number: u32) -> Option<Arc<Segment>> {
        self.segments.read().get(&number).cloned()
    }

    /// Bytes of all segments.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The number of the newest segment: what is written by now lies in it or in an older one.
    pub(super) fn newest(&self) -> u32 {
        u32::try_from(self.newest.load(Ordering::Acquire)).unwrap_or(u32::MAX)
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.index.clear();
        self.segments.write().clear();
        self.bytes.store(0, Ordering::Relaxed);
        self.newest.store(0, Ordering::Release);
    }
}

// === impl Log ===

impl Log {
    /// Of an empty folder.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn empty(
        io: Arc<dyn Io>,
        folder: PathBuf,
        is_held: Box<dyn Fn() -> bool + Send>,
        lineage: u64,
        bounds: Bounds,
        shared: Arc<Shared>,
        metrics: DiskMetrics,
        others: Arc<AtomicU64>,
    ) -> Self {
        Self {
            io,
            folder,
            is_held,
            lineage,
            bounds,
            shared,
            metrics,
            others,
            active: None,
            sealed: VecDeque::new(),
            next: 1,
        }
    }

    /// Reads anew what lies in the folder, the newest first; what `is_invalidated` names, by URL and local stamp, is left out.
    /// Files that are no segments of this lineage are removed.
    pub(super) fn load(&mut self, is_invalidated: &dyn Fn(u64, u64) -> bool) -> io::Result<()> {
        let mut numbers = Vec::new();
        for (name, _) in self.io.list(&self.folder)? {
            match SegmentId::number_of(&name) {
                Some(number) => numbers.push(number),
                None => self.io.remove(&self.folder.join(name))?,
            }
        }
        numbers.sort_unstable();
        self.next = numbers.last().map_or(1, |last| last + 1);
        self.shared.newest.store(u64::from(self.next - 1), Ordering::Release);
        for &number in numbers.iter().rev() {
            let id = SegmentId { lineage: self.lineage, number };
            match self.load_segment(id, is_invalidated) {
                Ok(Some(sealed)) => self.sealed.push_front(sealed),
                Ok(None) => self.io.remove(&self.folder.join(id.file_name()))?,
                Err(error) => {
                    tracing::debug!(%error, segment = number, "a segment of the cache cannot be read, and is dropped");
                    self.metrics.failed(Operation::Read);
                    self.io.remove(&self.folder.join(id.file_name()))?;
                }
            }
        }
        self.count_bytes();
        Ok(())
    }

    fn load_segment(&self, id: SegmentId, is_invalidated: &dyn Fn(u64, u64) -> bool) -> io::Result<Option<Sealed>> {
        let Some(segment) = Segment::open(&*self.io, &self.folder, id)?.map(Arc::new) else {
            return Ok(None);
        };
        let listing = segment.list()?;
        self.shared.segments.write().insert(id.number, segment.clone());
        // The last of a segment is the newest.
        for listed in listing.records.iter().rev() {
            let mut shard = self.shared.index.shard(listed.url);
            if !is_invalidated(listed.url, listed.local) {
                shard.put_older(id.number, listed);
            }
        }
        if listing.is_written {
            return Ok(Some(Sealed { segment, len: listing.end, list: None }));
        }
        if listing.is_torn {
            self.metrics.torn.inc();
        }
        let len = self.bounds.segment.max(listing.end);
        Ok(Some(seal(segment, listing.end, len, listing.records)))
    }

    /// Writes a record. While it is written, the index knows of it, so that whoever invalidates its URL knows of it too;
    /// `is_overtaken` is asked first, under the same lock.
    pub(super) fn put(&mut self, record: &Prepared, is_overtaken: &dyn Fn() -> bool) -> io::Result<Written> {
        let listed = record.listed;
        if u64::from(listed.len) > Active::largest(self.bounds.segment) {
            return Ok(Written::TooLarge);
        }
        let place = self.place(listed.len)?;
        let Some(active) = &mut self.active else {
            return Ok(Written::TooLarge);
        };
        let header = record.header(place);
        {
            let mut shard = self.shared.index.shard(listed.url);
            if is_overtaken() {
                return Ok(Written::Overtaken);
            }
            shard.put(place.segment, &header.listed, State::Pending(listed.kind));
        }
        let mut parts: Vec<&[u8]> = vec![&record.head];
        parts.extend(record.body.iter().map(|chunk| &chunk[..]));
        let written = active.append(&header, &parts);
        let state = if written.is_ok() { State::of(listed.kind) } else { State::Dead };
        let is_known = self.shared.index.shard(listed.url).end_writing(listed.url, listed.hash, place, state);
        if let Err(error) = written {
            self.spoil();
            return Err(error);
        }
        self.metrics.written.inc();
        self.metrics.written_bytes.inc_by(listed.len.into());
        Ok(if is_known { Written::Whole } else { Written::Gone })
    }

    /// Makes sure that something can be written: there is a segment for it.
    pub(super) fn ready(&mut self) -> io::Result<()> {
        if self.active.is_some() { Ok(()) } else { self.roll(0) }
    }

    /// Ends the newest segment, so that the next start need not look through it.
    pub(super) fn seal(&mut self) {
        if let Some(active) = self.active.take() {
            self.sealed.push_back(active.seal());
            self.count_bytes();
        }
    }

    /// The number of the oldest segment that is there, or of the next one.
    pub(super) fn oldest(&self) -> u32 {
        let active = self.active.as_ref().map(|active| active.segment().id().number);
        self.sealed.front().map(|sealed| sealed.segment.id().number).or(active).unwrap_or(self.next)
    }

    /// The last record could not be written: its segment is not written to again.
    fn spoil(&mut self) {
        if let Some(active) = &mut self.active {
            active.spoil();
        }
        self.seal();
    }

    /// Room for a record of this length.
    fn place(&mut self, len: u32) -> io::Result<Place> {
        if let Some(place) = self.active.as_ref().and_then(|active| active.place(len)) {
            return Ok(place);
        }
        // Where what is kept of the oldest leaves no room for it, nothing is kept.
        for kept in [self.bounds.segment / 2, 0] {
            self.roll(kept)?;
            if let Some(place) = self.active.as_ref().and_then(|active| active.place(len)) {
                return Ok(place);
            }
        }
        Err(io::Error::other("a new segment has no room"))
    }

    /// Begins a new segment, and makes room for the one after it, of which so many bytes are kept.
    fn roll(&mut self, mut kept: u64) -> io::Result<()> {
        self.seal();
        if !(self.is_held)() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the folder was removed, or another is in its place"));
        }
        let Bounds { size, segment, records, listed } = self.bounds;
        while self.taken() + segment > size && !self.sealed.is_empty() {
            self.reclaim(0)?;
        }
        let id = SegmentId { lineage: self.lineage, number: self.next };
        // Before anything can be written into it: an invalidation of what will be is remembered as long as it is there.
        self.shared.newest.store(id.number.into(), Ordering::Release);
        let active = Active::create(&*self.io, &self.folder, id, segment, listed)?;
        self.next += 1;
        self.shared.segments.write().insert(id.number, active.segment().clone());
        self.active = Some(active);
        while self.taken() + segment > size || self.shared.index.len() + listed > records {
            if self.sealed.is_empty() {
                break;
            }
            kept -= self.reclaim(kept)?;
        }
        self.count_bytes();
        Ok(())
    }

    fn taken(&self) -> u64 {
        let sealed: u64 = self.sealed.iter().map(|sealed| sealed.len).sum();
        let active = self.active.as_ref().map_or(0, Active::capacity);
        sealed + active + self.others.load(Ordering::Relaxed)
    }

    fn count_bytes(&self) {
        let bytes = self.taken() - self.others.load(Ordering::Relaxed);
        self.shared.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Removes the oldest segment. What was asked for in it is copied, up to so many bytes; how many were.
    fn reclaim(&mut self, most: u64) -> io::Result<u64> {
        let Some(oldest) = self.sealed.pop_front() else {
            return Ok(0);
        };
        let number = oldest.segment.id().number;
        let mut copied = 0;
        for listed in &self.records_of(&oldest) {
            let place = Place { segment: number, offset: listed.offset, len: listed.len };
            let known = self.shared.index.shard(listed.url).peek(listed.url, listed.hash, place);
            let is_kept = known.is_some_and(|(known, hit)| hit && known.state.can_be_read());
            if is_kept && copied + u64::from(listed.len) <= most && self.copy(&oldest.segment, listed, place) {
                copied += u64::from(listed.len);
                self.metrics.rewritten.inc();
            } else {
                self.shared.index.shard(listed.url).take(listed.url, listed.hash, place);
            }
        }
        self.shared.segments.write().remove(&number);
        let path = self.folder.join(oldest.segment.id().file_name());
        if let Err(error) = self.io.remove(&path) {
            self.sealed.push_front(Sealed { list: Some(Vec::new()), ..oldest });
            return Err(error);
        }
        self.metrics.reclaimed_bytes.inc_by(oldest.len);
        Ok(copied)
    }

    fn records_of(&self, sealed: &Sealed) -> Vec<Listed> {
        if let Some(list) = &sealed.list {
            return list.clone();
        }
        match sealed.segment.list() {
            Ok(listing) => listing.records,
            Err(error) => {
                let number = sealed.segment.id().number;
                tracing::debug!(%error, segment = number, "the list of a segment that makes room cannot be read");
                self.metrics.failed(Operation::Read);
                self.shared.index.forget_segment(number);
                Vec::new()
            }
        }
    }

    /// Copies a record to the newest segment, and leads the index there; whether that was done.
    fn copy(&mut self, from: &Segment, listed: &Listed, place: Place) -> bool {
        let Some(active) = &mut self.active else {
            return false;
        };
        let Some(there) = active.place(listed.len) else {
            return false;
        };
        let header = match from.header(place) {
            Ok(header) => header,
            Err(error) => {
                tracing::debug!(%error, "a record that was to be kept cannot be read");
                return false;
            }
        };
        let moved = Listed { offset: there.offset, ..header.listed };
        if let Err(error) = active.copy(from, &header, moved) {
            tracing::debug!(%error, "a record that was to be kept cannot be written");
            self.metrics.failed(Operation::Write);
            active.spoil();
            return false;
        }
        let mut shard = self.shared.index.shard(listed.url);
        // One that was invalidated meanwhile is not known any more, and the invalidation knows of this segment.
        shard.replace(listed.url, listed.hash, place, there.segment, &moved);
        true
    }
}

#[cfg(test)]
mod tests;
