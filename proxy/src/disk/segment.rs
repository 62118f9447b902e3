//! One segment: a file that records are appended to until it is full, and that is then only read.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::index::Place;
use super::io::{Blob, Io, read_exact, write_all};
use super::layout::{
    Kind, LISTED, Listed, RECORD_HEADER, RecordHeader, SEGMENT_HEADER, SegmentId, TRAILER, decode_list, encode_list,
    list_len,
};
use super::record::{Content, Head, Response, Times};

/// What is read of a record at first: most are whole with that.
const FIRST_READ: usize = 64 << 10;
/// What is read at once where a segment without a list is looked through.
const SCAN: usize = 1 << 20;
/// The longest head that is read.
const MAX_HEAD: u32 = 4 << 20;

/// A segment that can be read.
#[derive(Debug)]
pub(super) struct Segment {
    id: SegmentId,
    blob: Arc<dyn Blob>,
}

/// A segment that is being written.
#[derive(Debug)]
pub(super) struct Active {
    segment: Arc<Segment>,
    /// Where the next record begins.
    at: u64,
    /// How long the file may become, its list included.
    capacity: u64,
    /// Most records.
    most: usize,
    records: Vec<Listed>,
}

/// A segment to which nothing is added any more.
#[derive(Debug)]
pub(super) struct Sealed {
    /// To be read.
    pub(super) segment: Arc<Segment>,
    /// How long its file is.
    pub(super) len: u64,
    /// Its records, where they could not be written into it.
    pub(super) list: Option<Vec<Listed>>,
}

/// A record to be written.
#[derive(Debug)]
pub(super) struct Prepared {
    /// As the index will know it, but for its place.
    pub(super) listed: Listed,
    /// Its head as it is written.
    pub(super) head: Vec<u8>,
    /// Its body.
    pub(super) body: Vec<Bytes>,
}

/// A record's head, as it was found.
#[derive(Debug)]
pub(super) struct Opened {
    /// Its header.
    pub(super) header: RecordHeader,
    /// Its head.
    pub(super) head: Head,
    /// Its whole body, where that came with the head and is right.
    pub(super) body: Option<Bytes>,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The disk said so.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is not what was written.
    #[error("a record is torn, or was changed")]
    Broken,
}

// === impl Segment ===

