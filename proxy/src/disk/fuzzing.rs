//! The disk's files in memory, to be damaged, for the fuzz targets.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use prometheus::Registry;
use vitrine_shared::coherence::TagTable;
use vitrine_shared::epoch::Epoch;

use super::entry::JournalId;
use super::io::{Blob, Io, Lock};
use super::layout::{RecordHeader, SegmentId, decode_list, encode_list};
use super::log::{Bounds, Log, Written};
use super::metrics::DiskMetrics;
pub use super::record::{Basis, Browser, CHUNK, Content, Head, Response, Times, sum_of_chunk};
use super::segment::Prepared;
use super::state::State;

const LINEAGE: u64 = 5;

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub struct Files(Arc<Mutex<BTreeMap<PathBuf, Arc<File>>>>);

#[derive(Debug, Default)]
struct File(Mutex<Vec<u8>>);

/// Counters, which cost much to make.
#[derive(Clone, Debug)]
pub struct Counters(DiskMetrics);

/// The segments that lie in some files.
pub struct Segments {
    log: Log,
    shared: Arc<super::log::Shared>,
}

// === impl Counters ===

impl Default for Counters {
    #[expect(clippy::expect_used, reason = "a registry of its own takes them")]
    fn default() -> Self {
        Self(DiskMetrics::register(&Registry::new()).expect("counters"))
    }
}

// === impl Files ===

impl Files {
    /// The bytes of all segments, the oldest first, to be changed.
    pub fn damage(&self, mut with: impl FnMut(&mut Vec<u8>)) {
        self.0.lock().values().for_each(|file| with(&mut file.0.lock()));
    }

    /// Changes one bit of a segment.
    pub fn flip(&self, segment: u32, at: usize, bit: u8) {
        let name = SegmentId { lineage: LINEAGE, number: segment }.file_name();
        if let Some(file) = self.0.lock().get(&Path::new("/").join(name)) {
            file.0.lock()[at] ^= 1 << (bit % 8);
        }
    }

    /// Puts the files in each other's places.
    pub fn swap(&self) {
        let files = self.0.lock();
        let mut contents: Vec<Vec<u8>> = files.values().map(|file| file.0.lock().clone()).collect();
        contents.reverse();
        for (file, content) in files.values().zip(contents) {
            *file.0.lock() = content;
        }
    }
}

// === impl Segments ===

impl Segments {
    /// As after a start, in at most `size` bytes.
    pub fn load(files: &Files, size: u64, counters: &Counters) -> io::Result<Self> {
        let shared = Arc::<super::log::Shared>::default();
        let bounds = Bounds { size, segment: size / 4, records: 1000, listed: 100 };
        let mut log = Log::empty(
            Arc::new(files.clone()),
            PathBuf::from("/"),
            Box::new(|| true),
            LINEAGE,
            bounds,
            shared.clone(),
            counters.0.clone(),
            Arc::default(),
        );
        log.load(&|_, _| false)?;
        Ok(Self { log, shared })
    }

    /// Writes a record under the hash of its key; whether it can be read.
    pub fn put(&mut self, head: &Head, hash: u64, body: &[u8]) -> io::Result<bool> {
        let pieces = body.chunks(1000).map(Bytes::copy_from_slice).collect();
        let Some(record) = Prepared::new(head, hash, pieces) else { return Ok(false) };
        self.log.put(&record, &|| false).map(|written| written == Written::Whole)
    }

    /// Writes the list of the newest segment.
    pub fn seal(&mut self) {
        self.log.seal();
    }

    /// What is read for a key, as a fill reads it: the head, and the body chunk by chunk; `None` for a miss.
    pub fn get(&self, url: u64, hash: u64) -> Option<(Head, Vec<u8>)> {
        let place = self.shared.index.shard(url).use_it(url, hash)?.place;
        let segment = self.shared.segment(place.segment)?;
        let opened = segment.read(place).ok()?;
        let body = match (&opened.head.content, opened.body) {
            (_, Some(body)) => body.to_vec(),
            (Content::Variants(_), None) => Vec::new(),
            (Content::Response(response), None) => {
                let mut body = Vec::new();
                for number in 0.. {
                    match segment.chunk(&opened.header, response, number).ok()? {
                        Some(chunk) => body.extend_from_slice(&chunk),
                        None => break,
                    }
                }
                body
            }
        };
        Some((opened.head, body))
    }

