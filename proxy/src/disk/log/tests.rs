use bytes::Bytes;
use proptest::prelude::*;

use super::super::faulty::{EIO, ENOSPC, Faulty};
use super::super::index::Known;
use super::super::io::Disk;
use super::super::segment::tests::head;
use super::*;

const NOTHING: &dyn Fn(u64, u64) -> bool = &|_, _| false;
const NEVER: &dyn Fn() -> bool = &|| false;

struct Folder {
    root: tempfile::TempDir,
    io: Faulty,
}

impl Folder {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), io: Faulty::default() }
    }

    /// As after a start.
    fn log(&self, size: u64) -> Log {
        self.log_without(size, NOTHING)
    }

    fn log_without(&self, size: u64, is_invalidated: &dyn Fn(u64, u64) -> bool) -> Log {
        let metrics = DiskMetrics::register(&prometheus::Registry::new()).unwrap();
        let bounds = Bounds { size, segment: size / 4, records: 1000, listed: 100 };
        let (io, path) = (Arc::new(self.io.clone()), self.root.path().to_owned());
        let mut log = Log::empty(io, path, Box::new(|| true), 5, bounds, Arc::default(), metrics, Arc::default());
        log.load(is_invalidated).unwrap();
        log
    }

    fn bytes(&self) -> u64 {
        Disk.list(self.root.path()).unwrap().iter().map(|(_, len)| len).sum()
    }
}

fn put(log: &mut Log, hash: u64, body: &[u8]) -> io::Result<Written> {
    put_for(log, hash, hash, body)
}

fn put_for(log: &mut Log, url: u64, hash: u64, body: &[u8]) -> io::Result<Written> {
    let record =
        Prepared::new(&head(&hash.to_le_bytes(), url, body), hash, vec![Bytes::copy_from_slice(body)]).unwrap();
    log.put(&record, NEVER)
}

fn get(log: &Log, hash: u64) -> Option<Vec<u8>> {
    get_for(log, hash, hash)
}

/// The body under a key, as a request finds it; nothing where the record is another's.
fn get_for(log: &Log, url: u64, hash: u64) -> Option<Vec<u8>> {
    let Known { place, .. } = log.shared.index.shard(url).use_it(url, hash)?;
    let opened = log.shared.segment(place.segment)?.read(place).ok()?;
    (*opened.head.key == hash.to_le_bytes()).then(|| opened.body.unwrap().to_vec())
}

fn body(hash: u64) -> Vec<u8> {
    format!("{hash}-").repeat(150).into_bytes()
}

#[test]
fn what_was_written_is_there_after_a_start_sealed_or_not() {
    let folder = Folder::new();
    let mut log = folder.log(64 << 10);
    for hash in 1..=20 {
        assert_eq!(put(&mut log, hash, &body(hash)).unwrap(), Written::Whole);
    }
    for sealed in [false, true] {
        if sealed {
            log.seal();
        }
        drop(std::mem::replace(&mut log, folder.log(64 << 10)));
        for hash in 1..=20 {
            assert_eq!(get(&log, hash), Some(body(hash)), "{hash}, sealed: {sealed}");
        }
    }
    put(&mut log, 3, b"newer").unwrap();
    let log = folder.log(64 << 10);
    assert_eq!(get(&log, 3).as_deref(), Some(&b"newer"[..]));
    assert_eq!(log.shared.index.len(), 20);
}

#[test]
fn a_torn_tail_is_not_found_and_what_stands_before_it_is() {
    let folder = Folder::new();
    let mut log = folder.log(64 << 10);
    for hash in 1..=3 {
        put(&mut log, hash, &body(hash)).unwrap();
    }
    let last = log.shared.index.shard(3).get(3, 3).unwrap().place;
    drop(log);
    let path = folder.root.path().join("00000001.seg");
    let whole = std::fs::read(&path).unwrap();
    for cut in [last.offset + 1, last.offset + 63, last.offset + last.len - 1] {
        let mut torn = whole[..cut as usize].to_vec();
        // What a process was killed over is followed by the room that was reserved.
        torn.resize(whole.len(), 0);
        std::fs::write(&path, &torn).unwrap();
        let log = folder.log(64 << 10);
        assert_eq!((get(&log, 1), get(&log, 2)), (Some(body(1)), Some(body(2))));
        assert_eq!(get(&log, 3), None, "cut at {cut}");
    }
}

#[test]
fn the_oldest_makes_room_and_what_was_asked_for_stays() {
    let folder = Folder::new();
    let size = 64 << 10;
    let mut log = folder.log(size);
    put(&mut log, 1, &body(1)).unwrap();
    put(&mut log, 2, &body(2)).unwrap();
    for hash in 100..400 {
        put(&mut log, hash, &body(hash)).unwrap();
        assert_eq!(get(&log, 1), Some(body(1)), "asked for all the while, at {hash}");
        assert!(folder.bytes() <= size && log.shared.bytes() <= size, "{}", folder.bytes());
    }
    assert_eq!(get(&log, 2), None);
    assert_eq!(get(&log, 399), Some(body(399)));
    assert!(log.metrics.rewritten.get() > 1);
    assert!(log.metrics.counts().reclaimed_bytes > size);
    let log = folder.log(size);
    assert_eq!(get(&log, 1), Some(body(1)));
    assert!(get(&log, 2).is_none() && log.oldest() > 1);
}