impl Segment {
    /// Opens one that is there; `None` where the file is another's.
    pub(super) fn open(io: &dyn Io, folder: &Path, id: SegmentId) -> io::Result<Option<Self>> {
        let blob = io.open(&folder.join(id.file_name()))?;
        let mut header = vec![0; id.header().len()];
        match read_exact(&*blob, &mut header, 0) {
            Ok(()) => Ok(id.is_header(&header).then_some(Self { id, blob })),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn id(&self) -> SegmentId {
        self.id
    }

    /// Reads a record's head, and its body where that is short.
    pub(super) fn read(&self, place: Place) -> Result<Opened, ReadError> {
        let len = place.len as usize;
        let mut bytes = vec![0; len.min(FIRST_READ)];
        self.fill(&mut bytes, place.offset.into())?;
        let header = RecordHeader::decode(&bytes, self.id, place.offset).ok_or(ReadError::Broken)?;
        if header.listed.len != place.len || header.head_len > MAX_HEAD {
            return Err(ReadError::Broken);
        }
        let head_end = RECORD_HEADER + header.head_len as usize;
        if bytes.len() < head_end {
            let read = bytes.len();
            bytes.resize(head_end, 0);
            self.fill(&mut bytes[read..], u64::from(place.offset) + read as u64)?;
        }
        let head = &bytes[RECORD_HEADER..head_end];
        if RecordHeader::sum_of(head) != header.head_sum {
            return Err(ReadError::Broken);
        }
        let head = Head::decode(head).ok_or(ReadError::Broken)?;
        if head.body_len() != (len - head_end) as u64 {
            return Err(ReadError::Broken);
        }
        let body = match &head.content {
            Content::Response(response) if bytes.len() == len => {
                let body = &bytes[head_end..];
                // Short as it is, it has one chunk at most.
                let is_right = body.is_empty() || response.is_chunk(0, body);
                Some(if is_right { Bytes::copy_from_slice(body) } else { return Err(ReadError::Broken) })
            }
            _ => None,
        };
        Ok(Opened { header, head, body })
    }

    /// Reads a record's header alone.
    pub(super) fn header(&self, place: Place) -> Result<RecordHeader, ReadError> {
        let mut bytes = [0; RECORD_HEADER];
        self.fill(&mut bytes, place.offset.into())?;
        let header = RecordHeader::decode(&bytes, self.id, place.offset);
        header.filter(|header| header.listed.len == place.len).ok_or(ReadError::Broken)
    }

    /// Reads one chunk of a body; `None` past the last.
    pub(super) fn chunk(
        &self,
        header: &RecordHeader,
        response: &Response,
        number: usize,
    ) -> Result<Option<Bytes>, ReadError> {
        let Some((at, len)) = response.chunk(number) else {
            return Ok(None);
        };
        let mut bytes = vec![0; len];
        self.fill(&mut bytes, header.body().0 + at)?;
        if response.is_chunk(number, &bytes) { Ok(Some(bytes.into())) } else { Err(ReadError::Broken) }
    }

    /// The list of its records: from its end, or, where that was not written, by looking through them.
    pub(super) fn list(&self) -> io::Result<Listing> {
        let len = self.blob.len()?;
        if let Some(list) = self.written_list(len)? {
            return Ok(Listing { records: list, end: len, is_written: true, is_torn: false });
        }
        let (records, end) = self.scan(len)?;
        let is_torn = self.is_begun(end, len)?;
        Ok(Listing { records, end, is_written: false, is_torn })
    }

    fn written_list(&self, len: u64) -> io::Result<Option<Vec<Listed>>> {
        let Some(trailer_at) = len.checked_sub(TRAILER as u64) else {
            return Ok(None);
        };
        let mut trailer = [0; TRAILER];
        read_exact(&*self.blob, &mut trailer, trailer_at)?;
        let size = list_len(&trailer).filter(|size| *size as u64 + SEGMENT_HEADER <= len);
        let Some(size) = size else {
            return Ok(None);
        };
        let mut bytes = vec![0; size];
        read_exact(&*self.blob, &mut bytes, len - size as u64)?;
        Ok(decode_list(&bytes, self.id))
    }

    /// The records from the beginning on, up to the first that is none; and where that is.
    fn scan(&self, len: u64) -> io::Result<(Vec<Listed>, u64)> {
        let mut records = Vec::new();
        let mut at = SEGMENT_HEADER;
        let (mut window, mut window_at) = (Vec::new(), 0);
        while at + RECORD_HEADER as u64 <= len {
            let within = |window: &Vec<u8>| {
                let from = usize::try_from(at.checked_sub(window_at)?).ok()?;
                (from + RECORD_HEADER <= window.len()).then_some(from)
            };
            let from = if let Some(from) = within(&window) {
                from
            } else {
                let size = usize::try_from(len - at).unwrap_or(SCAN).min(SCAN);
                window.resize(size, 0);
                read_exact(&*self.blob, &mut window, at)?;
                window_at = at;
                0
            };
            let header = u32::try_from(at).ok().and_then(|at| RecordHeader::decode(&window[from..], self.id, at));
            let Some(header) = header.filter(|header| at + u64::from(header.listed.len) <= len) else {
                break;
            };
            records.push(header.listed);
            at += u64::from(header.listed.len);
        }
        Ok((records, at))
    }

    /// Whether something was written behind the last record: the head of one comes before its header, and nothing else comes there
    /// but the list.
    fn is_begun(&self, end: u64, len: u64) -> io::Result<bool> {
        let most = len.saturating_sub(end).min(2 * RECORD_HEADER as u64);
        let mut bytes = vec![0; usize::try_from(most).unwrap_or(0)];
        read_exact(&*self.blob, &mut bytes, end)?;
        Ok(bytes.iter().any(|&byte| byte != 0))
    }

    fn fill(&self, buffer: &mut [u8], at: u64) -> Result<(), ReadError> {
        read_exact(&*self.blob, buffer, at).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ReadError::Broken,
            _ => ReadError::Io(error),
        })
    }
}

/// The records of a segment.
#[derive(Debug)]
pub(super) struct Listing {
    /// In the order in which they lie.
    pub(super) records: Vec<Listed>,
    /// Where what counts of the file ends.
    pub(super) end: u64,
    /// Whether the list stands in the file.
    pub(super) is_written: bool,
    /// Whether there is something behind the records that was not written to its end.
    pub(super) is_torn: bool,
}

// === impl Active ===