    /// The segment of a record, where it begins there, and how long it is.
    pub fn place(&self, url: u64, hash: u64) -> Option<(u32, u32, u32)> {
        let place = self.shared.index.shard(url).get(url, hash)?.place;
        Some((place.segment, place.offset, place.len))
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes()
    }
}

// === any bytes ===

/// Reads any bytes as everything that stands in the files: what can be read is written and read again as the same.
pub fn read_anything(bytes: &[u8]) {
    if let Some(head) = Head::decode(bytes) {
        assert_eq!(Head::decode(&head.encode()), Some(head));
    }
    let segment = SegmentId { lineage: LINEAGE, number: 1 };
    if let Some(header) = RecordHeader::decode(bytes, segment, 32) {
        assert_eq!(RecordHeader::decode(&header.encode(segment), segment, 32), Some(header));
    }
    if let Some(list) = decode_list(bytes, segment) {
        assert_eq!(encode_list(&list, segment), bytes);
    }
    if let Some(state) = State::decode(bytes) {
        assert_eq!(State::decode(&state.encode()), Some(state));
    }
    let _ = SegmentId::number_of(&String::from_utf8_lossy(bytes));
    journal(bytes);
}

fn journal(bytes: &[u8]) {
    let id = JournalId { lineage: LINEAGE, number: 1 };
    assert!(id.read(bytes).is_ok_and(|entries| entries.is_empty()) || bytes.len() >= 16, "bytes that are no journal");
    // As if it had been written so: an entry in each piece.
    let mut file = Vec::new();
    let mut entries = Vec::new();
    for piece in bytes.split(|&byte| byte == 0xff) {
        let Some(entry) = super::entry::decode_for_fuzzing(piece) else { continue };
        file.extend(id.frame(entries.len() as u64, &entry));
        entries.push(entry);
    }
    assert_eq!(id.read(&file).as_ref(), Ok(&entries));
    let at = bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>();
    if !file.is_empty() {
        // One that was not written to its end is left out; a changed one is never overlooked.
        let cut = at % file.len();
        let part = id.read(&file[..cut]);
        assert!(part.is_ok_and(|part| entries.starts_with(&part)), "a torn journal");
        file[cut] ^= 1 << (at % 8);
        assert!(id.read(&file).is_err(), "a changed journal");
    }
    let (mut table, mut invalidated) = (TagTable::at(Epoch::ZERO, 16), Vec::new());
    for entry in entries {
        if entry.repeat(&mut table, &mut invalidated).is_err() {
            break;
        }
    }
}

// === impl Io ===

impl File {
    fn shared(files: &Files, path: &Path) -> io::Result<Arc<Self>> {
        files.0.lock().get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Io for Files {
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        Ok(self.list(folder)?.into_iter().map(|(name, _)| name).collect())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<(String, u64)>> {
        let files = self.0.lock();
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        Ok(files.iter().filter_map(|(path, file)| Some((name(path)?, file.0.lock().len() as u64))).collect())
    }

    fn create(&self, path: &Path, size: u64) -> io::Result<Arc<dyn Blob>> {
        let file = Arc::new(File(Mutex::new(vec![0; usize::try_from(size).unwrap_or(0)])));
        self.0.lock().insert(path.to_owned(), file.clone());
        Ok(file)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn Blob>> {
        File::shared(self, path).map(|file| file as Arc<dyn Blob>)
    }

    fn read(&self, path: &Path, _: u64) -> io::Result<Vec<u8>> {
        File::shared(self, path).map(|file| file.0.lock().clone())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.0.lock();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.lock().remove(path);
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _: &Path) -> io::Result<Option<Lock>> {
        Ok(None)
    }
}

impl Blob for File {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let bytes = self.0.lock();
        let from = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let count = buffer.len().min(bytes.len() - from);
        buffer[..count].copy_from_slice(&bytes[from..from + count]);
        Ok(count)
    }

    fn write_at(&self, given: &[u8], at: u64) -> io::Result<usize> {
        let mut bytes = self.0.lock();
        let from = usize::try_from(at).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let end = from + given.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[from..end].copy_from_slice(given);
        Ok(given.len())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.lock().resize(usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