#[test]
fn where_all_is_asked_for_something_goes_all_the_same() {
    let folder = Folder::new();
    let mut log = folder.log(64 << 10);
    for hash in 1..=300 {
        put(&mut log, hash, &body(hash)).unwrap();
        for asked in 1..=hash {
            get(&log, asked);
        }
        assert!(folder.bytes() <= 64 << 10);
    }
    assert_eq!(get(&log, 300), Some(body(300)));
}

#[test]
fn a_smaller_bound_holds_from_the_start_on() {
    let folder = Folder::new();
    let mut log = folder.log(64 << 10);
    for hash in 1..=80 {
        put(&mut log, hash, &body(hash)).unwrap();
    }
    log.seal();
    let mut log = folder.log(32 << 10);
    put(&mut log, 90, &body(90)).unwrap();
    assert!(folder.bytes() <= 32 << 10);
    assert!(get(&log, 90).is_some() && get(&log, 80).is_some() && get(&log, 1).is_none());
}

#[test]
fn many_small_records_are_bounded_too() {
    let folder = Folder::new();
    let mut log = folder.log(4 << 20);
    for hash in 1..=3000 {
        put(&mut log, hash, b"x").unwrap();
        assert!(log.shared.index.len() <= 1000, "{hash}");
    }
    assert!(get(&log, 3000).is_some() && get(&log, 1).is_none());
}

#[test]
fn what_no_segment_holds_is_not_written() {
    let folder = Folder::new();
    let mut log = folder.log(64 << 10);
    assert_eq!(put(&mut log, 1, &[7; 16 << 10]).unwrap(), Written::TooLarge);
    // One that fits a whole segment finds room, whatever is kept of others.
    let long = vec![7; 15 << 10];
    for hash in 1..=30 {
        assert_eq!(put(&mut log, hash, &long).unwrap(), Written::Whole);
        assert_eq!(get(&log, hash).as_ref(), Some(&long));
        assert_eq!(put(&mut log, 100 + hash, &body(hash)).unwrap(), Written::Whole);
        assert!(get(&log, 100 + hash).is_some() && folder.bytes() <= 64 << 10);
    }
}

#[test]
fn two_objects_of_equal_hash_are_not_taken_for_one_another() {
    let folder = Folder::new();
    let mut log = folder.log(64 << 10);
    let write = |log: &mut Log, key: &[u8], url| {
        log.put(&Prepared::new(&head(key, url, key), 9, vec![Bytes::copy_from_slice(key)]).unwrap(), NEVER).unwrap()
    };
    let key_at = |log: &Log, url| {
        let place = log.shared.index.shard(url).use_it(url, 9).unwrap().place;
        log.shared.segment(place.segment).unwrap().read(place).unwrap().head.key
    };
    write(&mut log, b"one", 7);
    write(&mut log, b"other", 7);
    write(&mut log, b"third", 7 + 64);
    // Of one URL, the later takes the place, and the earlier is a miss by its key; under another URL they stand side by side.
    assert_eq!((&*key_at(&log, 7), &*key_at(&log, 7 + 64)), (&b"other"[..], &b"third"[..]));
}

#[test]
fn what_was_invalidated_does_not_come_back() {
    let folder = Folder::new();
    let mut log = folder.log(64 << 10);
    put_for(&mut log, 7, 1, b"a").unwrap();
    put_for(&mut log, 7, 2, b"b").unwrap();
    put_for(&mut log, 8, 3, b"c").unwrap();
    assert_eq!(log.shared.index.shard(7).remove_url(7), 2);
    assert_eq!(log.shared.newest(), 1, "the invalidation is to be remembered as long as segment 1 is there");
    // The stamps of these records are 0 by this edge's own clock.
    let log = folder.log_without(64 << 10, &|url, local| url == 7 && local < 1);
    assert_eq!((get_for(&log, 7, 1), get_for(&log, 7, 2)), (None, None));
    assert!(get_for(&log, 8, 3).is_some());
    assert!(get_for(&folder.log_without(64 << 10, &|url, local| url == 7 && local > 0), 7, 1).is_some());
}

#[test]
fn what_is_overtaken_before_it_is_written_is_not_and_during_it_is_not_found() {
    let folder = Folder::new();
    let mut log = folder.log(64 << 10);
    let record = |body: &[u8]| Prepared::new(&head(b"k", 7, body), 1, vec![Bytes::copy_from_slice(body)]).unwrap();
    assert_eq!(log.put(&record(b"a"), &|| true).unwrap(), Written::Overtaken);
    assert!(!log.shared.index.shard(7).has_url(7));
    // An invalidation that comes while the bytes are on their way finds the record, though no request does.
    folder.io.hang(true);
    let (io, shared) = (folder.io.clone(), log.shared.clone());
    let invalidating = std::thread::spawn(move || {
        io.until_stuck(1);
        let mut shard = shared.index.shard(7);
        let seen = (shard.use_it(7, 1).is_some(), shard.remove_url(7));
        drop(shard);
        io.hang(false);
        seen
    });
    assert_eq!(log.put(&record(b"b"), NEVER).unwrap(), Written::Gone);
    assert_eq!(invalidating.join().unwrap(), (false, 1));
    assert_eq!(log.shared.index.len(), 0);
}