impl Active {
    /// Begins a segment of at most `capacity` bytes and `most` records.
    pub(super) fn create(io: &dyn Io, folder: &Path, id: SegmentId, capacity: u64, most: usize) -> io::Result<Self> {
        let path = folder.join(id.file_name());
        let blob = io.create(&path, capacity)?;
        if let Err(error) = write_all(&*blob, &id.header(), 0) {
            // Else it would take room and hold nothing.
            let _ = io.remove(&path);
            return Err(error);
        }
        let segment = Arc::new(Segment { id, blob });
        Ok(Self { segment, at: SEGMENT_HEADER, capacity, most, records: Vec::new() })
    }

    pub(super) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Room on the disk that it takes.
    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The longest record that a segment of this capacity holds.
    pub(super) fn largest(capacity: u64) -> u64 {
        capacity.saturating_sub(SEGMENT_HEADER + (LISTED + TRAILER) as u64).min(u32::MAX.into())
    }

    /// The place of a record that is appended next; `None` where there is no room for it.
    pub(super) fn place(&self, len: u32) -> Option<Place> {
        let list = ((self.records.len() + 1) * LISTED + TRAILER) as u64;
        let fits = self.at + u64::from(len) + list <= self.capacity && self.records.len() < self.most;
        let offset = u32::try_from(self.at).ok().filter(|_| fits)?;
        Some(Place { segment: self.segment.id.number, offset, len })
    }

    /// Writes a record to its place. Whether or not that succeeds, it is listed.
    pub(super) fn append(&mut self, header: &RecordHeader, parts: &[&[u8]]) -> io::Result<()> {
        self.records.push(header.listed);
        let start = u64::from(header.listed.offset);
        self.at = start + u64::from(header.listed.len);
        let mut at = start + RECORD_HEADER as u64;
        for part in parts {
            write_all(&*self.segment.blob, part, at)?;
            at += part.len() as u64;
        }
        // The header last: a process that is killed before leaves no record, rather than one without an end.
        write_all(&*self.segment.blob, &header.encode(self.segment.id), start)
    }

    /// Copies a record of another segment to its place here, as it lies there.
    pub(super) fn copy(&mut self, from: &Segment, header: &RecordHeader, listed: Listed) -> io::Result<()> {
        self.records.push(listed);
        let start = u64::from(listed.offset);
        self.at = start + u64::from(listed.len);
        let mut buffer = vec![0; (listed.len as usize - RECORD_HEADER).min(SCAN)];
        let mut done = RECORD_HEADER as u64;
        while done < listed.len.into() {
            let size = usize::try_from(u64::from(listed.len) - done).unwrap_or(SCAN).min(SCAN);
            read_exact(&*from.blob, &mut buffer[..size], u64::from(header.listed.offset) + done)?;
            write_all(&*self.segment.blob, &buffer[..size], start + done)?;
            done += size as u64;
        }
        let header = RecordHeader { listed, ..*header };
        write_all(&*self.segment.blob, &header.encode(self.segment.id), start)
    }

    /// Says of the last record that it is none.
    pub(super) fn spoil(&mut self) {
        if let Some(last) = self.records.last_mut() {
            last.kind = Kind::Dead;
        }
    }

    /// Writes the list, and gives back the room that was not needed.
    pub(super) fn seal(self) -> Sealed {
        let Self { segment, at, capacity, records, .. } = self;
        seal(segment, at, capacity, records)
    }
}

/// Writes the list of a segment's records behind them; where that fails, it is kept in memory. `len` is how long the file is.
pub(super) fn seal(segment: Arc<Segment>, end: u64, len: u64, records: Vec<Listed>) -> Sealed {
    let list = encode_list(&records, segment.id);
    let sealed_len = end + list.len() as u64;
    let written = write_all(&*segment.blob, &list, end).and_then(|()| segment.blob.set_len(sealed_len));
    match written {
        Ok(()) => Sealed { segment, len: sealed_len, list: None },
        Err(error) => {
            tracing::debug!(%error, segment = segment.id.number, "the list of a segment of the cache could not be written");
            Sealed { segment, len: len.max(sealed_len), list: Some(records) }
        }
    }
}

// === impl Prepared ===

impl Prepared {
    /// Of a head and its body, under the hash of its key; `None` where it is longer than 32 bits count.
    pub(super) fn new(head: &Head, hash: u64, body: Vec<Bytes>) -> Option<Self> {
        let bytes = head.encode();
        let len = (RECORD_HEADER + bytes.len()) as u64 + head.body_len();
        let (local, fresh, kind) = match &head.content {
            // By its fingerprint versions are told apart, as responses are by their freshness.
            Content::Variants(_) => (u64::MAX, (RecordHeader::sum_of(&bytes) >> 32) as u32, Kind::Variants),
            Content::Response(response) => {
                let Times { fresh_until, ends, .. } = response.times;
                let until = ends.map_or(fresh_until, |end| end.min(fresh_until));
                (response.stamp.local, seconds(until), Kind::Response)
            }
        };
        let len = u32::try_from(len).ok()?;
        let listed = Listed { hash, url: head.url.0, local, offset: 0, len, fresh, kind };
        Some(Self { listed, head: bytes, body })
    }

    /// Its header, for the place that it is given.
    pub(super) fn header(&self, place: Place) -> RecordHeader {
        RecordHeader {
            listed: Listed { offset: place.offset, ..self.listed },
            head_len: u32::try_from(self.head.len()).unwrap_or(u32::MAX),
            head_sum: RecordHeader::sum_of(&self.head),
        }
    }
}