#[test]
fn a_disk_that_is_full_or_fails_is_an_error_and_no_more() {
    for errno in [ENOSPC, EIO] {
        let folder = Folder::new();
        let mut log = folder.log(64 << 10);
        put(&mut log, 1, &body(1)).unwrap();
        folder.io.fail_writes(errno);
        assert_eq!(put(&mut log, 1, b"newer").unwrap_err().raw_os_error(), Some(errno));
        assert_eq!(put(&mut log, 2, &body(2)).unwrap_err().raw_os_error(), Some(errno));
        // The older one was to be replaced: it is not served in its place.
        assert!(get(&log, 1).is_none() && get(&log, 2).is_none());
        assert!(log.shared.index.shard(1).has_url(1), "an invalidation of what may come back must be remembered");
        folder.io.fail_writes(0);
        put(&mut log, 3, &body(3)).unwrap();
        assert_eq!(get(&log, 3), Some(body(3)));
        drop(log);
        let log = folder.log(64 << 10);
        assert_eq!(get(&log, 3), Some(body(3)));
        assert!(get(&log, 2).is_none());
    }
}

#[test]
fn short_writes_are_carried_on() {
    let folder = Folder::new();
    folder.io.shorten_writes(7);
    let mut log = folder.log(64 << 10);
    for hash in 1..=3 {
        put(&mut log, hash, &body(hash)).unwrap();
    }
    log.seal();
    let log = folder.log(64 << 10);
    assert!((1..=3).all(|hash| get(&log, hash) == Some(body(hash))));
}

#[test]
fn foreign_files_and_segments_of_another_lineage_are_removed() {
    let folder = Folder::new();
    let mut log = folder.log(64 << 10);
    put(&mut log, 1, &body(1)).unwrap();
    let (io, path) = (Arc::new(folder.io.clone()), folder.root.path().to_owned());
    std::fs::write(path.join("stray"), b"x").unwrap();
    let bounds = log.bounds;
    let mut other =
        Log::empty(io, path, Box::new(|| true), 6, bounds, Arc::default(), log.metrics.clone(), Arc::default());
    drop(log);
    other.load(NOTHING).unwrap();
    assert_eq!((other.shared.index.len(), folder.bytes()), (0, 0));
    put(&mut other, 2, &body(2)).unwrap();
    assert_eq!(other.shared.newest(), 2, "numbers are not used again");
}

#[test]
fn bounds_leave_room_for_the_largest_object() {
    let mib = 1 << 20;
    assert_eq!(Bounds::new(10 << 30, 8 * mib).segment, 160 * mib);
    assert_eq!(Bounds::new(100 << 30, 8 * mib).segment, LARGEST_SEGMENT);
    assert_eq!(Bounds::new(64 * mib, 8 * mib).segment, 8 * mib + RECORD_OVERHEAD);
    assert_eq!(Bounds::new(mib, 8 * mib).segment, mib / 4);
    assert_eq!(Bounds::new(10 << 30, 8 * mib).records, 10 << 18);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is written, asked for, invalidated and started anew: what is found is the newest that was written under its key.
    #[test]
    fn what_is_found_is_the_newest(steps in proptest::collection::vec((0..6u8, 1..12_u64), 1..120)) {
        let folder = Folder::new();
        let mut log = folder.log(16 << 10);
        let mut newest: HashMap<u64, Vec<u8>> = HashMap::new();
        let mut invalidated: HashMap<u64, u64> = HashMap::new();
        for (number, (step, hash)) in steps.into_iter().enumerate() {
            match step {
                0 => {
                    let gone = invalidated.clone();
                    log = folder.log_without(16 << 10, &|url, _| gone.contains_key(&url));
                }
                1 => {
                    // As the stamps here are all the same, what is invalidated once is not stored again.
                    log.shared.index.shard(hash).remove_url(hash);
                    newest.remove(&hash);
                    invalidated.insert(hash, 1);
                }
                2 => {
                    get(&log, hash);
                }
                _ if invalidated.contains_key(&hash) => {}
                _ => {
                    let body = format!("{number}-").repeat(100).into_bytes();
                    put(&mut log, hash, &body).unwrap();
                    newest.insert(hash, body);
                }
            }
            prop_assert!(folder.bytes() <= 16 << 10);
            for hash in 1..12 {
                if let Some(found) = get_for(&log, hash, hash) {
                    prop_assert_eq!(Some(&found), newest.get(&hash));
                }
            }
        }
    }
}