/// Unix milliseconds as seconds in 32 bits, which last until 2106.
pub(super) fn seconds(millis: u64) -> u32 {
    u32::try_from(millis / 1000).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use vitrine_shared::coherence::Stamp;
    use vitrine_shared::tag::TagHash;

    use super::super::io::Disk;
    use super::super::record::{Basis, CHUNK, sum_of_chunk};
    use super::*;

    pub(in crate::disk) const ID: SegmentId = SegmentId { lineage: 77, number: 1 };

    /// A response with this body, under a key.
    pub(in crate::disk) fn head(key: &[u8], url: u64, body: &[u8]) -> Head {
        let sums = body.chunks(CHUNK).enumerate().map(|(number, chunk)| sum_of_chunk(number, chunk)).collect();
        let response = Response {
            status: 200,
            fields: vec![(b"etag"[..].into(), b"\"x\""[..].into())],
            stamp: Stamp::default(),
            tags: vec![TagHash(1), TagHash(2)],
            is_within_promise: true,
            times: Times { fresh_until: 9_000, ..Times::default() },
            basis: Basis::default(),
            body_len: body.len() as u64,
            sums,
        };
        Head { key: key.into(), url: TagHash(url), content: Content::Response(Box::new(response)) }
    }

    fn write(active: &mut Active, hash: u64, body: &[u8]) -> Place {
        let prepared = Prepared::new(&head(b"key", 7, body), hash, vec![Bytes::copy_from_slice(body)]).unwrap();
        let place = active.place(prepared.listed.len).unwrap();
        active.append(&prepared.header(place), &[&prepared.head, body]).unwrap();
        place
    }

    fn body_of(segment: &Segment, place: Place) -> Result<Vec<u8>, ReadError> {
        let opened = segment.read(place)?;
        let Content::Response(response) = &opened.head.content else { panic!("a response was written") };
        if let Some(body) = opened.body {
            return Ok(body.to_vec());
        }
        let mut body = Vec::new();
        while let Some(chunk) = segment.chunk(&opened.header, response, body.len().div_ceil(CHUNK))? {
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn large() -> Vec<u8> {
        (0..CHUNK * 2 + 5).map(|at| u8::try_from(at % 251).unwrap()).collect()
    }

    #[test]
    fn records_are_read_back_with_and_without_the_list() {
        let folder = tempfile::tempdir().unwrap();
        let mut active = Active::create(&Disk, folder.path(), ID, 1 << 20, 10).unwrap();
        let bodies = [b"one".to_vec(), vec![], large()];
        let places: Vec<Place> = bodies.iter().zip(1..).map(|(body, hash)| write(&mut active, hash, body)).collect();
        let check = |segment: &Segment| {
            for (place, body) in places.iter().zip(&bodies) {
                assert_eq!(body_of(segment, *place).unwrap(), *body);
            }
        };
        check(active.segment());
        let unsealed = Segment::open(&Disk, folder.path(), ID).unwrap().unwrap();
        let scanned = unsealed.list().unwrap();
        assert!(!scanned.is_written && scanned.records == active.records && scanned.end == active.at);
        assert!(!scanned.is_torn);
        // One more, killed before its header: it is none, and what is before it is there.
        let next = Prepared::new(&head(b"key", 7, b"next"), 9, vec![Bytes::from_static(b"next")]).unwrap();
        write_all(&*active.segment().blob, &next.head, active.at + RECORD_HEADER as u64).unwrap();
        let torn = unsealed.list().unwrap();
        assert!(torn.is_torn && torn.records == active.records && torn.end == active.at);
        let records = active.records.clone();
        let sealed = active.seal();
        assert!(sealed.list.is_none() && sealed.len < 1 << 20);
        assert_eq!(std::fs::metadata(folder.path().join(ID.file_name())).unwrap().len(), sealed.len);
        let reopened = Segment::open(&Disk, folder.path(), ID).unwrap().unwrap();
        let listing = reopened.list().unwrap();
        assert!(listing.is_written && listing.records == records);
        check(&reopened);
    }

    #[test]
    fn another_folders_segment_is_none() {
        let folder = tempfile::tempdir().unwrap();
        drop(Active::create(&Disk, folder.path(), ID, 1 << 20, 10).unwrap());
        let other = SegmentId { lineage: 78, ..ID };
        assert!(Segment::open(&Disk, folder.path(), other).unwrap().is_none());
        std::fs::write(folder.path().join(ID.file_name()), b"short").unwrap();
        assert!(Segment::open(&Disk, folder.path(), ID).unwrap().is_none());
    }

    #[test]
    fn there_is_room_until_the_list_would_not_fit() {
        let folder = tempfile::tempdir().unwrap();
        let capacity = 1000;
        let mut active = Active::create(&Disk, folder.path(), ID, capacity, 2).unwrap();
        assert!(active.place(u32::try_from(Active::largest(capacity)).unwrap()).is_some());
        assert!(active.place(u32::try_from(Active::largest(capacity) + 1).unwrap()).is_none());
        write(&mut active, 1, b"a");
        write(&mut active, 2, b"b");
        assert!(active.place(64).is_none(), "two records are the most");
        assert!(active.seal().len <= capacity);
    }

    #[test]
    fn a_copy_is_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut old = Active::create(&Disk, folder.path(), ID, 2 << 20, 10).unwrap();
        let place = write(&mut old, 1, &large());
        let mut new = Active::create(&Disk, folder.path(), SegmentId { number: 2, ..ID }, 2 << 20, 10).unwrap();
        write(&mut new, 2, b"before");
        let header = old.segment().read(place).unwrap().header;
        let there = new.place(header.listed.len).unwrap();
        new.copy(old.segment(), &header, Listed { offset: there.offset, ..header.listed }).unwrap();
        assert_eq!(body_of(new.segment(), there).unwrap(), large());
        assert_eq!(new.segment().list().unwrap().records.len(), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Whatever byte of a segment is changed, and wherever it is cut off: what is read of a record is what was written, or a miss.
        #[test]
        fn a_flip_or_a_cut_is_a_miss_and_never_wrong_bytes(
            sizes in proptest::collection::vec(0usize..300, 1..5), at in any::<prop::sample::Index>(), bit in 0..8, cut in any::<bool>(), sealed in any::<bool>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut active = Active::create(&Disk, folder.path(), ID, 1 << 14, 10).unwrap();
            let bodies: Vec<Vec<u8>> = sizes.iter().map(|size| (0..*size).map(|at| u8::try_from(at % 251).unwrap()).collect()).collect();
            let places: Vec<Place> = bodies.iter().zip(1..).map(|(body, hash)| write(&mut active, hash, body)).collect();
            if sealed {
                active.seal();
            }
            let path = folder.path().join(ID.file_name());
            let mut bytes = std::fs::read(&path).unwrap();
            let end = places.last().map(|place| place.offset as usize + place.len as usize).unwrap();
            let at = at.index(end);
            let mut hurt = at..end;
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1u8 << bit;
                hurt = at..at + 1;
            }
            std::fs::write(&path, &bytes).unwrap();
            let Some(segment) = Segment::open(&Disk, folder.path(), ID).unwrap() else {
                prop_assert!(at < 32);
                return Ok(());
            };
            for (place, body) in places.iter().zip(&bodies) {
                let span = place.offset as usize..(place.offset + place.len) as usize;
                let is_hurt = span.start < hurt.end && hurt.start < span.end;
                match body_of(&segment, *place) {
                    Ok(read) => prop_assert!(!is_hurt && read == *body),
                    Err(ReadError::Broken) => prop_assert!(is_hurt),
                    Err(ReadError::Io(error)) => prop_assert!(false, "{}", error),
                }
            }
            // What is listed anew is what was written, and nothing else.
            let listed = segment.list().unwrap().records;
            for record in &listed {
                let known = places.iter().any(|place| (place.offset, place.len) == (record.offset, record.len));
                prop_assert!(known);
            }
        }
    }
}
